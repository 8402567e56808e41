//! What commands take and say, beside what they compute: dimensions, stdin, folders, kinds of files, lists, pages, exit codes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use prost::Message;
use tempfile::TempDir;
use zantc::onnx::proto::{
    Dimension, DimensionValue, ModelProto, NodeProto, StringStringEntryProto, TensorShapeProto, TensorType, TypeProto,
    TypeValue, ValueInfoProto,
};

/// A file of the workspace.
fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn digits() -> String {
    workspace("models/digits/digits.onnx").to_string_lossy().into_owned()
}

fn input() -> PathBuf {
    workspace("models/digits/test_data_set_0/input_0.pb")
}

/// Runs a command in a folder on some input; gives its exit code and what it said on stdout and stderr.
fn run(folder: &Path, args: &[&str], stdin: &[u8]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zantc"));
    command.args(args).current_dir(folder).env("ZANTC_CACHE", folder.join("cache"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    // A command that does not read it may be gone.
    drop(child.stdin.take().expect("it is piped").write_all(stdin));
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What a command says, which must end with a code.
fn said(folder: &Path, args: &[&str], code: i32) -> (String, String) {
    let (ended, stdout, stderr) = run(folder, args, b"");
    assert_eq!(ended, Some(code), "{args:?}\nstdout: {stdout}\nstderr: {stderr}");
    (stdout, stderr)
}

fn port(name: &str, dims: &[&str]) -> ValueInfoProto {
    let dim = |text: &&str| {
        let value = text.parse().map_or_else(|_| DimensionValue::Param((*text).into()), DimensionValue::Value);
        Dimension { value: Some(value), ..Dimension::default() }
    };
    let tensor = TensorType { elem_type: 1, shape: Some(TensorShapeProto { dim: dims.iter().map(dim).collect() }) };
    let ty = Some(TypeProto { value: Some(TypeValue::Tensor(tensor)), ..TypeProto::default() });
    ValueInfoProto { name: name.into(), ty, ..ValueInfoProto::default() }
}

/// A model of one input with such dimensions, through a Relu and other operators.
fn model(dims: &[&str], operators: &[&str]) -> Vec<u8> {
    let mut model = ModelProto { ir_version: 8, ..ModelProto::default() };
    let opset = zantc::onnx::proto::OperatorSetIdProto { domain: String::new(), version: 17 };
    model.opset_import = vec![opset];
    model.graph.name = "g".into();
    model.graph.input = vec![port("x", dims)];
    let mut last = "x".to_string();
    for (i, op) in ["Relu"].iter().chain(operators).enumerate() {
        let scopes = StringStringEntryProto {
            key: "pkg.torch.onnx.name_scopes".into(),
            value: format!("['', 'encoder', 'encoder.layers.{i}', 'op']"),
        };
        let output = format!("v{i}");
        model.graph.node.push(NodeProto {
            op_type: (*op).into(),
            input: vec![last],
            output: vec![output.clone()],
            metadata_props: vec![scopes],
            ..NodeProto::default()
        });
        last = output;
    }
    model.graph.output = vec![ValueInfoProto { name: last, ..ValueInfoProto::default() }];
    model.encode_to_vec()
}

#[test]
fn a_batch_without_a_value_is_one_and_a_note_says_so() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("net.onnx"), model(&["N", "3"], &[])).unwrap();
    let (stdout, stderr) = said(at, &["check", "net.onnx"], 0);
    assert!(stderr.contains("note[ZA0212]: the batch (`N`) has no value and is taken as 1"), "{stderr}");
    assert!(
        stderr.contains("`--dim 'N=8'`") && stdout.contains("multiply-adds in 1 step for host"),
        "{stdout}{stderr}"
    );
    assert!(stdout.contains("bytes of RAM (") && stdout.contains("bytes of weights"), "{stdout}");
    let (_, stderr) = said(at, &["check", "net.onnx", "--dim", "N=1"], 0);
    assert!(!stderr.contains("note["), "{stderr}");
    let (_, stderr) = said(at, &["check", "net.onnx", "--quiet"], 0);
    assert_eq!(stderr, "");
}

#[test]
fn check_lists_all_reasons_with_their_scope_and_a_line_to_copy() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("net.onnx"), model(&["batch", "seq", "3"], &["Frob", "Erf", "Frobnicate"])).unwrap();
    let (stdout, stderr) = said(at, &["check", "net.onnx"], 1);
    assert_eq!(stdout.lines().last(), Some("--dim seq=1"), "{stdout}");
    for part in ["ZA0205", "`Frob`", "`Frobnicate`", "     in encoder.layers.1\n", "     in encoder.layers.3\n"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert_eq!(stderr.matches("error[").count(), 3, "{stderr}");
    assert_eq!(stderr.matches("error[").count(), stderr.matches("= help").count() - stderr.matches("note[").count());
    let (stdout, _) = said(at, &["check", "net.onnx", "--message-format", "json"], 1);
    let checked: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&checked["arguments"], &checked["errors"]), (&"--dim seq=1".into(), &3.into()), "{checked}");
    // The line can be copied: what is left is what is wrong with the operators.
    let (stdout, stderr) = said(at, &["check", "net.onnx", "--dim", "seq=1"], 1);
    assert!(!stderr.contains("ZA0205") && !stdout.contains("--dim"), "{stdout}{stderr}");
}

#[test]
fn models_come_from_folders_and_from_stdin() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("net")).unwrap();
    fs::copy(digits(), at.join("net/model.onnx")).unwrap();
    for command in ["check", "verify"] {
        let args = if command == "verify" { vec![command, "net", "--in-process"] } else { vec![command, "net"] };
        said(at, &args, 0);
    }
    let (_, stderr) = said(at, &["compile", "net", "-o", "out"], 0);
    assert!(stderr.contains("Compiling net ("), "{stderr}");
    let file = fs::read(digits()).unwrap();
    let (code, stdout, stderr) = run(at, &["inspect", "-"], &file);
    assert!(code == Some(0) && stdout.contains("\nstdin: 6 steps"), "{stdout}{stderr}");
    assert_eq!(run(at, &["inspect", "-"], b"no model").0, Some(2));
    let tensor = fs::read(input()).unwrap();
    let (code, stdout, stderr) = run(at, &["run", &digits(), "-i", "-"], &tensor);
    assert!(code == Some(0) && stdout.starts_with("probabilities: f32[1,10]"), "{stdout}{stderr}");
    let (code, _, stderr) = run(at, &["run", "-", "-i", "-"], &file);
    assert!(code == Some(2) && stderr.contains("stdin can be read once"), "{stderr}");
}

#[test]
fn npy_in_gives_npy_out_and_other_types_say_how_to_convert() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let tensor = zantc::ir::Tensor::from_elements([1, 1, 8, 8], &[0.5f32; 64]);
    zantc::import::to_raw("image", &tensor).write_npy(&at.join("x.npy")).unwrap();
    let (model, pb) = (digits(), input().to_string_lossy().into_owned());
    for (input, more, file) in [
        ("x.npy", &[][..], "output_0.npy"),
        (&pb, &[], "output_0.pb"),
        ("x.npy", &["--format", "pb"], "output_0.pb"),
        (&pb, &["--format", "npy"], "output_0.npy"),
    ] {
        let out = TempDir::new().unwrap();
        let place = out.path().to_string_lossy().into_owned();
        said(at, &[&["run", &model, "-i", input, "-o", &place], more].concat(), 0);
        assert!(out.path().join(file).is_file(), "{input} {more:?}");
    }
    let other = zantc::ir::Tensor::from_elements([64], &[1.0f64; 64]);
    zantc::import::to_raw("image", &other).write_npy(&at.join("y.npy")).unwrap();
    let (_, stderr) = said(at, &["run", &model, "-i", "y.npy"], 1);
    for part in ["x.astype(numpy.float32)", "x.reshape([1, 1, 8, 8])"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
}

#[test]
fn targets_boards_and_codes_are_listed() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let (targets, _) = said(at, &["targets"], 0);
    assert!(targets.contains("cortex-m7") && targets.contains("thumbv7em-none-eabihf"), "{targets}");
    let (boards, _) = said(at, &["boards"], 0);
    assert!(boards.contains("nrf51822") && boards.contains("256K flash") && boards.contains("16K RAM"), "{boards}");
    let (fits, _) = said(at, &["boards", &digits()], 0);
    assert!(fits.lines().any(|l| l.starts_with("stm32h743zi ") && l.ends_with("  fits")), "{fits}");
    let (json, _) = said(at, &["boards", &digits(), "--fits", "--message-format", "json"], 0);
    let boards: Vec<serde_json::Value> = json.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(boards.len() > 10 && boards.iter().all(|b| b["fits"] == true && b["needs"]["ram_bytes"].is_number()));
    said(at, &["boards", &digits(), "--max-ram", "1K"], 2);
    let (codes, _) = said(at, &["explain"], 0);
    assert!(codes.contains("ZA0001") && codes.contains("ZA0212"), "{codes}");
    let (tools, _) = said(at, &["doctor"], 0);
    for tool in ["cargo", "rustc", "qemu-system-arm", "probe-rs", "thumbv7em-none-eabihf"] {
        assert!(tools.lines().any(|l| l.starts_with(tool)), "{tool}: {tools}");
    }
}

#[test]
fn shells_and_manual_pages_know_all_commands() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    for dialect in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (text, _) = said(at, &["completions", dialect], 0);
        assert!(text.contains("certify") && text.contains("max-ram"), "{dialect}");
    }
    let (page, _) = said(at, &["man"], 0);
    assert!(page.contains(".TH zantc 1") && page.contains("Exit codes"), "{page}");
    said(at, &["man", "-o", "pages"], 0);
    let page = fs::read_to_string(at.join("pages/zantc-compile.1")).unwrap();
    assert!(page.contains("max\\-ram"), "{page}");
}

#[test]
fn a_second_verify_of_an_unchanged_model_builds_nothing() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::copy(digits(), at.join("net.onnx")).unwrap();
    let args = ["verify", "net.onnx", "--seeded", "1", "--opt-level", "0"];
    said(at, &args, 0);
    let builds = at.join("cache/builds");
    let kept: Vec<PathBuf> = fs::read_dir(&builds).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let binaries = |folder: &Path| {
        let mut found = Vec::new();
        let mut left = vec![folder.join("target")];
        while let Some(folder) = left.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                match entry.file_type().unwrap().is_dir() {
                    true => left.push(entry.path()),
                    false => found.push((entry.path(), entry.metadata().unwrap().modified().unwrap())),
                }
            }
        }
        found.retain(|(path, _)| path.extension().is_some_and(|e| e == "rlib" || e == "rmeta"));
        found.sort();
        found
    };
    let before = binaries(&kept[0]);
    assert!(!before.is_empty());
    said(at, &args, 0);
    assert_eq!(binaries(&kept[0]), before);
    // Other options, another build.
    said(at, &[&args[..], &["--optimize", "size"]].concat(), 0);
    assert_eq!(fs::read_dir(&builds).unwrap().count(), 2);
}

#[test]
fn colours_and_phases_are_as_asked_for() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let (_, stderr) = said(at, &["check", &digits(), "--color", "always"], 0);
    assert!(stderr.contains("\u{1b}[1;32m"), "{stderr:?}");
    let (_, stderr) = said(at, &["check", &digits(), "--verbose"], 0);
    assert!(stderr.contains("digits: planning memory (at "), "{stderr}");
    let (_, stderr) = said(at, &["check", &digits()], 0);
    assert!(!stderr.contains("planning memory") && !stderr.contains('\u{1b}'), "{stderr:?}");
}

#[test]
fn projects_are_made_for_boards_and_nothing_is_written_over() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    for (board, flavor) in
        [("nucleo-f746zg", "plain"), ("rpi-pico", "rtic"), ("rpi-pico2", "embassy"), ("esp32c3", "plain")]
    {
        let (_, stderr) = said(at, &["new", &digits(), "--board", board, "--flavor", flavor], 0);
        assert!(stderr.contains(&format!("Made digits-{board}")), "{stderr}");
        let made = at.join(format!("digits-{board}"));
        let files = ["Cargo.toml", "README.md", ".cargo/config.toml", "build.rs", "src/main.rs", "src/sensor.rs"];
        let more = ["src/inference.rs", "model/Cargo.toml", "qemu/src/vectors.rs", "qemu/memory.x"];
        for file in files.iter().chain(&more) {
            let text = fs::read_to_string(made.join(file)).unwrap_or_else(|e| panic!("{board}: {file}: {e}"));
            assert!(!text.contains("{{"), "{board}: {file}");
        }
        let manifest = fs::read_to_string(made.join("Cargo.toml")).unwrap();
        assert!(manifest.parse::<toml::Table>().is_ok(), "{manifest}");
    }
    let memory = fs::read_to_string(at.join("digits-nucleo-f746zg/memory.x")).unwrap();
    assert!(memory.contains("FLASH : ORIGIN = 0x08000000, LENGTH = 1048576"), "{memory}");
    let again = said(at, &["new", &digits(), "--board", "esp32c3"], 2).1;
    assert!(again.contains("digits-esp32c3 is there already"), "{again}");
    said(at, &["new", &digits(), "--board", "esp32c3", "--flavor", "rtic", "-o", "x"], 2);
    said(at, &["new", &digits(), "--board", "mps3-an547", "-o", "x"], 2);
    said(at, &["new", &digits(), "-o", "x"], 2);
    let refused = said(at, &["new", &digits(), "--board", "nrf51822", "--max-flash", "1K", "-o", "x"], 1).1;
    assert!(refused.contains("ZA0301") && !at.join("x").exists(), "{refused}");
}

#[test]
fn a_probe_that_is_not_there_is_said() {
    let folder = TempDir::new().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zantc"));
        // Where there is no probe-rs.
        let output = command.args(args).current_dir(folder.path()).env("PATH", folder.path()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, stderr) = run(&["verify", &digits(), "--probe", "--board", "nucleo-f746zg"]);
    assert!(code == Some(1) && stderr.contains("cargo install probe-rs-tools"), "{stderr}");
    let (code, stderr) = run(&["verify", &digits(), "--probe"]);
    assert!(code == Some(2) && stderr.contains("`--probe` needs `--board`"), "{stderr}");
    let (code, stderr) = run(&["verify", &digits(), "--probe", "--board", "mps2-an500"]);
    assert!(code == Some(2) && stderr.contains("is emulated"), "{stderr}");
}

#[test]
fn a_page_shows_a_model() {
    let folder = TempDir::new().unwrap();
    said(folder.path(), &["inspect", &digits(), "--html", "model.html"], 0);
    let page = fs::read_to_string(folder.path().join("model.html")).unwrap();
    for part in ["<h2 id=\"s2\">Graph</h2>", "0 conv2d", "Arena over time", "nrf52840", "probabilities"] {
        assert!(page.contains(part), "{part}");
    }
}
