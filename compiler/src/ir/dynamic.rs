//! Quantization whose scale follows from the data: the formulas of ONNX `DynamicQuantizeLinear`.

use super::formula::{constant, num, x};
use super::{DType, Expr, Scalar, UnaryOp};

/// The formulas, with 255 steps from the least number (at most 0) to the largest (at least 0).
pub(crate) struct DynamicQuantization {
    /// The scale from the largest and the least number: `(max(max, 0) - min(min, 0)) / 255`.
    pub(crate) scale: Expr,
    /// The zero point, u8, from the scale and the least number: `saturate(round(0 - min(min, 0) / scale))`.
    pub(crate) zero: Expr,
    /// The byte, u8, of a number, from it, the scale and the zero point: `saturate(round(x / scale) + zero)`.
    pub(crate) byte: Expr,
}

impl DynamicQuantization {
    /// The formulas.
    pub(crate) fn new() -> Self {
        let bound = |v| constant(Scalar::from_i64(v, DType::F32));
        let least = || x(1).min(num(0.0));
        let scale = (x(0).max(num(0.0)) - least()) / num(255.0);
        // Zero less the quotient is rounded before it saturates, which gives the same.
        let zero = (num(0.0) - least() / x(0)).then(UnaryOp::Round);
        let byte = (x(0) / x(1)).then(UnaryOp::Round) + x(2).cast(DType::F32);
        DynamicQuantization {
            scale: scale.expr(DType::F32),
            zero: zero.max(bound(0)).min(bound(255)).cast(DType::U8).expr(DType::F32),
            byte: byte.max(bound(0)).min(bound(255)).cast(DType::U8).expr(DType::F32),
        }
    }
}
