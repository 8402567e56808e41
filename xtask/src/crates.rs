//! The official operator cases through real crates: what passes in process is emitted in batches, many models on one
//! runtime, built by rustc and run; the outputs must have the bits that were computed in process.

use std::cell::RefCell;
use std::path::Path;

use zant_tests::cases;
use zant_tests::conformance::run;
use zantc::emit::{self, Package, Source, Vector};
use zantc::exec::{Executor, Hygiene};
use zantc::ir::{Graph, Tensor};
use zantc::{Compiled, Config};

use crate::command::{command, root, status};

/// Models in one crate.
const BATCH: usize = 200;

/// A program that ran, with what it computed.
struct Ran {
    compiled: Compiled,
    vector: Vector,
}

/// Emits, builds and runs everything that runs in process; whether all bits agree.
pub(crate) fn check() -> Result<bool, String> {
    let Some(mut cases) = cases::conformance() else {
        println!("skipped: all official ONNX cases in crates, for the folder of them is missing");
        return Ok(true);
    };
    cases.retain(|c| c.group == "node");
    let ran: RefCell<Vec<Ran>> = RefCell::default();
    let runner = |graph: &Graph, inputs: &[Tensor]| {
        let (compiled, outputs) = in_process(graph, inputs)?;
        let vector =
            Vector { inputs: inputs.to_vec(), outputs: outputs.clone(), data_set: Some("the official case".into()) };
        ran.borrow_mut().push(Ran { compiled, vector });
        Ok(outputs)
    };
    run(&cases, &runner, &mut |_, _| {});
    let ran = ran.into_inner();
    println!("{} official ONNX cases in crates of {BATCH}", ran.len());
    let mut good = true;
    for (n, batch) in ran.chunks(BATCH).enumerate() {
        good &= build(n, batch)?;
    }
    Ok(good)
}

/// Compiles a graph and runs it as it would be emitted.
pub(crate) fn in_process(graph: &Graph, inputs: &[Tensor]) -> Result<(Compiled, Vec<Tensor>), String> {
    let compiled = zantc::compile_graph(graph.clone(), &Config::default())
        .map_err(|faults| faults.iter().map(|d| format!("{} {}", d.code, d.message)).collect::<Vec<_>>().join("; "))?;
    zantc::program::verify(&compiled.program).map_err(|faults| format!("unsound plan: {}", faults.join("; ")))?;
    let mut executor = Executor::new(&compiled.program, Hygiene::Poison).map_err(|e| e.to_string())?;
    let outputs = executor.run(inputs).map_err(|e| e.to_string())?;
    Ok((compiled, outputs))
}

/// One crate: its library holds the models, its tests run them.
fn build(n: usize, batch: &[Ran]) -> Result<bool, String> {
    let folder = root().join(format!("target/zant-conformance/batch{n}"));
    let _ = std::fs::remove_dir_all(&folder);
    let config = Config::default();
    let names: Vec<String> = (0..batch.len()).map(|i| format!("case_{i}")).collect();
    let with_name = batch.iter().zip(&names);
    let sources: Vec<Source<'_>> = with_name
        .map(|(ran, name)| Source {
            program: &ran.compiled.program,
            config: &config,
            name,
            file: "",
            model_sha256: "",
            vectors: std::slice::from_ref(&ran.vector),
        })
        .collect();
    let mut package = Package::default();
    for (path, bytes) in emit::emit_modules("models", &sources).files {
        package.files.insert(format!("src/{path}"), bytes);
    }
    let mut tests = String::new();
    for (i, name) in names.iter().enumerate() {
        // The tests of a crate, which name the model by its path here.
        let path = format!("batch::models::{name}");
        for (path, bytes) in emit::emit_crate(&Source { name: &path, ..sources[i] }).files {
            if let Some(rest) = path.strip_prefix("tests/") {
                package.files.insert(format!("tests/{name}/{rest}"), bytes);
            }
        }
        if package.files.contains_key(&format!("tests/{name}/golden.rs")) {
            tests += &format!("#[path = \"{name}/golden.rs\"]\nmod {name};\n");
        }
    }
    let lib = "#![no_std]\n#![allow(clippy::all)]\ninclude!(\"models.rs\");\n";
    package.files.insert("src/lib.rs".into(), lib.into());
    package.files.insert("tests/all.rs".into(), tests.into_bytes());
    package.files.insert("Cargo.toml".into(), MANIFEST.into());
    package.write(&folder).map_err(|e| e.to_string())?;
    test(&folder)
}

const MANIFEST: &str = "[package]\nname = \"batch\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n[profile.dev]\ndebug = false\n";

/// Builds without a warning, and runs.
fn test(folder: &Path) -> Result<bool, String> {
    let mut cargo = command("cargo", &["test", "--quiet", "--offline", "--test", "all"]);
    cargo.current_dir(folder).env("RUSTFLAGS", "-Dwarnings").env_remove("CARGO_ENCODED_RUSTFLAGS");
    status(cargo.env("CARGO_TARGET_DIR", root().join("target/zant-conformance/build")))
}
