//! TensorFlow Lite for Microcontrollers on the machine that ours is counted on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zant_measure::process::Scratch;
use zant_measure::report::Other;
use zant_measure::{Machine, tflm};

use super::peers::tflite;
use super::{Prepared, Subject, foreign};
use crate::built::memory;

/// A library, or why there is none.
type Built = Arc<Result<tflm::Library, String>>;

/// The folder of TFLM's sources, and what was built of them: once for each machine.
#[derive(Clone, Debug)]
pub struct Tflm {
    folder: PathBuf,
    built: Arc<Mutex<Vec<(&'static str, Built)>>>,
}

impl Tflm {
    /// Sources that nothing is built of so far.
    pub fn new(folder: &Path) -> Tflm {
        Tflm { folder: folder.to_path_buf(), built: Arc::default() }
    }

    fn library(&self, machine: &'static Machine) -> Built {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, library)) = built.iter().find(|(cpu, _)| *cpu == machine.cpu) {
            return Arc::clone(library);
        }
        let library = Arc::new(tflm::Library::build(&self.folder, machine).map_err(|e| e.to_string()));
        built.push((machine.cpu, Arc::clone(&library)));
        library
    }

    /// What it takes for a model, where it gives what we compute.
    pub(super) fn measure(
        &self,
        subject: &Subject<'_>,
        prepared: &Prepared<'_>,
        machine: &'static Machine,
    ) -> Result<Other, String> {
        let ours = prepared.program();
        if !ours.states.is_empty() {
            return Err("a state that stays in the model is not played".into());
        }
        let model = tflite(subject)
            .ok_or("there is no .tflite file beside the model, nor in a folder `tflite` beside its own")?;
        let library = self.library(machine);
        let library = library.as_ref().as_ref().map_err(String::clone)?;
        let folder = Scratch::new().map_err(|e| format!("cannot make a temporary folder: {e}"))?;
        let inputs = memory::inputs(ours, &prepared.inputs);
        let bytes: Vec<usize> = inputs.iter().map(Vec::len).collect();
        let outputs: Vec<usize> = prepared.outputs.iter().map(|t| t.data().len()).collect();
        let job = tflm::Job { model: &model, inputs: &bytes, outputs: &outputs };
        let measured = library.measure(&job, folder.path(), inputs.concat()).map_err(|e| e.to_string())?;
        let apart = foreign::apart(&prepared.outputs, &memory::outputs(ours, &measured.run.outputs))?;
        let (sizes, run) = (measured.sizes, &measured.run);
        let all = if measured.whole { ", flash with all its operators" } else { "" };
        let source = format!(
            "measured in the same run: Invoke, by {}, RAM with its inputs and outputs{all}; results differ by {apart:.1e} of the largest",
            measured.how
        );
        Ok(Other {
            model: subject.name.into(),
            name: "TFLM".into(),
            target: machine.cpu.into(),
            instructions: run.instructions,
            time: None,
            ram: run.stack_bytes.map(|stack| sizes.statics + measured.arena + u64::from(stack)),
            flash: Some(sizes.code + sizes.weights),
            source,
        })
    }
}
