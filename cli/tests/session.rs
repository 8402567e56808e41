//! `zantc bench session` as a user runs it: a decoder of the model set, and models that are none.

use std::path::Path;
use std::process::{Command, Output};

use zant_measure::report::{Kind, Metric, Report};

fn workspace(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path).to_string_lossy().into_owned()
}

/// Runs the binary; its exit code and what it said.
fn zantc(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_zantc")).args(args).current_dir(folder).output();
    let Output { status, stderr, .. } = run.expect("the binary starts");
    (status.code(), String::from_utf8(stderr).expect("it prints text"))
}

#[test]
fn a_session_of_a_decoder_is_measured() {
    let shared = std::env::var("ZANT_SHARED").unwrap_or_else(|_| workspace("../shared"));
    let model = Path::new(&shared).join("models/gpt_small_decode");
    if !model.join("model.onnx").is_file() {
        println!("skipped: 1 model, for the folder of them is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let model = model.to_string_lossy().into_owned();
    let args = ["bench", "session", &model, "--tokens", "4", "--prompt", "3", "--rounds", "2", "-o", "out"];
    let goals = ["--goal", "tokens_per_s=0.001", "--goal", "first_token=0.001"];
    let (code, said) = zantc(folder.path(), &[&args[..], &goals].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("first_token <= 0.001 is missed") && !said.contains("tokens_per_s >="), "{said}");
    let report = Report::read(&folder.path().join("out/report.json")).unwrap();
    assert_eq!(report.kind, Kind::Session);
    let row = |step: Option<&str>| report.rows.iter().find(|r| r.key.step.as_deref() == step).expect("a row");
    let whole = row(None);
    assert!(whole.number(Metric::TokensPerS).unwrap() > 0.0);
    assert_eq!([Metric::TokenMemory, Metric::Allocations].map(|m| whole.number(m)), [Some(0.0); 2]);
    // Two layers, four heads of 128 positions and 32 numbers, keys and values.
    assert_eq!(whole.number(Metric::Cache), Some(f64::from(2 * 2 * 4 * 128 * 32 * 4)));
    let calls = ["Create", "Prefill", "GenerateToken", "Forward"].map(|call| row(Some(call)).number(Metric::Calls));
    assert_eq!(calls, [1.0, 1.0, 4.0, 6.0].map(Some));
    assert_eq!(row(Some("operator matmul")).number(Metric::Calls), Some(4.0));
    assert!(report.notes.iter().any(|n| n.contains("tokens_per_s >= 0.001 is reached")), "{:?}", report.notes);
}

#[test]
fn a_model_that_is_no_decoder_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = zantc(folder.path(), &["bench", "session", &workspace("models/digits/digits.onnx")]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("no decoder") && said.contains("none of its inputs is a cache"), "{said}");
}

#[test]
fn a_reader_of_the_prompt_gives_the_first_token() {
    let folder = tempfile::tempdir().unwrap();
    let [decode, prefill] = ["decode", "prefill"].map(|name| workspace(&format!("models/wonderland/{name}.onnx")));
    let args = ["bench", "session", &decode, "--tokens", "5", "--prompt", "9", "--rounds", "2", "-o"];
    let (code, said) = zantc(folder.path(), &[&args[..], &["both", "--prefill", &prefill]].concat());
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = zantc(folder.path(), &[&args[..], &["alone"]].concat());
    assert_eq!(code, Some(0), "{said}");
    let [both, alone] =
        ["both", "alone"].map(|name| Report::read(&folder.path().join(name).join("report.json")).unwrap());
    let number = |report: &Report, step: Option<&str>, metric: Metric| {
        report.rows.iter().find(|r| r.key.step.as_deref() == step).and_then(|row| row.number(metric))
    };
    let calls =
        |report: &Report| ["Prefill", "GenerateToken", "Forward"].map(|c| number(report, Some(c), Metric::Calls));
    assert_eq!((calls(&both), calls(&alone)), ([1.0, 4.0, 5.0].map(Some), [1.0, 5.0, 13.0].map(Some)));
    // Weights are there once, but for what the reader alone has.
    let weights = [&both, &alone].map(|report| number(report, None, Metric::Weights).unwrap());
    assert!(weights[0] >= weights[1] && weights[0] < 1.05 * weights[1], "{weights:?}");
    assert_eq!(number(&both, None, Metric::Allocations), Some(0.0));
    // More than the reader has room for.
    let (code, said) = zantc(folder.path(), &["bench", "session", &decode, "--prefill", &prefill, "--prompt", "33"]);
    assert!(code == Some(1) && said.contains("it reads 32 tokens"), "{code:?} {said}");
}
