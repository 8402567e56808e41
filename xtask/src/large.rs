//! `cargo xtask large`: makes the models that are too large to be stored, by the script that comes with the model set.

use std::path::{Path, PathBuf};

use crate::command::{root, run};

/// Make the models that are too large to be stored, by the script that comes with the model set
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Models that the script knows
    #[arg(default_value = TESTED)]
    pub(crate) models: Vec<String>,
}

/// The model that tests need.
pub(crate) const TESTED: &str = "darknet_s";

/// Makes what is not there yet in `target/zant-large`; whether all of it is there then. Without the model set or Python there
/// is nothing to do but say so: tests count what they skip.
pub(crate) fn make(names: &[String]) -> Result<bool, String> {
    let script = zant_tests::cases::shared().map(|s| s.join("models/generate.py")).filter(|s| s.is_file());
    let Some(script) = script else {
        eprintln!("     Skipped {} large models: the model set is not there", names.len());
        return Ok(true);
    };
    let target = root().join("target/zant-large");
    let missing: Vec<&str> =
        names.iter().map(String::as_str).filter(|n| !target.join(n).join("model.onnx").is_file()).collect();
    if missing.is_empty() {
        return Ok(true);
    }
    std::fs::create_dir_all(&target).map_err(|e| format!("{}: {e}", target.display()))?;
    let python = python(&root().join("target/zant-venv"), &["numpy", "onnx", "onnxruntime"])?;
    let out = target.to_string_lossy().into_owned();
    let mut args = vec![script.to_str().ok_or("the path of the model set is not UTF-8")?, "--out", &out, "--large"];
    args.extend(&missing);
    run(&python, &args)
}

/// A Python with some packages: a virtual environment of the build's own.
pub(crate) fn python(venv: &Path, packages: &[&str]) -> Result<String, String> {
    let python = zant_measure::peers::python(venv, packages).map_err(|e| e.to_string())?;
    Ok(python.to_string_lossy().into_owned())
}

/// A model of the model set, made first where it is too large to be stored.
pub(crate) fn model(name: &str) -> Result<PathBuf, String> {
    let shared = zant_tests::cases::shared().ok_or("the model set is not there")?;
    let stored = shared.join("models").join(name).join("model.onnx");
    if stored.is_file() {
        return Ok(stored);
    }
    let made = root().join("target/zant-large").join(name).join("model.onnx");
    match make(&[name.to_string()])? && made.is_file() {
        true => Ok(made),
        false => Err(format!("{name} cannot be made")),
    }
}
