//! Reductions: a function of each element, a core reduction, a function of its result.
//!
//! Dimensions are an attribute up to opset 12 (ReduceSum) or 17 (the others), then an operand. f16 and bf16 are computed
//! in f32, so that sums do not overflow.

use crate::import::node::{Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{Term, num, select, x};
use crate::ir::{BinaryOp as B, DType, Op, ReduceKind, UnaryOp as U, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("ReduceL1", |cx| reduce(cx, &Steps { each: Some(|| x(0).then(U::Abs)), ..SUM })),
    op("ReduceL2", |cx| reduce(cx, &Steps { in_float: true, end: Some(|_| x(0).then(U::Sqrt)), ..SUM_SQUARE })),
    op("ReduceLogSum", |cx| reduce(cx, &Steps { in_float: true, end: Some(|_| x(0).then(U::Log)), ..SUM })),
    op("ReduceLogSumExp", log_sum_exp),
    op("ReduceMax", |cx| reduce(cx, &Steps { kind: ReduceKind::Max, ..SUM })),
    op("ReduceMean", |cx| reduce(cx, &Steps { end: Some(|n| x(0) / num(n)), ..SUM })),
    op("ReduceMin", |cx| reduce(cx, &Steps { kind: ReduceKind::Min, ..SUM })),
    op("ReduceProd", |cx| reduce(cx, &Steps { kind: ReduceKind::Prod, ..SUM })),
    op("ReduceSum", |cx| reduce(cx, &SUM)),
    op("ReduceSumSquare", |cx| reduce(cx, &SUM_SQUARE)),
];

/// What a reduction is made of.
struct Steps {
    /// Integers are computed as f64.
    in_float: bool,
    /// Applied to each element.
    each: Option<fn() -> Term>,
    kind: ReduceKind,
    /// Applied to the result; gets the number of elements reduced to each.
    end: Option<fn(f64) -> Term>,
}

const SUM: Steps = Steps { in_float: false, each: None, kind: ReduceKind::Sum, end: None };
const SUM_SQUARE: Steps = Steps { each: Some(|| x(0) * x(0)), ..SUM };

fn reduce(cx: &mut NodeCx<'_>, steps: &Steps) -> Imported {
    let input = cx.input(0)?;
    let dtype = cx.dtype(input);
    let axes = axes(cx, input)?;
    let n: usize = axes.iter().map(|&a| cx.shape(input)[a]).product();
    let mut v = widened(cx, input, steps.in_float)?;
    let computed = cx.dtype(v);
    if let Some(each) = steps.each {
        v = cx.map(each().expr(computed), &[v])?;
    }
    v = kept(cx, v, steps.kind, &axes)?;
    if let Some(end) = steps.end {
        v = cx.map(end(n as f64).expr(computed), &[v])?;
    }
    let y = cx.cast(v, dtype)?;
    finish(cx, y, &axes)
}

/// `log(sum(exp(x - max))) + max`, which does not overflow; an infinite maximum is not subtracted.
fn log_sum_exp(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let dtype = cx.dtype(input);
    let axes = axes(cx, input)?;
    let v = widened(cx, input, true)?;
    let computed = cx.dtype(v);
    let max = kept(cx, v, ReduceKind::Max, &axes)?;
    let is_infinite = crate::ir::formula::binary(B::Or, x(0).then(U::IsPosInf), x(0).then(U::IsNegInf));
    let shift = cx.map(select(is_infinite, num(0.0), x(0)).expr(computed), &[max])?;
    let e = cx.map((x(0) - x(1)).then(U::Exp).expr(computed), &[v, shift])?;
    let sum = kept(cx, e, ReduceKind::Sum, &axes)?;
    let y = cx.map((x(0).then(U::Log) + x(1)).expr(computed), &[sum, shift])?;
    let y = cx.cast(y, dtype)?;
    finish(cx, y, &axes)
}

/// The dimensions to reduce: all where none are named, unless the node says that this means none.
fn axes(cx: &NodeCx<'_>, input: ValueId) -> Imported<Vec<usize>> {
    let rank = cx.rank(input);
    let named = match cx.opt(1) {
        Some(_) => Some(cx.const_ints(1, "the axes")?),
        None => cx.ints_opt("axes")?,
    };
    match named {
        Some(axes) if !axes.is_empty() => cx.axes(&axes, rank),
        _ if cx.flag("noop_with_empty_axes", false)? => Ok(Vec::new()),
        _ => Ok((0..rank).collect()),
    }
}

/// A value in the type it is computed in.
pub(super) fn widened(cx: &mut NodeCx<'_>, v: ValueId, in_float: bool) -> Imported {
    match cx.dtype(v) {
        half if half.is_half() => cx.cast(v, DType::F32),
        whole if !whole.is_float() && in_float => cx.cast(v, DType::F64),
        _ => Ok(v),
    }
}

/// A reduction that leaves dimensions of length 1.
pub(super) fn kept(cx: &mut NodeCx<'_>, v: ValueId, kind: ReduceKind, axes: &[usize]) -> Imported {
    let mut shape = cx.shape(v);
    let y = cx.emit(Op::Reduce { kind, axes: axes.to_vec() }, &[v])?;
    axes.iter().for_each(|&a| shape[a] = 1);
    cx.reshape(y, shape)
}

/// Drops the reduced dimensions, now of length 1, unless they are to be kept.
fn finish(cx: &mut NodeCx<'_>, y: ValueId, axes: &[usize]) -> Imported {
    let mut y = y;
    if !cx.flag("keepdims", true)? {
        let shape = cx.shape(y);
        let rest: Vec<usize> = (0..shape.len()).filter(|d| !axes.contains(d)).map(|d| shape[d]).collect();
        y = cx.reshape(y, rest)?;
    }
    Ok(y)
}
