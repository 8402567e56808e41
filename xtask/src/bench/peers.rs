//! Other implementations, from PyPI, in a virtual environment of the build's own.

use std::path::Path;

use super::ours::Crate;
use super::served::Served;
use crate::command::root;

/// The Python that has them.
pub(crate) fn python() -> Result<String, String> {
    let python = zant_measure::peers::python(&root().join("target/zant-bench/venv")).map_err(|e| e.to_string())?;
    Ok(python.to_string_lossy().into_owned())
}

/// Whether a model of the set computes with bytes: onnxruntime has a slower way for those that does not saturate in 16 bits.
pub(crate) fn is_quantized(name: &str) -> bool {
    name.ends_with("_int8") || ["fomo8", "beer", "coco80_q", "new2"].contains(&name)
}

/// A process that runs `model` by `runtime` on the inputs that the crate is given.
pub(crate) fn serve(python: &str, runtime: &str, model: &Path, krate: &Crate) -> Result<Served, String> {
    let path = |p: &Path| p.to_string_lossy().into_owned();
    let mut args =
        vec!["-c".into(), zant_measure::peers::SCRIPT.into(), runtime.into(), path(model), path(&krate.data())];
    args.extend(krate.inputs.iter().cloned());
    Served::start(Path::new(python), &args)
}
