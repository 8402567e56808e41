//! `zantc compile A B --share-state` as a user runs it: the crate of a decoder and the reader of its prompt, which tests itself.

use std::path::Path;
use std::process::{Command, Output};

fn model(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(path).to_string_lossy().into_owned()
}

/// Runs the binary; its exit code and what it said.
fn zantc(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_zantc")).args(args).current_dir(folder).output();
    let Output { status, stderr, .. } = run.expect("the binary starts");
    (status.code(), String::from_utf8(stderr).expect("it prints text"))
}

#[test]
fn two_models_become_a_crate_that_tests_itself() {
    let folder = tempfile::tempdir().unwrap();
    let [prefill, decode] = ["wonderland/prefill.onnx", "wonderland/decode.onnx"].map(model);
    let (code, said) = zantc(folder.path(), &["compile", &prefill, &decode, "--share-state", "--name", "chat"]);
    assert_eq!(code, Some(0), "{said}");
    let krate = folder.path().join("chat");
    let read = |path: &str| std::fs::read_to_string(krate.join(path)).unwrap();
    let library = read("src/lib.rs");
    assert!(["pub mod prefill", "pub mod decode", "pub struct Session"].iter().all(|part| library.contains(part)));
    // The reader once, then the decoder twice.
    let test = read("tests/golden.rs");
    assert_eq!(["session.prefill(", "session.decode("].map(|call| test.matches(call).count()), [1, 2]);
    let run = |command: &mut Command| command.current_dir(&krate).output().expect("cargo starts");
    let tested = run(Command::new("cargo").args(["test", "--offline", "--quiet", "--test", "golden"]));
    assert!(
        tested.status.success(),
        "{}{}",
        String::from_utf8_lossy(&tested.stdout),
        String::from_utf8_lossy(&tested.stderr)
    );
    // A vector that was changed is noticed.
    let path = krate.join("tests/golden/output_2_0.bin");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[2] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(!run(Command::new("cargo").args(["test", "--offline", "--quiet", "--test", "golden"])).status.success());
}

#[test]
fn models_without_a_common_state_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [prefill, decode, digits] =
        ["wonderland/prefill.onnx", "wonderland/decode.onnx", "digits/digits.onnx"].map(model);
    let (code, said) = zantc(folder.path(), &["compile", &digits, &decode, "--share-state"]);
    assert!(code == Some(2) && said.contains("`digits` has no output that begins state `past_k_0`"), "{code:?} {said}");
    let (code, said) = zantc(folder.path(), &["compile", &prefill, &decode, "--share-state", "--emit", "ir"]);
    assert!(code == Some(2) && said.contains("a listing is of one model"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
