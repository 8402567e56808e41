//! onnx2c's C for a model on the machine that ours is counted on.

use std::path::Path;

use zant_measure::process::Scratch;
use zant_measure::report::Other;
use zant_measure::{Machine, onnx2c};
use zantc::ir::DType;
use zantc::program::Port;

use super::{Prepared, Subject, foreign};
use crate::built::memory;

/// What it takes, where it gives what we compute.
pub(super) fn measure(
    program: &Path,
    subject: &Subject<'_>,
    prepared: &Prepared<'_>,
    machine: &'static Machine,
) -> Result<Other, String> {
    let ours = prepared.program();
    if !ours.states.is_empty() {
        return Err("its C has no states".into());
    }
    let ports = |ports: &[Port]| ports.iter().map(port).collect::<Result<Vec<_>, String>>();
    let job =
        onnx2c::Job { program, model: subject.path, inputs: ports(&ours.inputs)?, outputs: ports(&ours.outputs)? };
    let folder = Scratch::new().map_err(|e| format!("cannot make a temporary folder: {e}"))?;
    let vector = memory::inputs(ours, &prepared.inputs).concat();
    let measured =
        job.measure(machine, folder.path(), vector, memory::output_bytes(ours)).map_err(|e| e.to_string())?;
    let theirs = memory::outputs(ours, &measured.run.outputs);
    let apart = foreign::apart(&prepared.outputs, &theirs)?;
    let source = format!(
        "measured in the same run: its C by {} at -O3, RAM without inputs and outputs; results differ by {apart:.1e} of the largest",
        measured.compiler
    );
    let (sizes, run) = (measured.sizes, measured.run);
    Ok(Other {
        model: subject.name.into(),
        name: "onnx2c".into(),
        target: machine.cpu.into(),
        instructions: run.instructions,
        time: None,
        ram: run.stack_bytes.map(|stack| sizes.statics + u64::from(stack)),
        flash: Some(sizes.code + sizes.weights),
        source,
    })
}

/// The type of a port's elements as its C has them, and how many there are.
fn port(port: &Port) -> Result<(&'static str, usize), String> {
    let ty = match port.ty.dtype {
        DType::Bool => "u8",
        other if other.is_half() || matches!(other, DType::Mini(_)) => {
            return Err(format!("its C has no {}", other.name()));
        }
        other => other.name(),
    };
    Ok((ty, port.ty.elements()))
}
