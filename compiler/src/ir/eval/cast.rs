//! Conversion of single values between element types.

use crate::ir::{DType, Scalar};

/// A value in another type, by the rules of [`ExprOp::Cast`](crate::ir::ExprOp::Cast): integers wrap, or are rounded to the nearest
/// float, ties to even; floats are truncated and saturated to integers (NaN becomes 0), or rounded.
pub fn cast(value: Scalar, to: DType) -> Scalar {
    match value {
        Scalar::U64(v) => Scalar::from_int(v.into(), to),
        v if v.dtype().is_float() => Scalar::from_f64(v.to_f64(), to),
        v => Scalar::from_int(v.to_i64().into(), to),
    }
}
