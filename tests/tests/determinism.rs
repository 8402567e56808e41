//! Equal models give equal bytes, in whatever process; nothing of the machine or the day gets into them.

use std::process::Command;

use sha2::{Digest, Sha256};
use zant_tests::cases;
use zantc::Config;
use zantc::emit::{Package, Source, Vector, emit_crate};
use zantc::exec::{Executor, Hygiene};
use zantc::pipeline::compile;
use zantc::project::read;

/// Set in the processes that this test starts.
const CHILD: &str = "ZANT_TEST_PRINT_HASH";

fn package() -> Package {
    let config = Config::new();
    let model = read(&cases::workspace().join("models/digits/digits.onnx")).expect("the model is part of the project");
    let program = compile(&model, &config).expect("it compiles").program;
    let inputs: Vec<_> = program.inputs.iter().map(|p| zantc::ir::text::random(&p.ty, 1)).collect();
    let outputs = Executor::new(&program, Hygiene::AsEmitted).expect("it is planned").run(&inputs).expect("it runs");
    let vectors = [Vector { inputs, outputs, data_set: None }];
    emit_crate(&Source {
        program: &program,
        config: &config,
        name: "digits",
        file: "",
        model_sha256: "00",
        vectors: &vectors,
    })
}

fn hash(package: &Package) -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in &package.files {
        hash.update(name);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn two_processes_emit_the_same_bytes() {
    let here = hash(&package());
    if std::env::var_os(CHILD).is_some() {
        println!("hash={here}.");
        return;
    }
    let child = || {
        let exe = std::env::current_exe().expect("this test has a file");
        let mut child = Command::new(exe);
        child.args(["--exact", "two_processes_emit_the_same_bytes", "--nocapture"]).env(CHILD, "1");
        let output = child.current_dir(std::env::temp_dir()).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for _ in 0..2 {
        let printed = child();
        assert!(printed.contains(&format!("hash={here}.")), "{here} here, there:\n{printed}");
    }
}

#[test]
fn nothing_of_the_machine_is_emitted() {
    let root = cases::workspace().canonicalize().expect("it exists");
    let root = root.to_string_lossy();
    let home = std::env::var("HOME").unwrap_or_else(|_| "/home/".into());
    let user = ["/home/", "/Users/", "/tmp/", "C:\\"];
    let days = ["2024-", "2025-", "2026-", "2027-", "2028-", "UTC"];
    for (name, bytes) in &package().files {
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        let found = [&*root, home.trim_end_matches('/')]
            .into_iter()
            .filter(|p| p.len() > 4)
            .chain(user)
            .chain(days)
            .find(|p| text.contains(p));
        assert_eq!(found, None, "{name}");
    }
}
