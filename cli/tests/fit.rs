//! `zantc fit` as users run it.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

fn fit(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/diabetes");
    let path = |name: &str| models.join(name).to_string_lossy().into_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_zantc"));
    command.args(["fit", &path("float/model.onnx"), "--data", &path("inputs.npy"), "--labels", &path("labels.npy")]);
    let ran = command.args(["--methods", "int8"]).args(args).current_dir(folder).output().expect("it starts");
    (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn the_best_within_the_limits_is_written_and_is_the_same_each_time() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let results = |out: &str| ["model.onnx", "fit.json", "front.md"].map(|f| fs::read(at.join(out).join(f)).unwrap());
    for (out, threads) in [("one", "1"), ("three", "3")] {
        let (code, stderr) = fit(at, &["--max-flash", "16K", "--threads", threads, "-o", out]);
        assert_eq!(code, Some(0), "{stderr}");
    }
    let whole = results("one");
    assert_eq!(whole, results("three"));
    let all: serde_json::Value = serde_json::from_slice(&whole[1]).unwrap();
    let best = all["candidates"].as_array().unwrap().iter().find(|c| c["name"] == all["best"]).unwrap();
    assert!(best["flash"].as_u64().unwrap() <= 16 << 10);
    // Stopped on the way: what is missing is made again.
    let name = all["best"].as_str().unwrap();
    fs::remove_file(at.join(format!("one/candidates/{name}.json"))).unwrap();
    fs::remove_file(at.join("one/model.onnx")).unwrap();
    assert_eq!(fit(at, &["--max-flash", "16K", "-o", "one"]).0, Some(0));
    assert_eq!(whole, results("one"));
}

#[test]
fn what_cannot_be_is_said() {
    let folder = TempDir::new().unwrap();
    let (code, stderr) = fit(folder.path(), &["--max-flash", "20", "-o", "out"]);
    assert!(code == Some(1) && stderr.contains("nearest is"), "{stderr}");
    assert_eq!(fit(folder.path(), &["-o", "out"]).0, Some(2));
    assert_eq!(fit(folder.path(), &["--max-flash", "1M", "--min-accuracy", "x", "-o", "out"]).0, Some(2));
}
