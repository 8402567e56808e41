//! The code of others on the machine that ours is counted on, and whether it computes the same.

use zant_measure::Machine;
use zant_measure::report::Other;
use zantc::ir::{Scalar, Tensor};

use super::{Prepared, Subject, Ways, onnx2c};

/// By which part of the largest number floats may differ: else it computes something else.
const CLOSE: f64 = 0.01;

/// What the programs that were asked for take, and why others gave nothing.
pub(super) fn measure(
    subject: &Subject<'_>,
    prepared: &Prepared<'_>,
    machine: &'static Machine,
    ways: &Ways,
    observe: &mut dyn FnMut(&str, &str),
) -> (Vec<Other>, Vec<String>) {
    let (mut others, mut failures) = (Vec::new(), Vec::new());
    let mut note = |name: &str, measured: Result<Other, String>| match measured {
        Ok(other) => others.push(other),
        Err(why) => failures.push(format!("{name}: {why}")),
    };
    if let Some(program) = ways.onnx2c.as_deref() {
        observe("Measuring", &format!("{} by onnx2c", subject.name));
        note("onnx2c", onnx2c::measure(program, subject, prepared, machine));
    }
    if let Some(tflm) = &ways.tflm {
        observe("Measuring", &format!("{} by TFLM", subject.name));
        note("TFLM", tflm.measure(subject, prepared, machine));
    }
    (others, failures)
}

/// By which part of the largest number the outputs of others differ from ours. Floats must be close; how integers differ is for the
/// reader to judge.
pub(super) fn apart(ours: &[Tensor], theirs: &[Tensor]) -> Result<f64, String> {
    let apart = ours.iter().zip(theirs).map(|(a, b)| difference(a, b)).fold(0.0, f64::max);
    if ours.iter().any(|t| t.dtype().is_float()) && apart > CLOSE {
        return Err(format!("its code computes something else: {apart:.2} of the largest number apart"));
    }
    Ok(apart)
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
