//! Convolution and transposed convolution over channels-last maps.

use super::number::{Number, with_number};
use super::walk::{elements, tensor};
use super::{EvalError, unsupported};
use crate::ir::{Activation, Element, Epilogue, Numerics, Tensor, Type, Window};

/// The attributes that both convolutions have.
pub(super) struct Conv<'a> {
    pub(super) window: &'a Window,
    pub(super) groups: usize,
    pub(super) epilogue: &'a Epilogue,
}

/// What stands before and after the sums: bias, residual, activation.
pub(super) struct Ends<T> {
    bias: Option<Vec<T>>,
    residual: Option<Vec<T>>,
    activation: Activation,
}

impl<T: Number> Ends<T> {
    /// From the operands that follow the two factors.
    pub(super) fn new(epilogue: &Epilogue, rest: &[&Tensor]) -> Ends<T> {
        let mut rest = rest.iter();
        let mut next = |is_there: bool| is_there.then(|| rest.next().map(|t| elements(t))).flatten();
        let bias = next(epilogue.bias);
        Ends { bias, residual: next(epilogue.residual), activation: epilogue.activation }
    }

    /// What the sums of all columns start from.
    pub(super) fn start(&self, columns: usize) -> Vec<T> {
        self.bias.clone().unwrap_or_else(|| vec![T::ZERO; columns])
    }

    /// The finished sums of the whole result become its elements.
    pub(super) fn finish(&self, y: &mut [T]) {
        if let Some(residual) = &self.residual {
            y.iter_mut().zip(residual).for_each(|(y, &r)| *y = y.plus(r));
        }
        y.iter_mut().for_each(|y| *y = y.activated(self.activation));
    }
}

/// The sizes of a convolution's operands and result.
struct Sizes {
    batch: usize,
    input: [usize; 2],
    output: [usize; 2],
    channels: usize,
    out_channels: usize,
    /// Input channels per group.
    group_in: usize,
    /// Output channels per group.
    group_out: usize,
}

impl Sizes {
    fn new(groups: usize, x: &Type, ty: &Type) -> Sizes {
        let (x, y) = (&x.shape, &ty.shape);
        Sizes {
            batch: x[0],
            input: [x[1], x[2]],
            output: [y[1], y[2]],
            channels: x[3],
            out_channels: y[3],
            group_in: x[3] / groups,
            group_out: y[3] / groups,
        }
    }
}

/// `Op::Conv`.
pub(super) fn conv(numerics: Numerics, conv: &Conv<'_>, inputs: &[&Tensor], ty: &Type) -> Result<Tensor, EvalError> {
    // Row and column of the map that a tap of an output lies on.
    let place = |axis: usize, out: usize, tap: usize| {
        let w = conv.window;
        let place = (out * w.stride[axis]).checked_add(tap * w.dilation[axis])?.checked_sub(w.pad_begin[axis])?;
        Some((tap, place))
    };
    with_number!(ty.dtype, T => sums::<T>(numerics, conv, inputs, ty, place), else Err(unsupported("conv", ty.dtype)))
}

/// `Op::ConvTranspose`: input `i` meets output `i * stride + tap * dilation - pad_begin` at a tap. Ascending inputs are
/// descending taps.
pub(super) fn conv_transpose(
    numerics: Numerics,
    conv: &Conv<'_>,
    inputs: &[&Tensor],
    ty: &Type,
) -> Result<Tensor, EvalError> {
    let place = |axis: usize, out: usize, nth: usize| {
        let w = conv.window;
        let tap = w.kernel[axis] - 1 - nth;
        let ahead = tap.checked_mul(w.dilation[axis])?;
        let distance = out.checked_add(w.pad_begin[axis])?.checked_sub(ahead)?;
        distance.is_multiple_of(w.stride[axis]).then(|| (tap, distance / w.stride[axis]))
    };
    let what = "conv_transpose";
    with_number!(ty.dtype, T => sums::<T>(numerics, conv, inputs, ty, place), else Err(unsupported(what, ty.dtype)))
}

/// Each output starts from the bias and adds products in (row, column, input channel) order of its taps. `place` gives, by
/// axis and output, the nth tap and where on the map it lies; the taps whose place lies on the map count.
fn sums<T: Number>(
    numerics: Numerics,
    conv: &Conv<'_>,
    inputs: &[&Tensor],
    ty: &Type,
    place: impl Fn(usize, usize, usize) -> Option<(usize, usize)>,
) -> Result<Tensor, EvalError> {
    if ty.elements() == 0 {
        return tensor(ty, Vec::<T>::new());
    }
    let size = Sizes::new(conv.groups, inputs[0].ty(), ty);
    let x = elements::<T>(inputs[0]);
    let w = outputs_last(&elements::<T>(inputs[1]), size.out_channels);
    let ends = Ends::new(conv.epilogue, &inputs[2..]);
    let start = ends.start(size.out_channels);
    let place = |axis: usize, out: usize, nth: usize| place(axis, out, nth).filter(|&(_, p)| p < size.input[axis]);
    // Weights without elements may claim any number of taps.
    let kernel = if size.group_in == 0 { [0, 0] } else { conv.window.kernel };
    let mut y = Vec::with_capacity(ty.elements());
    for n in 0..size.batch {
        for oh in 0..size.output[0] {
            for ow in 0..size.output[1] {
                let mut acc = start.clone();
                for row in 0..kernel[0] {
                    let Some((kh, ih)) = place(0, oh, row) else { continue };
                    for column in 0..kernel[1] {
                        let Some((kw, iw)) = place(1, ow, column) else { continue };
                        let pixel = &x[((n * size.input[0] + ih) * size.input[1] + iw) * size.channels..];
                        let tap = &w[(kh * kernel[1] + kw) * size.group_in * size.out_channels..];
                        add_tap(numerics, &size, pixel, tap, &mut acc);
                    }
                }
                y.extend(acc);
            }
        }
    }
    ends.finish(&mut y);
    tensor(ty, y)
}

/// The products of one pixel with one tap `[ci, o]`, for all outputs.
fn add_tap<T: Number>(numerics: Numerics, size: &Sizes, pixel: &[T], tap: &[T], acc: &mut [T]) {
    for ci in 0..size.group_in {
        let row = &tap[ci * size.out_channels..][..size.out_channels];
        let groups = acc.chunks_exact_mut(size.group_out).zip(row.chunks_exact(size.group_out));
        for (g, (acc, row)) in groups.enumerate() {
            T::add_products(numerics, pixel[g * size.group_in + ci], row, acc);
        }
    }
}

/// Weights `[o, taps]` as `[taps, o]`, so that the outputs of one product lie side by side.
fn outputs_last<T: Element>(w: &[T], outputs: usize) -> Vec<T> {
    let taps = w.len().checked_div(outputs).unwrap_or(0);
    (0..taps).flat_map(|t| (0..outputs).map(move |o| w[o * taps + t])).collect()
}
