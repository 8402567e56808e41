//! `zantc bench` and `zantc profile` as a user runs them: reports that are read again, and what happens where a model fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use zant_measure::Machine;
use zant_measure::report::{Kind, Metric, Report};

fn workspace(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path).to_string_lossy().into_owned()
}

/// Runs the binary; what it printed and its exit code.
fn zantc(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_zantc")).args(args).current_dir(folder).output();
    let Output { status, stdout, stderr } = run.expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
    (status.code(), text(stdout), text(stderr))
}

fn report(folder: PathBuf) -> Report {
    Report::read(&folder.join("report.json")).expect("a report was written")
}

#[test]
fn what_can_be_measured_is_and_what_cannot_is_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (workspace("models/digits/digits.onnx"), folder.path().join("absent.onnx"));
    let (bad, page) = (bad.to_string_lossy(), workspace("README.md"));
    let peers = folder.path().join("peers.toml");
    let figure =
        "[[peer]]\nmodel = \"digits\"\nname = \"another\"\ntarget = \"host\"\nflash = 1\nsource = \"a page\"\n";
    std::fs::write(&peers, figure).unwrap();
    let args = ["bench", &bad, &good, &good, &page, "--profiles", "small,small", "--runs", "3", "-o", "out"];
    let args = [&args[..], &["--peers", "peers.toml", "--keep-elf", "elf"]].concat();
    let (code, _, stderr) = zantc(folder.path(), &args);
    assert_eq!(code, Some(1), "{stderr}");
    let report = report(folder.path().join("out"));
    assert_eq!((report.kind, report.rows.len()), (Kind::Bench, 1), "{stderr}");
    let row = &report.rows[0];
    assert_eq!((row.key.subject.as_str(), row.key.profile.as_str()), ("digits", "small"));
    assert_eq!(row.values[&Metric::Allocations].number(), Some(0.0));
    assert_eq!((row.origin.model.len(), row.origin.isa.is_empty()), (64, false));
    let run = &report.runs[0];
    let unnamed = !run.command.contains('/') && run.command.starts_with("zantc bench absent.onnx digits.onnx");
    assert!(unnamed && run.date.ends_with('Z'), "{run:?}");
    assert_eq!(report.others[0].source, "a page");
    let elf = std::fs::read(folder.path().join("elf/digits-host-small-static.elf")).unwrap();
    assert_eq!(&elf[..4], b"\x7fELF");
    for (subject, why) in [("absent", "cannot read"), ("digits", "two models"), ("README.md", "is no model")] {
        assert!(report.notes.iter().any(|n| n.contains(subject) && n.contains(why)), "{:?}", report.notes);
    }
}

#[test]
fn a_report_keeps_its_other_models_and_is_quick_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let model = workspace("models/digits/digits.onnx");
    let bench = |name: &str, more: &[&str]| {
        let args = ["bench", &model, "--profiles", "small", "--runs", "3", "-o", "out", "--keep", "--name", name];
        let (code, _, stderr) = zantc(folder.path(), &[&args[..], more].concat());
        assert_eq!(code, Some(0), "{stderr}");
        report(folder.path().join("out"))
    };
    let first = bench("one", &["--quick", "--floor"]);
    assert!(!first.rows[0].values.contains_key(&Metric::Instructions));
    assert!(first.rows[0].number(Metric::Floor).unwrap() > 0.0);
    bench("two", &["--quick"]);
    let last = bench("one", &["--quick"]);
    let names: Vec<&str> = last.rows.iter().map(|r| r.key.subject.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert!(!last.rows[0].values.contains_key(&Metric::Floor), "it was measured again");
    // Each row says which run it is of.
    assert_eq!(last.rows.iter().map(|r| r.origin.run).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(last.runs.len(), 3);
}

/// Bytes that the executables of mnist-8, of which 24 kB are weights, may have: on the host, and what is flashed.
const MNIST_HOST: f64 = 42.0 * 1024.0;
const MNIST_FLASH: f64 = 40.0 * 1024.0;

#[test]
fn small_builds_are_small() {
    let shared = std::env::var("ZANT_SHARED").unwrap_or_else(|_| workspace("../shared"));
    let model = Path::new(&shared).join("models/mnist-8");
    if !model.join("model.onnx").is_file() {
        println!("skipped: 1 model, for the folder of them is missing");
        return;
    }
    let ready = Machine::with_cpu("cortex-m7").unwrap().require();
    if let Err(why) = &ready {
        println!("skipped: 1 size of firmware: {why}");
    }
    let emulated = ready.is_ok();
    let folder = tempfile::tempdir().unwrap();
    let targets = if emulated { "host,cortex-m7" } else { "host" };
    let model = model.to_string_lossy().into_owned();
    let args = ["bench", &model, "--target", targets, "--profiles", "small", "--runs", "1", "-o", "out"];
    let (code, _, stderr) = zantc(folder.path(), &args);
    assert_eq!(code, Some(0), "{stderr}");
    let report = report(folder.path().join("out"));
    assert_eq!(report.rows.len(), if emulated { 2 } else { 1 });
    for row in &report.rows {
        let limit = if row.key.target == "host" { MNIST_HOST } else { MNIST_FLASH };
        assert!(row.values[&Metric::Executable].number().unwrap() <= limit, "{row:?}");
    }
}

#[test]
fn one_operator_is_measured_against_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, stderr) = zantc(folder.path(), &["bench", "ops", "MatMul 64", "--runs", "3", "-o", "out"]);
    assert_eq!(code, Some(0), "{stderr}");
    let report = report(folder.path().join("out"));
    assert_eq!((report.kind, report.rows.len()), (Kind::Ops, 1));
    let number = |metric: Metric| report.rows[0].values[&metric].number().unwrap();
    assert_eq!((number(Metric::Macs), number(Metric::Allocations)), (64.0 * 64.0 * 64.0, 0.0));
    assert!(number(Metric::PeakShare) > 0.0);
}

#[test]
fn a_profile_is_a_report_with_a_row_for_each_step() {
    let folder = tempfile::tempdir().unwrap();
    let model = workspace("models/digits/digits.onnx");
    let (code, stdout, stderr) =
        zantc(folder.path(), &["profile", &model, "--runs", "3", "--json", "--html", "steps.html"]);
    assert_eq!(code, Some(0), "{stderr}");
    let report = Report::from_json(&stdout).unwrap();
    assert_eq!(report.kind, Kind::Profile);
    let steps = report.rows.iter().filter(|r| r.key.step.is_some()).count();
    assert!(steps > 3 && report.rows.len() == steps + 1);
    let page = std::fs::read_to_string(folder.path().join("steps.html")).unwrap();
    assert!(report.rows.iter().filter_map(|r| r.key.step.as_ref()).all(|step| page.contains(step.as_str())));
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["bench"][..],
        &["bench", "m.onnx", "--target", "pdp-11"],
        &["bench", "m.onnx", "--alloc", "caller"],
        &["bench", "m.onnx", "--against", "numpy"],
        &["bench", "m.onnx", "--runs", "0"],
        &["bench", "m.onnx", "--keep"],
        &["bench", "m.onnx", "--peers", "absent.toml"],
        &["bench", "ops", "no such operator"],
        &["profile", "m.onnx", "--runs", "0"],
    ] {
        let (code, _, stderr) = zantc(folder.path(), args);
        assert_eq!(code, Some(2), "{args:?} {stderr}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn nothing_is_written_where_no_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let model = workspace("models/digits/digits.onnx");
    let (code, stdout, stderr) = zantc(folder.path(), &["bench", &model, "--profiles", "small", "--runs", "1"]);
    assert!(code == Some(0) && stdout.contains("digits") && stdout.contains('|'), "{stdout}{stderr}");
    let args = ["certify", &model, "--target", "cortex-m7", "--opt-level", "z"];
    match zantc(folder.path(), &args) {
        (Some(0), stdout, _) => assert!(stdout.starts_with("# digits on cortex-m7"), "{stdout}"),
        (_, _, stderr) if stderr.contains("is missing") => println!("skipped: 1 certificate, for {stderr}"),
        (code, _, stderr) => panic!("{code:?}: {stderr}"),
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the current folder is the user's");
}
