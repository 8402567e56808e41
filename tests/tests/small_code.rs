//! Small code is small: models built for size, on x86-64 alone, against the limits that the project promises.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::path::PathBuf;
use std::process::Command;

use zant_tests::{cases, code};
use zantc::emit::{Source, emit_crate};
use zantc::harness::profile;
use zantc::pipeline::compile;
use zantc::project::{crate_name, read};
use zantc::{Config, Optimize};

const LEVEL: &str = "z";

#[test]
fn models_stay_below_their_limits() {
    let mut skipped = 0;
    for (name, limit) in code::LIMITS {
        let Some(model) = model(name) else {
            skipped += 1;
            continue;
        };
        let bytes = built(name, &model);
        println!("{name}: {bytes} bytes of code, at most {limit}");
        assert!(bytes > 0 && bytes <= limit, "{name}: {bytes} bytes of code, {limit} allowed");
    }
    println!("{skipped} models skipped, whose files are missing");
}

/// A model's file. Large models are not stored but made, into the target folder.
fn model(name: &str) -> Option<PathBuf> {
    let stored = cases::shared()?.join("models").join(name).join("model.onnx");
    let made = cases::workspace().join("target/zant-large").join(name).join("model.onnx");
    [stored, made].into_iter().find(|path| path.is_file())
}

/// Bytes of code of a model.
fn built(name: &str, model: &std::path::Path) -> u64 {
    let config = Config::new().optimize(Optimize::Size);
    let compiled = read(model).and_then(|m| compile(&m, &config)).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    let program = &compiled.program;
    let krate = crate_name(&config, model).expect("the folder's name names a crate");
    let source = Source { program, config: &config, name: &krate, file: "", model_sha256: "", vectors: &[] };
    let folder = cases::workspace().join("target/zant-small-code").join(name);
    emit_crate(&source).write(&folder.join("model")).expect("the crate is written");
    let library = folder.join("library");
    code::library(program, &krate, &[LEVEL]).write(&library).expect("the library is written");
    let target = library.join("target");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--offline", "--profile", &profile(LEVEL)]).current_dir(&library);
    for variable in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"] {
        cargo.env_remove(variable);
    }
    cargo.env("RUSTFLAGS", code::FLAGS).env("CARGO_TARGET_DIR", &target);
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{name}:\n{}", String::from_utf8_lossy(&output.stderr));
    code::text_bytes(&target.join(profile(LEVEL)), &krate).expect("the library has code")
}
