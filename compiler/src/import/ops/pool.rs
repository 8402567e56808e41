//! Pools.

use super::conv::{channels_first, channels_last};
use super::unpool;
use super::window::{self, Dims, two};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited, op};
use crate::ir::formula::{binary, num, x};
use crate::ir::{
    BinaryOp, DType, Movement, Op, PoolKind, ReduceKind, Scalar, UnaryOp, ValueId, Window, checked_elements,
};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("AveragePool", average_pool, "one to three spatial dimensions"),
    op("GlobalAveragePool", global_average_pool),
    op("GlobalLpPool", global_lp_pool),
    op("GlobalMaxPool", global_max_pool),
    limited("LpPool", lp_pool, "one to three spatial dimensions"),
    limited("MaxPool", max_pool, "one to three spatial dimensions"),
];

/// Pools a map `[n, c, ..]` by a function of a map `[n, h, w, c]`. Three dimensions are pooled as planes, then in depth:
/// extremes, sums and the numbers of taps are all products of those along the dimensions.
fn pooled(
    cx: &mut NodeCx<'_>,
    operand: ValueId,
    pool: &dyn Fn(&mut NodeCx<'_>, ValueId, Dims) -> Imported,
) -> Imported {
    let shape = cx.shape(operand);
    let &[n, c, depth, height, width] = shape.as_slice() else {
        let spatial = shape.len().saturating_sub(2);
        let map = channels_last(cx, operand)?;
        let y = pool(cx, map, Dims::all(spatial))?;
        return channels_first(cx, y, spatial);
    };
    let count = |dims: &[usize]| checked_elements(dims).ok_or_else(|| Fault::shape("the map is too large"));
    let planes = cx.transpose(operand, [0, 2, 3, 4, 1])?;
    let planes = cx.reshape(planes, [count(&[n, depth])?, height, width, c])?;
    let planes = pool(cx, planes, Dims::PlaneOfThree)?;
    let (height, width) = (cx.shape(planes)[1], cx.shape(planes)[2]);
    let columns = cx.reshape(planes, [n, 1, depth, count(&[height, width, c])?])?;
    let y = pool(cx, columns, Dims::DepthOfThree)?;
    let depth = cx.shape(y)[2];
    let y = cx.reshape(y, [n, depth, height, width, c])?;
    cx.transpose(y, [0, 4, 1, 2, 3])
}

/// The window of a pool, with the end padding such that the number of windows is ONNX's.
fn pool_window(cx: &NodeCx<'_>, map: ValueId, dims: Dims) -> Imported<Window> {
    let shape = cx.shape(map);
    pool_window_of(cx, [shape[1], shape[2]], dims)
}

/// The same over rows and columns.
fn pool_window_of(cx: &NodeCx<'_>, input: [usize; 2], dims: Dims) -> Imported<Window> {
    let given = cx.ints_opt("kernel_shape")?.ok_or_else(|| Fault::missing("kernel_shape"))?;
    let kernel = two("kernel_shape", &given, dims, 1)?;
    let mut w = window::of_conv(cx, kernel, input, dims)?;
    if cx.flag("ceil_mode", false)? {
        for (a, &len) in input.iter().enumerate() {
            w.pad_end[a] += ceil_padding(&w, a, len);
        }
    }
    Ok(w)
}

/// What must follow the padded map for one more window, where rounding up gives one that starts before the end padding.
fn ceil_padding(w: &Window, axis: usize, input: usize) -> usize {
    let span = w.kernel[axis].saturating_sub(1).saturating_mul(w.dilation[axis]).saturating_add(1);
    let mapped = input.saturating_add(w.pad_begin[axis]);
    let Some(way) = mapped.saturating_add(w.pad_end[axis]).checked_sub(span) else { return 0 };
    let over = way % w.stride[axis];
    let start = way - over + w.stride[axis];
    if over == 0 || start >= mapped { 0 } else { w.stride[axis] - over }
}

/// The maxima that the node's attributes describe.
pub(super) fn maxima(cx: &mut NodeCx<'_>, x: ValueId) -> Imported {
    pooled(cx, x, &|cx, map, dims| {
        let window = pool_window(cx, map, dims)?;
        cx.emit(Op::Pool { kind: PoolKind::Max, window }, &[map])
    })
}

fn max_pool(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    let y = maxima(cx, x)?;
    if cx.wants(1) {
        let windows = unpool::windows(cx, x, pool_window_of)?;
        let indices = unpool::indices(cx, [x, y], &windows)?;
        cx.set(1, indices);
    }
    Ok(y)
}

/// Padding that counts is made part of the map: what `ceil_mode` adds behind it does not count then, as ONNX wants it.
fn average_pool(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    average(cx, x)
}

/// The average pool that the node's attributes describe.
pub(super) fn average(cx: &mut NodeCx<'_>, x: ValueId) -> Imported {
    pooled(cx, x, &mean)
}

fn mean(cx: &mut NodeCx<'_>, mut map: ValueId, dims: Dims) -> Imported {
    let mut count_include_pad = cx.flag("count_include_pad", false)?;
    let mut window = pool_window(cx, map, dims)?;
    let shape = cx.shape(map);
    let given = window::of_conv(cx, window.kernel, [shape[1], shape[2]], dims)?;
    if count_include_pad && given.pad_end != window.pad_end {
        let value = Scalar::zero(cx.dtype(map));
        let [top, left] = given.pad_begin;
        let [bottom, right] = given.pad_end;
        let (before, after) = (vec![0, top, left, 0], vec![0, bottom, right, 0]);
        map = cx.emit(Op::Movement(Movement::Pad { before, after, value }), &[map])?;
        window.pad_begin = [0, 0];
        window.pad_end = [window.pad_end[0] - bottom, window.pad_end[1] - right];
        count_include_pad = false;
    }
    cx.emit(Op::Pool { kind: PoolKind::Average { count_include_pad }, window }, &[map])
}

/// The exponent p: an integer, in opset 1 a float.
fn exponent(cx: &NodeCx<'_>) -> Imported<f64> {
    let p = if cx.opset < 2 { f64::from(cx.float("p", 2.0)?) } else { cx.int("p", 2)? as f64 };
    if p > 0.0 { Ok(p) } else { Err(Fault::attribute("p", "must be positive")) }
}

/// |x|^p
fn power(cx: &mut NodeCx<'_>, operand: ValueId, p: f64) -> Imported {
    let size = x(0).then(UnaryOp::Abs);
    let formula = match p {
        1.0 => size,
        2.0 => x(0) * x(0),
        _ => binary(BinaryOp::Pow, size, num(p)),
    };
    let dtype = float_type(cx, operand)?;
    cx.map(formula.expr(dtype), &[operand])
}

/// `(x * scale)^(1/p)`
fn root(cx: &mut NodeCx<'_>, operand: ValueId, p: f64, scale: f64) -> Imported {
    let sum = if scale == 1.0 { x(0) } else { x(0) * num(scale) };
    let formula = match p {
        1.0 => sum,
        2.0 => sum.then(UnaryOp::Sqrt),
        _ => binary(BinaryOp::Pow, sum, num(1.0 / p)),
    };
    let dtype = float_type(cx, operand)?;
    cx.map(formula.expr(dtype), &[operand])
}

/// The p-norm of each window: the mean over all taps, padding included, times their number, is the sum.
fn lp_pool(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let p = exponent(cx)?;
    let powers = power(cx, operand, p)?;
    let means = pooled(cx, powers, &|cx, map, dims| {
        let window = pool_window(cx, map, dims)?;
        cx.emit(Op::Pool { kind: PoolKind::Average { count_include_pad: true }, window }, &[map])
    })?;
    let taps: f64 = cx.ints_opt("kernel_shape")?.unwrap_or_default().iter().map(|&n| n as f64).product();
    root(cx, means, p, taps)
}

fn global_lp_pool(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let p = exponent(cx)?;
    let axes = spatial_axes(cx, operand)?;
    let powers = power(cx, operand, p)?;
    let sum = cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes }, &[powers])?;
    let y = root(cx, sum, p, 1.0)?;
    cx.reshape(y, kept(cx, operand))
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
    cx.reshape(y, kept(cx, x))
}

fn global_average_pool(cx: &mut NodeCx<'_>) -> Imported {
    let x = cx.input(0)?;
    global_average(cx, x)
}

/// The mean over all dimensions but batch and channels.
pub(super) fn global_average(cx: &mut NodeCx<'_>, x: ValueId) -> Imported {
    let axes = spatial_axes(cx, x)?;
    let count: usize = axes.iter().map(|&a| cx.shape(x)[a]).product();
    let sum = cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes }, &[x])?;
    let n = cx.b.scalar(Scalar::from_f64(count as f64, float_type(cx, x)?));
    let y = cx.binary(BinaryOp::Div, sum, n)?;
    cx.reshape(y, kept(cx, x))
}

fn float_type(cx: &NodeCx<'_>, x: ValueId) -> Imported<DType> {
    match cx.dtype(x) {
        d if d.is_float() => Ok(d),
        d => Err(Fault::shape(format!("a mean of {d}"))),
    }
}
