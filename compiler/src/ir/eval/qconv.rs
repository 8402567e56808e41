//! `Op::QConv` and `Op::WideConv`: exact sums of quantized numbers, and quantized numbers again.

use super::EvalError;
use super::walk::{elements, levels};
use crate::ir::{Quant, Tensor, Type, Wide, Window};

/// The elements of a tensor of 8 or 16 bits as numbers.
fn numbers(t: &Tensor) -> Vec<i32> {
    t.scalars().map(|s| s.to_i64() as i32).collect()
}

/// The operands of a convolution of integers.
struct Products<'a> {
    window: &'a Window,
    groups: usize,
    zero: i32,
    x: Vec<i32>,
    map: [usize; 3],
    w: Vec<i32>,
    kernel: [usize; 3],
    out: &'a [usize],
}

impl<'a> Products<'a> {
    fn new(window: &'a Window, groups: usize, zero: i32, inputs: &[&Tensor], ty: &'a Type) -> Products<'a> {
        let dims = |t: &Tensor| [t.shape()[1], t.shape()[2], t.shape()[3]];
        let (map, kernel) = (dims(inputs[0]), dims(inputs[1]));
        Products { window, groups, zero, x: numbers(inputs[0]), map, w: numbers(inputs[1]), kernel, out: &ty.shape }
    }

    /// The channel of an output, and the sum of `(x - zero) * w` of every tap on the map.
    fn sum(&self, at: usize) -> (usize, i64) {
        let ([h, wd, c], [kh, kw, depth]) = (self.map, self.kernel);
        let outputs = self.out[3];
        let (pixel, o) = (at / outputs, at % outputs);
        let (n, oh, ow) = (pixel / (self.out[1] * self.out[2]), pixel / self.out[2] % self.out[1], pixel % self.out[2]);
        let first = o / (outputs / self.groups) * depth;
        let mut sum = 0i64;
        // Weights without elements may claim any number of taps.
        for row in 0..if depth == 0 { 0 } else { kh } {
            let Some(ih) = self.place(0, oh, row, h) else { continue };
            for column in 0..kw {
                let Some(iw) = self.place(1, ow, column, wd) else { continue };
                let x = &self.x[((n * h + ih) * wd + iw) * c + first..][..depth];
                let w = &self.w[((o * kh + row) * kw + column) * depth..][..depth];
                for (x, w) in x.iter().zip(w) {
                    sum = sum.wrapping_add(i64::from(x - self.zero) * i64::from(*w));
                }
            }
        }
        (o, sum)
    }

    /// The place on the map under a tap, where it is on the map.
    fn place(&self, axis: usize, out: usize, tap: usize, len: usize) -> Option<usize> {
        let window = self.window;
        let at = (out * window.stride[axis]).checked_add(tap * window.dilation[axis])?;
        at.checked_sub(window.pad_begin[axis]).filter(|&p| p < len)
    }
}

/// Each output starts from the bias; sums wrap at 32 bits.
pub(super) fn qconv(
    window: &Window,
    groups: usize,
    quant: &Quant,
    inputs: &[&Tensor],
    ty: &Type,
) -> Result<Tensor, EvalError> {
    let products = Products::new(window, groups, quant.zero, inputs, ty);
    let (bias, multiplier) = (elements::<i32>(inputs[2]), elements::<f32>(inputs[3]));
    let residual = inputs.get(4).map(|t| numbers(t));
    let result = |at: usize| {
        let (o, sum) = products.sum(at);
        let sum = bias[o].wrapping_add(sum as i32);
        quant.finish(sum, multiplier[o], residual.as_ref().map(|r| r[at]))
    };
    levels(ty, (0..ty.elements()).map(result))
}

/// Products of sums and multipliers are exact.
pub(super) fn wide_conv(
    window: &Window,
    groups: usize,
    wide: &Wide,
    inputs: &[&Tensor],
    ty: &Type,
) -> Result<Tensor, EvalError> {
    let products = Products::new(window, groups, wide.zero, inputs, ty);
    let (bias, multiplier) = (elements::<i64>(inputs[2]), elements::<i32>(inputs[3]));
    let shift = elements::<u8>(inputs[4]);
    let result = |at: usize| {
        let (o, sum) = products.sum(at);
        wide.finish(sum, (bias[o], multiplier[o], shift[o]))
    };
    levels(ty, (0..ty.elements()).map(result))
}
