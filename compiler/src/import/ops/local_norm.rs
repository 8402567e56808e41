//! Normalizations without scale and bias: LpNormalization, MeanVarianceNormalization, LRN.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::norm::standardize;
use crate::import::ops::reduce::{kept, widened};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{binary, num, select, x};
use crate::ir::{BinaryOp as B, Op, PoolKind, ReduceKind, UnaryOp as U, Window};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] =
    &[op("LpNormalization", lp_norm), op("LRN", lrn), op("MeanVarianceNormalization", mean_variance_norm)];

/// Where all elements are zero the result is zero.
fn lp_norm(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let dtype = cx.dtype(input);
    let axis = cx.axis(cx.int("axis", -1)?, cx.rank(input))?;
    let (each, root) = match cx.int("p", 2)? {
        1 => (x(0).then(U::Abs), x(1)),
        2 => (x(0) * x(0), x(1).then(U::Sqrt)),
        _ => return Err(Fault::attribute("p", "must be 1 or 2")),
    };
    let v = widened(cx, input, true)?;
    let computed = cx.dtype(v);
    let powers = cx.map(each.expr(computed), &[v])?;
    let sum = kept(cx, powers, ReduceKind::Sum, &[axis])?;
    let y = select(x(1).eq(num(0.0)), num(0.0), x(0) / root);
    let y = cx.map(y.expr(computed), &[v, sum])?;
    cx.cast(y, dtype)
}

fn mean_variance_norm(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let dtype = cx.dtype(input);
    let raw = cx.ints_opt("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
    let axes = cx.axes(&raw, cx.rank(input))?;
    let v = widened(cx, input, true)?;
    let computed = cx.dtype(v);
    // The constant is that of the operator's definition as a function.
    let s = standardize(cx, v, &axes, |variance| (variance.then(U::Sqrt) + num(1e-9)).then(U::Reciprocal))?;
    let y = cx.map((x(0) * x(1)).expr(computed), &[s.difference, s.factor])?;
    cx.cast(y, dtype)
}

/// The mean of squares over neighbouring channels is an average pool along the channels, absent ones counting as zero.
fn lrn(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let (dtype, shape) = (cx.dtype(input), cx.shape(input));
    if shape.len() < 2 {
        return Err(Fault::shape(format!("{shape:?} has no channels")));
    }
    let size = cx.int_opt("size")?.ok_or_else(|| Fault::missing("size"))?;
    let size = usize::try_from(size).ok().filter(|&s| s > 0);
    let size = size.ok_or_else(|| Fault::attribute("size", "must be at least 1"))?;
    let (alpha, beta, bias) = (cx.float("alpha", 1e-4)?, cx.float("beta", 0.75)?, cx.float("bias", 1.0)?);
    let v = widened(cx, input, true)?;
    let computed = cx.dtype(v);
    let squares = cx.map((x(0) * x(0)).expr(computed), &[v])?;
    let map = [shape[0], shape[1], 1, shape[2..].iter().product()];
    let squares = cx.reshape(squares, map)?;
    let window = Window {
        kernel: [size, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pad_begin: [(size - 1) / 2, 0],
        pad_end: [size / 2, 0],
    };
    let kind = PoolKind::Average { count_include_pad: true };
    let means = cx.emit(Op::Pool { kind, window }, &[squares])?;
    let means = cx.reshape(means, shape)?;
    let y = x(0) / binary(B::Pow, num(bias) + num(alpha) * x(1), num(beta));
    let y = cx.map(y.expr(computed), &[v, means])?;
    cx.cast(y, dtype)
}
