//! Elements written to places given by indices.

use super::pieces::{concat, slice};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{binary, num, x};
use crate::ir::{BinaryOp, DType, Movement, Op, ScatterKind, Tensor, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("Scatter", scatter_elements),
    op("ScatterElements", scatter_elements),
    op("ScatterND", scatter_nd),
    op("TensorScatter", tensor_scatter),
];

/// How values meet: `reduction`, from opset 16 on.
fn kind(cx: &NodeCx<'_>) -> Imported<ScatterKind> {
    use ScatterKind as S;
    cx.word("reduction", &[("none", S::Replace), ("add", S::Add), ("mul", S::Mul), ("max", S::Max), ("min", S::Min)])
}

fn scatter_elements(cx: &mut NodeCx<'_>) -> Imported {
    let (data, indices, updates) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    let axis = cx.axis(cx.int("axis", 0)?, cx.rank(data))?;
    cx.emit(Op::ScatterElements { axis, kind: kind(cx)? }, &[data, indices, updates])
}

fn scatter_nd(cx: &mut NodeCx<'_>) -> Imported {
    let (data, indices, updates) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    cx.emit(Op::ScatterNd { kind: kind(cx)? }, &[data, indices, updates])
}

/// Writes a run of elements along one dimension, for each batch from an index of its own on.
fn tensor_scatter(cx: &mut NodeCx<'_>) -> Imported {
    let (cache, update) = (cx.input(0)?, cx.input(1)?);
    let axis = cx.axis(cx.int("axis", -2)?, cx.rank(cache))?;
    let circular = cx.word("mode", &[("linear", false), ("circular", true)])?;
    let (shape, whole) = (cx.shape(update), cx.shape(cache));
    let fits = shape.len() == whole.len() && (0..shape.len()).all(|d| shape[d] == whole[d] || d == axis);
    if !fits || axis == 0 || shape[axis] > whole[axis] {
        let message = format!("{} does not fit into {} along dimension {axis}", cx.ty(update), cx.ty(cache));
        return Err(Fault::shape(message));
    }
    let Some(first) = cx.opt(2) else {
        let start = shape[axis].min(whole[axis].saturating_sub(1));
        let rest = slice(cx, cache, axis, (start, 1, whole[axis] - shape[axis]))?;
        return concat(cx, axis, &[update, rest]);
    };
    let indices = run_indices(cx, first, &shape, axis, circular.then_some(whole[axis]))?;
    cx.emit(Op::ScatterElements { axis, kind: ScatterKind::Replace }, &[cache, indices, update])
}

/// `first[batch] + i` at place i along a dimension, in a shape; modulo `period` where there is one.
fn run_indices(cx: &mut NodeCx<'_>, first: ValueId, shape: &[usize], axis: usize, period: Option<usize>) -> Imported {
    let along = |d: usize| (0..shape.len()).map(|i| if i == d { shape[d] } else { 1 }).collect::<Vec<_>>();
    let first = cx.cast(first, DType::I64)?;
    let first = cx.reshape(first, along(0))?;
    let steps: Vec<i64> = (0..shape[axis] as i64).collect();
    let steps = cx.add_constant(Tensor::from_elements(along(axis), &steps));
    let sum = x(0) + x(1);
    let index = match period {
        Some(n) => binary(BinaryOp::Mod, sum, num(n as f64)),
        None => sum,
    };
    let indices = cx.map(index.expr(DType::I64), &[first, steps])?;
    cx.emit(Op::Movement(Movement::Expand { shape: shape.to_vec() }), &[indices])
}
