//! The embedding of words, positions and segments, normalized.

use super::norm::rows;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::ir::formula::{constant, num, select, x};
use crate::ir::{BinaryOp, DType, Op, ReduceKind, Scalar, Tensor, ValueId};

/// Results are the normalized sums `[batch, steps, hidden]`, how many places of each row the mask has as 1, and the sums.
pub(super) fn layer_norm(cx: &mut NodeCx<'_>) -> Imported {
    let (ids, words, positions) = (cx.input(0)?, cx.input(2)?, cx.input(3)?);
    let &[batch, steps] = cx.shape(ids).as_slice() else {
        return Err(Fault::shape(format!("{} should be [batch, steps]", cx.ty(ids))));
    };
    if cx.int("mask_index_type", 0)? != 0 {
        return Err(Fault::attribute("mask_index_type", "must be 0"));
    }
    let words = cx.emit(Op::Gather { axis: 0 }, &[words, ids])?;
    let places = match cx.opt(8) {
        Some(places) => places,
        None => {
            let all: Vec<i64> = (0..steps as i64).collect();
            cx.add_constant(Tensor::from_elements([1, steps], &all))
        }
    };
    let positions = cx.emit(Op::Gather { axis: 0 }, &[positions, places])?;
    let mut sum = cx.binary(BinaryOp::Add, words, positions)?;
    if let (Some(segments), Some(table)) = (cx.opt(1), cx.opt(4)) {
        let segments = cx.emit(Op::Gather { axis: 0 }, &[table, segments])?;
        sum = cx.binary(BinaryOp::Add, sum, segments)?;
    }
    let shape = cx.shape(sum);
    if shape.len() != 3 || shape[..2] != [batch, steps] {
        return Err(Fault::shape(format!("embeddings add up to {}", cx.ty(sum))));
    }
    let mask = match cx.opt(7) {
        Some(mask) if cx.shape(mask) == [batch, steps] => counted(cx, mask)?,
        Some(mask) => return Err(Fault::shape(format!("the mask {} is not [{batch}, {steps}]", cx.ty(mask)))),
        None => cx.add_constant(Tensor::from_elements([batch], &vec![0i32; batch])),
    };
    cx.set(1, mask);
    cx.set(2, sum);
    let (scale, bias) = (cx.input(5)?, cx.input(6)?);
    rows(cx, sum, 2, 1e-12, (true, scale, Some(bias)))
}

/// How many elements of each row are 1.
fn counted(cx: &mut NodeCx<'_>, mask: ValueId) -> Imported {
    let one = |v: i64| constant(Scalar::from_i64(v, DType::I32));
    let mask = cx.cast(mask, DType::I32)?;
    let ones = select(x(0).eq(one(1)), num(1.0), num(0.0));
    let ones = cx.map(ones.expr(DType::I32), &[mask])?;
    cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes: vec![1] }, &[ones])
}
