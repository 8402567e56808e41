//! `zantc ladder` and `zantc eval --shard` as users run them: what is made in parts is what one process makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use zant_measure::report::{Kind, Metric, Report, Value};

fn workspace(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path).to_string_lossy().into_owned()
}

/// Runs the binary in a folder; its exit code and what it printed.
fn zantc(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    ran(Command::new(env!("CARGO_BIN_EXE_zantc")).args(args).current_dir(folder))
}

fn ran(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
    (status.code(), text(stdout), text(stderr))
}

/// The search path with the folder of the binary before it: plans say `zantc`.
fn search_path() -> std::ffi::OsString {
    let bin = Path::new(env!("CARGO_BIN_EXE_zantc")).parent().unwrap().to_path_buf();
    let rest = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&rest))).unwrap()
}

/// Model, data and additions of a small ladder: a network and two that were made elsewhere.
fn small(folder: &str) -> Vec<String> {
    let (ternary, bytes) =
        (workspace("models/diabetes/ternary/model.onnx"), workspace("models/diabetes/ternary_a8/model.onnx"));
    let (data, labels) = (workspace("models/diabetes/inputs.npy"), workspace("models/diabetes/labels.npy"));
    let words = [
        "ladder",
        &workspace("models/diabetes/float/model.onnx"),
        "--data",
        &data,
        "--labels",
        &labels,
        "--methods",
        "original,int8,unstructured-50",
        "--add",
        &format!("trained={ternary}"),
        "--add",
        &format!("trained-bytes={bytes}"),
        "--quick",
        "--target",
        "cortex-m7",
        "-o",
        folder,
    ];
    words.map(String::from).to_vec()
}

fn words(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// What a ladder's folder says, in all forms.
fn tables(folder: PathBuf) -> [String; 3] {
    ["ladder.md", "ladder.json", "ladder.html"]
        .map(|name| fs::read_to_string(folder.join(name)).expect("it was written"))
}

#[test]
fn rows_of_a_plan_make_the_table_of_one_process() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let (one, _, stderr) = zantc(at, &words(&small("whole")));
    let whole = tables(at.join("whole"));
    let report = Report::from_json(&whole[1]).unwrap();
    let missing = |value: Option<&Value>| matches!(value, Some(Value::Missing(_)));
    let failed = report.rows.iter().filter(|r| missing(r.values.get(&Metric::Deviation))).count();
    // The others have a row for each target.
    assert_eq!((report.kind, report.rows.len()), (Kind::Ladder, 10 - failed), "{stderr}");
    assert_eq!(one, Some(i32::from(failed > 0)), "methods were asked for: {stderr}");

    let mut plan = small("parts");
    plan.push("--plan".into());
    assert_eq!(zantc(at, &words(&plan)).0, Some(0));
    let plan = fs::read_to_string(at.join("parts/plan.txt")).unwrap();
    assert_eq!(plan.lines().count(), 5, "{plan}");
    let (code, _, stderr) = zantc(at, &["ladder", "--collect", "-o", "parts"]);
    assert!(code == Some(1) && stderr.contains("there is no row") || stderr.contains("cannot read"), "{stderr}");
    // In the other order, and each in a process of its own.
    for line in plan.lines().rev() {
        let (_, _, stderr) = ran(Command::new("sh").args(["-c", line]).env("PATH", search_path()).current_dir(at));
        assert!(stderr.contains("Climbing"), "{line}: {stderr}");
    }
    assert_eq!(zantc(at, &["ladder", "--collect", "-o", "parts"]).0, Some(0));
    assert_eq!(tables(at.join("parts")), whole);

    if Command::new("parallel").arg("--version").output().is_err() {
        println!("skipped: 1 plan run by GNU parallel, which is missing");
        return;
    }
    let mut plan = small("side");
    plan.push("--plan".into());
    assert_eq!(zantc(at, &words(&plan)).0, Some(0));
    ran(Command::new("parallel")
        .args(["-j2", "--will-cite", "-a", "side/plan.txt"])
        .env("PATH", search_path())
        .current_dir(at));
    assert_eq!(zantc(at, &["ladder", "--collect", "-o", "side"]).0, Some(0));
    assert_eq!(tables(at.join("side")), whole);
}

#[test]
fn finished_rows_are_kept_until_an_input_is_another() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let copy = |from: &str, to: &str| fs::copy(workspace(from), at.join(to)).unwrap();
    copy("models/diabetes/float/model.onnx", "model.onnx");
    copy("models/diabetes/inputs.npy", "x.npy");
    copy("models/diabetes/labels.npy", "y.npy");
    copy("models/diabetes/ternary/model.onnx", "other.onnx");
    let args = "ladder model.onnx --data x.npy --labels y.npy --methods original --add other=other.onnx --quick -o out";
    let run = |more: &[&str]| {
        let args: Vec<&str> = args.split(' ').chain(more.iter().copied()).collect();
        let (code, _, stderr) = zantc(at, &args);
        assert_eq!(code, Some(0), "{stderr}");
        (stderr.matches("Climbing").count(), stderr.matches("Fresh").count())
    };
    assert_eq!(run(&[]), (2, 0));
    assert_eq!(run(&["--sort", "weights"]), (0, 2));
    assert_eq!(run(&["--metric", "mae"]), (2, 0));
    assert_eq!(run(&["--metric", "mae"]), (0, 2));
    // A model that somebody changed is no result any longer.
    fs::write(at.join("out/models/other/model.onnx"), "x").unwrap();
    assert_eq!(run(&["--metric", "mae"]), (1, 1));
    copy("models/diabetes/ternary_a8/model.onnx", "other.onnx");
    assert_eq!(run(&["--metric", "mae"]), (1, 1));
    let labels = fs::read(at.join("y.npy")).unwrap();
    let mut changed = labels.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(at.join("y.npy"), changed).unwrap();
    assert_eq!(run(&["--metric", "mae"]), (2, 0));
    // Rows of two kinds of inputs make no table.
    fs::write(at.join("y.npy"), labels).unwrap();
    let only = "ladder model.onnx --data x.npy --labels y.npy --metric mae --quick -o out --only original";
    assert_eq!(zantc(at, &only.split(' ').collect::<Vec<_>>()).0, Some(0));
    let (code, _, stderr) = zantc(at, &["ladder", "--collect", "-o", "out"]);
    assert!(code == Some(1) && stderr.contains("`labels` differs"), "{stderr}");
}

#[test]
fn mistakes_are_said_before_any_work() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let (model, x, y) = (
        workspace("models/diabetes/float/model.onnx"),
        workspace("models/diabetes/inputs.npy"),
        workspace("models/diabetes/labels.npy"),
    );
    let cases: [(&[&str], i32, &str); 11] = [
        (&["--methods", "int9"], 2, "there is no method `int9`"),
        (&["--methods", "int8,int8"], 2, "two rows `int8`"),
        (&["--add", "qat=missing.onnx"], 2, "is not there"),
        (&["--add", "qat"], 2, "NAME=MODEL"),
        (&["--sort", "beauty"], 2, "expected one of accuracy"),
        (&["--target", "host"], 2, "in any case"),
        (&["--metric", "auc", "--labels", &x], 1, "numbers"),
        (&["--calibrate", "missing.npy"], 1, "missing.npy"),
        (&["--only", "int9"], 2, "there is no method `int9`"),
        (&["--only", "int8", "--plan"], 2, "cannot be used with"),
        (&["--collect"], 2, "cannot be used with"),
    ];
    for (more, exit, says) in cases {
        let mut args = vec!["ladder", &model, "--data", &x, "-o", "out", "--quick"];
        if !more.contains(&"--labels") {
            args.extend(["--labels", &y]);
        }
        args.extend(more);
        let (code, _, stderr) = zantc(at, &args);
        assert!(code == Some(exit) && stderr.contains(says), "{more:?} {code:?}: {stderr}");
        assert!(!at.join("out").exists(), "{more:?}");
    }
    let (code, _, stderr) = zantc(at, &["ladder", &model, "--data", &y, "--labels", &y, "-o", "out"]);
    assert!(code == Some(1) && !at.join("out").exists(), "{stderr}");
    assert_eq!(zantc(at, &["ladder", "-o", "out"]).0, Some(2));
}

#[test]
fn a_row_is_built_and_measured() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let mut args = small("out");
    args.retain(|word| word != "--quick");
    args[7] = "original".into();
    args.extend(["--runs", "5", "--emulate", "50000"].map(String::from));
    let (code, _, stderr) = zantc(at, &words(&args));
    assert_eq!(code, Some(0), "{stderr}");
    let report = Report::read(&at.join("out/ladder.json")).unwrap();
    let row = |name: &str, target: &str| {
        report.rows.iter().find(|r| r.key.subject == name && r.key.target == target).unwrap()
    };
    for name in ["original", "trained", "trained-bytes"] {
        for metric in [Metric::Deviation, Metric::Onnx, Metric::Parameters, Metric::Code, Metric::Time, Metric::Smaller]
        {
            assert!(row(name, "host").number(metric).unwrap() > 0.0, "{name} {metric:?}");
        }
    }
    assert!(row("trained", "host").number(Metric::Smaller).unwrap() > 4.0);
    // 17,792 multiply-adds.
    let Some(Value::Missing(why)) = row("original", "cortex-m7").values.get(&Metric::Instructions) else {
        println!("skipped: the firmware's instructions");
        return;
    };
    assert!(why.contains("--emulate") || why.contains("missing"), "{why}");
    let page = fs::read_to_string(at.join("out/ladder.html")).unwrap();
    assert!(page.contains("<circle") && page.contains("</html>"));
}

#[test]
fn parts_of_an_evaluation_come_to_the_number_of_the_whole() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let model = workspace("models/diabetes/float/model.onnx");
    let (x, y) = (workspace("models/diabetes/inputs.npy"), workspace("models/diabetes/labels.npy"));
    // Classes: 0 or 1 by turns, as many as there are patients.
    let count = 89;
    let mut header = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': ({count},), }}");
    header += &" ".repeat(63 - (10 + header.len()) % 64);
    header.push('\n');
    let mut classes = [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    (0..count).for_each(|i: i64| classes.extend((i % 3 / 2).to_le_bytes()));
    fs::write(at.join("classes.npy"), classes).unwrap();
    for (metric, labels) in [
        ("mse", &*y),
        ("mae", &y),
        ("top1", "classes.npy"),
        ("top5", "classes.npy"),
        ("f1", "classes.npy"),
        ("auc", "classes.npy"),
    ] {
        let common = ["--message-format", "json", "eval", &model, "--data", &x, "--labels", labels, "--metric", metric];
        let (code, whole, stderr) = zantc(at, &common);
        assert_eq!(code, Some(0), "{stderr}");
        let files: Vec<String> = (1..=4).map(|k| format!("{metric}-{k}.json")).collect();
        for (k, file) in files.iter().enumerate() {
            let shard = format!("{}/4", k + 1);
            let (code, _, stderr) = zantc(at, &[&common[..], &["--shard", &shard, "-o", file]].concat());
            assert_eq!(code, Some(0), "{stderr}");
        }
        let order = [&files[2], &files[0], &files[3], &files[1]].map(String::as_str);
        let (code, parts, stderr) =
            zantc(at, &[&["--message-format", "json", "eval", "--collect"], &order[..]].concat());
        assert_eq!(code, Some(0), "{stderr}");
        let numbers = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            ["metric", "value", "right", "examples", "not_finite"].map(|key| value[key].clone())
        };
        assert_eq!(numbers(&parts), numbers(&whole), "{metric}");
        let (code, _, stderr) = zantc(at, &["eval", "--collect", order[0], order[1], order[2]]);
        assert!(code == Some(1) && stderr.contains("part 2/4 is missing"), "{stderr}");
    }
    let (code, _, stderr) = zantc(at, &["eval", "--collect", "mse-1.json", "mae-2.json", "mse-3.json", "mse-4.json"]);
    assert!(code == Some(1) && stderr.contains("another evaluation"), "{stderr}");
    let (code, _, stderr) =
        zantc(at, &["eval", "--collect", "mse-1.json", "mse-1.json", "mse-2.json", "mse-3.json", "mse-4.json"]);
    assert!(code == Some(1) && stderr.contains("there twice"), "{stderr}");
    let (code, _, stderr) = zantc(at, &["eval", "--collect", "f1-1.json", "mse-2.json", "mse-3.json", "mse-4.json"]);
    assert!(code == Some(1) && stderr.contains("differ in `labels`"), "{stderr}");
    for wrong in [&["--shard", "5/4", "-o", "z.json"][..], &["--shard", "1/4"], &["-o", "z.json"]] {
        let (code, _, stderr) = zantc(at, &[&["eval", &model, "--data", &x, "--labels", &y], wrong].concat());
        assert_eq!(code, Some(2), "{wrong:?}: {stderr}");
    }
}
