//! Conversion of single values between element types.

use crate::ir::{DType, Scalar};

/// A value in another type, by the rules of [`ExprOp::Cast`](crate::ir::ExprOp::Cast): integers wrap, or are rounded to the nearest
/// float, ties to even; floats are truncated and saturated to integers (NaN becomes 0), or rounded.
/// What is beyond the largest float of eight bits or fewer is infinity where there is one, else NaN, else that largest float.
pub fn cast(value: Scalar, to: DType) -> Scalar {
    if let Scalar::U64(v) = value {
        Scalar::from_int(v.into(), to)
    } else if value.dtype().is_float() || matches!(value, Scalar::Mini(..)) {
        Scalar::from_f64(value.to_f64(), to)
    } else {
        Scalar::from_i64(value.to_i64(), to)
    }
}
