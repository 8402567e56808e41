//! RotaryEmbedding of `com.microsoft`: positions come before the tables, and may be one offset.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::attention::{Turn, dims, join_heads, turned};
use crate::ir::formula::{num, x};
use crate::ir::{DType, Op, Tensor, ValueId};

pub(super) fn rotary(cx: &mut NodeCx<'_>) -> Imported {
    let (operand, positions, cos, sin) = (cx.input(0)?, cx.input(1)?, cx.input(2)?, cx.input(3)?);
    if cx.flag("is_packed_batching", false)? {
        return Err(Fault::attribute("is_packed_batching", "must be 0"));
    }
    let half = cx.shape(cos).last().copied().unwrap_or(0);
    let columns = match cx.int("rotary_embedding_dim", 0)? {
        0 => None,
        n => Some(usize::try_from(n).unwrap_or(usize::MAX)),
    };
    let flat = cx.rank(operand) == 3;
    let v = if flat { split(cx, operand, columns.is_some(), half)? } else { operand };
    let [batch, _, steps, size] = dims(cx, v)?;
    let positions = match cx.shape(positions).as_slice() {
        [1] => offset(cx, positions, batch, steps)?,
        _ => positions,
    };
    let turn = Turn { columns: columns.unwrap_or(size), interleaved: cx.flag("interleaved", false)?, positions };
    let y = turned(cx, v, [cos, sin], &turn)?;
    let scale = cx.float("scale", 1.0)?;
    let y = if scale == 1.0 { y } else { cx.map((x(0) * num(scale)).expr(cx.dtype(y)), &[y])? };
    if flat { join_heads(cx, y) } else { Ok(y) }
}

/// Heads by the attribute, or as wide as the tables say.
fn split(cx: &mut NodeCx<'_>, v: ValueId, partial: bool, half: usize) -> Imported {
    let &[batch, steps, hidden] = cx.shape(v).as_slice() else {
        return Err(Fault::shape(format!("{} has neither rank 3 nor 4", cx.ty(v))));
    };
    let heads = match cx.int("num_heads", 0)? {
        0 if !partial => hidden.checked_div(2 * half),
        n => usize::try_from(n).ok(),
    };
    let heads = heads.filter(|&n| n > 0 && hidden % n == 0);
    let heads = heads.ok_or_else(|| Fault::attribute("num_heads", format!("does not divide {hidden} columns")))?;
    let v = cx.reshape(v, [batch, steps, heads, hidden / heads])?;
    cx.transpose(v, [0, 2, 1, 3])
}

/// Positions `[batch, steps]` from the first one `[1]`.
pub(super) fn offset(cx: &mut NodeCx<'_>, first: ValueId, batch: usize, steps: usize) -> Imported {
    let first = cx.cast(first, DType::I64)?;
    let shape = [cx.ty(first).elements(), 1];
    let first = cx.reshape(first, shape)?;
    let own: Vec<i64> = (0..steps as i64).collect();
    let own = cx.add_constant(Tensor::from_elements([1, steps], &own));
    let positions = cx.map((x(0) + x(1)).expr(DType::I64), &[first, own])?;
    let shape = vec![batch, steps];
    cx.emit(Op::Movement(crate::ir::Movement::Expand { shape }), &[positions])
}
