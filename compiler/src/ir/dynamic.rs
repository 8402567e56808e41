//! Quantization whose scale follows from the data: the formulas of ONNX `DynamicQuantizeLinear`, and the weights that its bytes are
//! multiplied with.

use super::formula::{constant, num, x};
use super::{DType, Expr, Scalar, Tensor, UnaryOp};

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

/// Constant weights `[k, n]` of i32 as `[n, k]` of i8 and what they are less by, where no sum of products with bytes less a
/// zero point overflows.
pub(crate) fn weights(w: &Tensor) -> Option<(Tensor, i32)> {
    let &[k, n] = w.shape() else { return None };
    let wide = w.to_vec::<i32>()?;
    let [least, most] = [wide.iter().min()?, wide.iter().max()?].map(|&w| i64::from(w));
    // No offset where none is needed, else the least.
    let offset =
        if least >= -128 && most <= 127 { 0 } else { i32::try_from((most - 127).max(0).min(least + 128)).ok()? };
    let columns = (0..n).flat_map(|column| (0..k).map(move |row| row * n + column));
    let bytes = columns.map(|at| i8::try_from(i64::from(wide[at]) - i64::from(offset)).ok());
    let bytes: Vec<i8> = bytes.collect::<Option<_>>()?;
    let mut sums = vec![0u64; n];
    wide.iter().enumerate().for_each(|(at, w)| sums[at % n] += u64::from(w.unsigned_abs()) * 255);
    let fits = sums.iter().all(|&sum| sum <= i32::MAX as u64);
    fits.then(|| (Tensor::from_elements([n, k], &bytes), offset))
}
