//! Equality of outputs: exact for integers and bools, within a tolerance for floats.

use zantc::ir::{DType, Scalar, Tensor};

/// Relative tolerance for floats: that of ONNX's own runner.
const RTOL: f64 = 1e-3;
/// Relative tolerance for bf16, of that runner too: two steps of the type.
const RTOL_BF16: f64 = 0.015_625;
/// Absolute tolerance for floats.
const ATOL: f64 = 1e-5;

/// What is wrong with `got`, or `None` where it is what was expected.
pub(super) fn difference(got: &Tensor, expected: &Tensor) -> Option<String> {
    if got.ty() != expected.ty() {
        return Some(format!("is {}, should be {}", got.ty(), expected.ty()));
    }
    let wrong: Vec<usize> = (0..got.len()).filter(|&i| !close(got.get(i), expected.get(i))).collect();
    let &first = wrong.first()?;
    let (g, e) = (got.get(first), expected.get(first));
    Some(format!("{} of {} elements are wrong, element {first} is {g}, should be {e}", wrong.len(), got.len()))
}

fn close(got: Scalar, expected: Scalar) -> bool {
    match expected.dtype() {
        DType::Mini(_) => {
            let (g, e) = (got.to_f64(), expected.to_f64());
            g == e || (g.is_nan() && e.is_nan())
        }
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => {
            let (g, e) = (got.to_f64(), expected.to_f64());
            let rtol = if expected.dtype() == DType::BF16 { RTOL_BF16 } else { RTOL };
            g == e || (g.is_nan() && e.is_nan()) || (e.is_finite() && (g - e).abs() <= ATOL + rtol * e.abs())
        }
        DType::Bool
        | DType::I8
        | DType::I16
        | DType::I32
        | DType::I64
        | DType::U8
        | DType::U16
        | DType::U32
        | DType::U64 => got == expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f32s(v: &[f32]) -> Tensor {
        Tensor::from_elements([v.len()], v)
    }

    #[test]
    fn floats_may_be_off_by_the_tolerance_only() {
        assert_eq!(difference(&f32s(&[1.0009, f32::NAN]), &f32s(&[1.0, f32::NAN])), None);
        assert!(difference(&f32s(&[1.002]), &f32s(&[1.0])).is_some());
        assert!(difference(&f32s(&[f32::INFINITY]), &f32s(&[f32::NEG_INFINITY])).is_some());
        assert!(difference(&f32s(&[1e30]), &f32s(&[f32::INFINITY])).is_some());
        assert!(difference(&f32s(&[0.0]), &f32s(&[f32::NAN])).is_some());
    }

    #[test]
    fn integers_and_types_are_exact() {
        let a = Tensor::from_elements([1], &[1000i32]);
        assert!(difference(&a, &Tensor::from_elements([1], &[1001i32])).is_some());
        assert!(difference(&a, &Tensor::from_elements([1, 1], &[1000i32])).is_some());
        assert!(difference(&a, &Tensor::from_elements([1], &[1000i64])).is_some());
    }
}
