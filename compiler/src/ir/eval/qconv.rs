//! `Op::QConv`: exact sums of bytes, and bytes again.

use super::EvalError;
use super::walk::{elements, tensor};
use crate::ir::{Quant, Tensor, Type, Window};

/// The elements of a tensor of bytes as numbers.
fn bytes(t: &Tensor) -> Vec<i32> {
    t.scalars().map(|s| s.to_i64() as i32).collect()
}

/// Each output starts from the bias and adds `(x - zero) * w` of every tap on the map.
pub(super) fn qconv(
    window: &Window,
    groups: usize,
    quant: &Quant,
    inputs: &[&Tensor],
    ty: &Type,
) -> Result<Tensor, EvalError> {
    let (x, w) = (bytes(inputs[0]), bytes(inputs[1]));
    let (bias, multiplier) = (elements::<i32>(inputs[2]), elements::<f32>(inputs[3]));
    let residual = inputs.get(4).map(|t| bytes(t));
    let (map, weights) = (inputs[0].shape(), inputs[1].shape());
    let [h, wd, c] = [map[1], map[2], map[3]];
    let [kh, kw, depth] = [weights[1], weights[2], weights[3]];
    let (outputs, group_out) = (ty.shape[3], ty.shape[3] / groups);
    let place = |axis: usize, out: usize, tap: usize, len: usize| {
        let at = (out * window.stride[axis]).checked_add(tap * window.dilation[axis])?;
        at.checked_sub(window.pad_begin[axis]).filter(|&p| p < len)
    };
    let mut y = Vec::with_capacity(ty.elements());
    for at in 0..ty.elements() {
        let (pixel, o) = (at / outputs, at % outputs);
        let (n, oh, ow) = (pixel / (ty.shape[1] * ty.shape[2]), pixel / ty.shape[2] % ty.shape[1], pixel % ty.shape[2]);
        let first = o / group_out * depth;
        let mut sum = bias[o];
        // Weights without elements may claim any number of taps.
        for row in 0..if depth == 0 { 0 } else { kh } {
            let Some(ih) = place(0, oh, row, h) else { continue };
            for column in 0..kw {
                let Some(iw) = place(1, ow, column, wd) else { continue };
                let x = &x[((n * h + ih) * wd + iw) * c + first..][..depth];
                let w = &w[((o * kh + row) * kw + column) * depth..][..depth];
                for (x, w) in x.iter().zip(w) {
                    sum = sum.wrapping_add((x - quant.zero) * w);
                }
            }
        }
        // The low byte is that of either type.
        y.push(quant.finish(sum, multiplier[o], residual.as_ref().map(|r| r[at])) as u8);
    }
    tensor(ty, y)
}
