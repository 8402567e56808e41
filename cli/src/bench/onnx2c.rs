//! onnx2c's C for a model on the machine that ours is counted on.

use std::path::Path;

use zant_measure::process::Scratch;
use zant_measure::report::Other;
use zant_measure::{Machine, onnx2c};
use zantc::ir::{DType, Scalar, Tensor};
use zantc::program::Port;

use super::{Prepared, Subject};
use crate::built::memory;

/// By which part of the largest number floats may differ: else it computes something else.
const CLOSE: f64 = 0.01;

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
    let apart = prepared.outputs.iter().zip(&theirs).map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
    let floats = prepared.outputs.iter().any(|t| t.dtype().is_float());
    if floats && apart > CLOSE {
        return Err(format!("its C computes something else: {apart:.2} of the largest number apart"));
    }
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

/// By which part of the largest number two tensors differ at most.
fn difference(a: &Tensor, b: &Tensor) -> f64 {
    let number = |v: Scalar| v.to_f64();
    let largest = a.scalars().map(number).map(f64::abs).fold(0.0, f64::max);
    let pairs = a.scalars().map(number).zip(b.scalars().map(number));
    let apart = pairs.filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan()));
    let apart = apart.map(|(a, b)| if (a - b).is_nan() { f64::INFINITY } else { (a - b).abs() }).fold(0.0, f64::max);
    if apart == 0.0 { 0.0 } else { apart / largest.max(f64::MIN_POSITIVE) }
}

#[cfg(test)]
mod tests {
    use zantc::ir::Tensor;

    use super::difference;

    #[test]
    fn differences_are_parts_of_the_largest_number() {
        let of = |values: &[f32]| Tensor::from_elements([values.len()], values);
        assert_eq!(difference(&of(&[1.0, -4.0]), &of(&[1.0, -4.0])), 0.0);
        assert!((difference(&of(&[1.0, -4.0]), &of(&[1.5, -4.0])) - 0.125).abs() < 1e-9);
        assert_eq!(difference(&of(&[f32::NAN, 1.0]), &of(&[f32::NAN, 1.0])), 0.0);
        assert!(difference(&of(&[0.0, 1.0]), &of(&[f32::NAN, 1.0])) > 1.0);
        assert!(difference(&of(&[0.0]), &of(&[1e-3])) > 1.0);
    }
}
