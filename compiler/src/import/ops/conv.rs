//! Convolutions.
//!
//! ONNX's maps are `[n, c, spatial..]`; the core operators' are `[n, h, w, c]`, with height 1 for one-dimensional ones. The
//! transposes that lie between are moved away by the passes.

mod volume;

use super::pieces::slice;
use super::window::{self, Dims, Padding};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited};
use crate::ir::{BinaryOp, Epilogue, Op, ValueId, Window};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("Conv", conv, "one to three spatial dimensions"),
    limited("ConvTranspose", conv_transpose, "one to three spatial dimensions"),
];

/// A map `[n, c, w]` or `[n, c, h, w]` as `[n, h, w, c]`.
pub(super) fn channels_last(cx: &mut NodeCx<'_>, x: ValueId) -> Imported {
    let shape = cx.shape(x);
    match *shape.as_slice() {
        [n, c, w] => {
            let x = cx.transpose(x, [0, 2, 1])?;
            cx.reshape(x, [n, 1, w, c])
        }
        [_, _, _, _] => cx.transpose(x, [0, 2, 3, 1]),
        _ => Err(Fault::form(format!("a map of shape {shape:?}: only one or two spatial dimensions are supported"))
            .help("fold or unroll the other spatial dimensions before exporting")),
    }
}

/// The inverse of [`channels_last`] for a map of the given number of spatial dimensions.
pub(super) fn channels_first(cx: &mut NodeCx<'_>, y: ValueId, spatial: usize) -> Imported {
    let shape = cx.shape(y);
    if spatial == 1 {
        let y = cx.reshape(y, [shape[0], shape[2], shape[3]])?;
        return cx.transpose(y, [0, 2, 1]);
    }
    cx.transpose(y, [0, 3, 1, 2])
}

/// Whether the node's maps are in the order of channels last, where its operator has both.
pub(super) fn is_channels_last(cx: &NodeCx<'_>) -> Imported<bool> {
    cx.flag("channels_last", false)
}

/// A map `[n, spatial.., c]` as `[n, c, spatial..]`.
pub(super) fn from_channels_last(cx: &mut NodeCx<'_>, x: ValueId) -> Imported {
    let rank = cx.rank(x);
    if rank < 3 {
        return Err(Fault::shape(format!("{} is no map with channels", cx.ty(x))));
    }
    let perm: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    cx.transpose(x, perm)
}

/// The inverse of [`from_channels_last`].
pub(super) fn to_channels_last(cx: &mut NodeCx<'_>, x: ValueId) -> Imported {
    let rank = cx.rank(x);
    let perm: Vec<usize> = [0].into_iter().chain(2..rank).chain([1]).collect();
    cx.transpose(x, perm)
}

/// Weights `[o, c, spatial..]` as `[o, kh, kw, c]`.
fn weights_last(cx: &mut NodeCx<'_>, w: ValueId, spatial: usize) -> Imported {
    if cx.rank(w) != spatial + 2 {
        return Err(Fault::shape(format!("weights {} do not fit {spatial} spatial dimensions", cx.ty(w))));
    }
    channels_last(cx, w)
}

/// Height and width of the kernel: the attribute and the weights must agree.
fn kernel(cx: &NodeCx<'_>, w: ValueId) -> Imported<[usize; 2]> {
    let shape = cx.shape(w);
    let taps = shape.get(2..).unwrap_or_default();
    if let Some(given) = cx.ints_opt("kernel_shape")?
        && (given.len() != taps.len() || given.iter().zip(taps).any(|(&g, &t)| g != t as i64))
    {
        return Err(Fault::attribute("kernel_shape", format!("is {given:?}, the weights have {taps:?}")));
    }
    Ok(match *taps {
        [w] => [1, w],
        [h, w] => [h, w],
        _ => return Err(Fault::form(format!("{} spatial dimensions", taps.len()))),
    })
}

fn groups(cx: &NodeCx<'_>) -> Imported<usize> {
    let group = cx.int("group", 1)?;
    usize::try_from(group).ok().filter(|&g| g > 0).ok_or_else(|| Fault::attribute("group", "must be positive"))
}

fn conv(cx: &mut NodeCx<'_>) -> Imported {
    let (x, w) = (cx.input(0)?, cx.input(1)?);
    let spatial = cx.rank(x).saturating_sub(2);
    if spatial == 3 {
        return volume::conv(cx, [x, w], cx.opt(2));
    }
    let y = convolve(cx, x, w, cx.opt(2))?;
    channels_first(cx, y, spatial)
}

/// The convolution that the node's attributes describe, as a map `[n, h, w, c]`.
pub(super) fn convolve(cx: &mut NodeCx<'_>, x: ValueId, w: ValueId, bias: Option<ValueId>) -> Imported {
    let spatial = cx.rank(x).saturating_sub(2);
    let map = channels_last(cx, x)?;
    let weights = weights_last(cx, w, spatial)?;
    let shape = cx.shape(map);
    let window = window::of_conv(cx, kernel(cx, w)?, [shape[1], shape[2]], Dims::all(spatial))?;
    let epilogue = Epilogue { bias: bias.is_some(), ..Epilogue::default() };
    let operands: Vec<ValueId> = [map, weights].into_iter().chain(bias).collect();
    cx.emit(Op::Conv { window, groups: groups(cx)?, epilogue }, &operands)
}

/// ONNX's weights are `[c, o / groups, spatial..]`.
fn conv_transpose(cx: &mut NodeCx<'_>) -> Imported {
    let (x, w) = (cx.input(0)?, cx.input(1)?);
    let spatial = cx.rank(x).saturating_sub(2);
    let groups = groups(cx)?;
    if spatial == 3 {
        return volume::conv_transpose(cx, [x, w], cx.opt(2));
    }
    let map = channels_last(cx, x)?;
    let kernel = kernel(cx, w)?;
    let weights = transposed_weights(cx, w, spatial, groups)?;
    let shape = cx.shape(map);
    let (window, output) = transposed_window(cx, kernel, [shape[1], shape[2]], Dims::all(spatial))?;
    let y = transposed(cx, [map, weights], cx.opt(2), (window, output, groups))?;
    channels_first(cx, y, spatial)
}

/// The transposed convolution of a map `[n, h, w, c]` by weights `[o, kh, kw, c / groups]`. Padding wider than the window's reach crops
/// the result.
fn transposed(
    cx: &mut NodeCx<'_>,
    [map, weights]: [ValueId; 2],
    bias: Option<ValueId>,
    (mut window, mut output, groups): (Window, [usize; 2], usize),
) -> Imported {
    let wanted = output;
    let mut crop = [0; 2];
    for a in 0..2 {
        let reach = (window.kernel[a].max(1) - 1).saturating_mul(window.dilation[a]);
        crop[a] = window.pad_begin[a].saturating_sub(reach);
        window.pad_begin[a] -= crop[a];
        output[a] = output[a].checked_add(crop[a]).ok_or_else(|| Fault::shape("the size of the result overflows"))?;
    }
    // Between the products lie zeros, to which a bias of -0 is added: that makes +0, and so does the bias here.
    let bias = match bias {
        Some(bias) if window.stride != [1, 1] => {
            let zero = cx.number(0.0, bias);
            Some(cx.binary(BinaryOp::Add, bias, zero)?)
        }
        bias => bias,
    };
    let epilogue = Epilogue { bias: bias.is_some(), ..Epilogue::default() };
    let operands: Vec<ValueId> = [map, weights].into_iter().chain(bias).collect();
    let y = cx.emit(Op::ConvTranspose { window, output, groups, epilogue }, &operands)?;
    if crop == [0; 2] {
        return Ok(y);
    }
    let y = slice(cx, y, 1, (crop[0], 1, wanted[0]))?;
    slice(cx, y, 2, (crop[1], 1, wanted[1]))
}

/// Weights `[c, o / groups, spatial..]` as `[o, kh, kw, c / groups]`.
fn transposed_weights(cx: &mut NodeCx<'_>, w: ValueId, spatial: usize, groups: usize) -> Imported {
    let shape = cx.shape(w);
    if shape.len() != spatial + 2 || shape[0] == 0 || !shape[0].is_multiple_of(groups) {
        return Err(Fault::shape(format!("weights {} do not fit {groups} groups", cx.ty(w))));
    }
    let [kh, kw] = kernel(cx, w)?;
    let (ci, co) = (shape[0] / groups, shape[1]);
    let w = cx.reshape(w, [groups, ci, co, kh, kw])?;
    let w = cx.transpose(w, [0, 2, 3, 4, 1])?;
    cx.reshape(w, [groups * co, kh, kw, ci])
}

/// Window and size of the result, by the formulas of ONNX's `ConvTranspose`.
fn transposed_window(
    cx: &NodeCx<'_>,
    kernel: [usize; 2],
    input: [usize; 2],
    dims: Dims,
) -> Imported<(Window, [usize; 2])> {
    if input.contains(&0) {
        return Err(Fault::form("a transposed convolution of a map without rows or columns"));
    }
    let stride = window::pair(cx, "strides", dims, 1)?;
    let dilation = window::pair(cx, "dilations", dims, 1)?;
    let extra = window::pair_from(cx, "output_padding", dims, 0, 0)?;
    let wanted = match cx.ints_opt("output_shape")? {
        Some(shape) => Some(window::two("output_shape", &shape, dims, 1)?),
        None => None,
    };
    let padding = window::padding(cx, dims)?;
    let (mut pad_begin, mut pad_end, mut output) = ([0; 2], [0; 2], [0; 2]);
    for a in 0..2 {
        let span = (kernel[a].max(1) - 1).checked_mul(dilation[a]).and_then(|s| s.checked_add(1));
        let full = (input[a] - 1).checked_mul(stride[a]);
        let full = span.zip(full).and_then(|(s, f)| s.checked_add(f)).and_then(|n| n.checked_add(extra[a]));
        let full = full.ok_or_else(|| Fault::shape("the size of the result overflows"))?;
        let same =
            matches!(padding, Padding::SameUpper | Padding::SameLower).then(|| input[a].saturating_mul(stride[a]));
        let target = wanted.map(|w| w[a]).or(same);
        match (&padding, target) {
            (_, Some(target)) => {
                // Where the wanted result reaches beyond all products, what lies there is the bias alone.
                let total = full.saturating_sub(target);
                let (less, more) = (total / 2, total - total / 2);
                (pad_begin[a], pad_end[a]) =
                    if matches!(padding, Padding::SameUpper) { (less, more) } else { (more, less) };
                output[a] = target;
                continue;
            }
            (Padding::Explicit(begin, end), None) => (pad_begin[a], pad_end[a]) = (begin[a], end[a]),
            (_, None) => {}
        }
        output[a] = full
            .checked_sub(pad_begin[a])
            .and_then(|n| n.checked_sub(pad_end[a]))
            .filter(|&n| n > 0)
            .ok_or_else(|| Fault::shape("padding leaves nothing of the result"))?;
    }
    Ok((Window { kernel, stride, dilation, pad_begin, pad_end }, output))
}
