//! Pools.

use super::conv::{channels_first, channels_last};
use super::window::{self, two};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::ir::{DType, Op, PoolKind, ReduceKind, Scalar, ValueId, Window};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("AveragePool", average_pool, "one and two spatial dimensions"),
    op("GlobalAveragePool", global_average_pool),
    op("GlobalMaxPool", global_max_pool),
    limited("MaxPool", max_pool, "one and two spatial dimensions, without the result Indices"),
];

/// The window of a pool, with the end padding such that the number of windows is ONNX's.
fn pool_window(cx: &NodeCx<'_>, map: ValueId, spatial: usize) -> Imported<Window> {
    let given = cx.ints_opt("kernel_shape")?.ok_or_else(|| Fault::attribute("kernel_shape", "is missing"))?;
    let kernel = two("kernel_shape", &given, spatial, 1)?;
    let shape = cx.shape(map);
    let mut w = window::of_conv(cx, kernel, [shape[1], shape[2]], spatial)?;
    if cx.flag("ceil_mode", false)? {
        for a in 0..2 {
            w.pad_end[a] += ceil_padding(&w, a, shape[a + 1]);
        }
    }
    Ok(w)
}

/// What must follow the padded map for one more window, where rounding up gives one that starts before the end padding.
fn ceil_padding(w: &Window, axis: usize, input: usize) -> usize {
    let span = (w.kernel[axis].max(1) - 1) * w.dilation[axis] + 1;
    let padded = input + w.pad_begin[axis] + w.pad_end[axis];
    let over = padded.saturating_sub(span) % w.stride[axis];
    let start = padded.saturating_sub(span) - over + w.stride[axis];
    if padded < span || over == 0 || start >= input + w.pad_begin[axis] { 0 } else { w.stride[axis] - over }
}

fn max_pool(cx: &mut NodeCx<'_>) -> Imported {
    if cx.wants(1) {
        return Err(Fault::form("the result Indices of MaxPool is not supported").help("leave it out when exporting"));
    }
    let x = cx.input(0)?;
    let spatial = cx.rank(x).saturating_sub(2);
    let map = channels_last(cx, x)?;
    let window = pool_window(cx, map, spatial)?;
    let y = cx.emit(Op::Pool { kind: PoolKind::Max, window }, &[map])?;
    let y = channels_first(cx, y, spatial)?;
    cx.set(0, y);
    Ok(())
}

/// With `ceil_mode` and padding that counts, the part of a window beyond the padded map does not count: the core operator
/// does not know that case.
fn average_pool(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let spatial = cx.rank(x).saturating_sub(2);
    let count_include_pad = cx.flag("count_include_pad", false)?;
    let map = channels_last(cx, x)?;
    let window = pool_window(cx, map, spatial)?;
    let explicit = {
        let shape = cx.shape(map);
        window::of_conv(cx, window.kernel, [shape[1], shape[2]], spatial)?
    };
    if count_include_pad && explicit.pad_end != window.pad_end {
        return Err(Fault::form("count_include_pad with a last window that ceil_mode adds")
            .help("pad the map by a Pad node, or export with ceil_mode = 0"));
    }
    let y = cx.emit(Op::Pool { kind: PoolKind::Average { count_include_pad }, window }, &[map])?;
    let y = channels_first(cx, y, spatial)?;
    cx.set(0, y);
    Ok(())
}

/// All dimensions but batch and channels.
fn spatial_axes(cx: &NodeCx<'_>, x: ValueId) -> Imported<Vec<usize>> {
    let shape = cx.shape(x);
    if shape.len() < 2 || shape[2..].contains(&0) {
        return Err(Fault::shape(format!("{} has no spatial dimensions", cx.ty(x))));
    }
    Ok((2..shape.len()).collect())
}

/// The shape with every reduced dimension kept as one.
fn kept(cx: &NodeCx<'_>, x: ValueId) -> Vec<usize> {
    cx.shape(x).iter().enumerate().map(|(d, &n)| if d < 2 { n } else { 1 }).collect()
}

fn global_max_pool(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let axes = spatial_axes(cx, x)?;
    let y = cx.emit(Op::Reduce { kind: ReduceKind::Max, axes }, &[x])?;
    let y = cx.reshape(y, kept(cx, x))?;
    cx.set(0, y);
    Ok(())
}

fn global_average_pool(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let axes = spatial_axes(cx, x)?;
    let count: usize = axes.iter().map(|&a| cx.shape(x)[a]).product();
    let sum = cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes }, &[x])?;
    let n = cx.b.scalar(Scalar::from_f64(count as f64, float_type(cx, x)?));
    let y = cx.binary(crate::ir::BinaryOp::Div, sum, n)?;
    let y = cx.reshape(y, kept(cx, x))?;
    cx.set(0, y);
    Ok(())
}

fn float_type(cx: &NodeCx<'_>, x: ValueId) -> Imported<DType> {
    match cx.dtype(x) {
        d if d.is_float() => Ok(d),
        d => Err(Fault::shape(format!("a mean of {d}"))),
    }
}
