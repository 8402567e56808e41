//! RotaryEmbedding: pairs of columns turned by angles that depend on the position.

use super::{dims, join_heads, split_heads};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::pieces::{concat, slice};
use crate::ir::formula::x;
use crate::ir::{DType, Op, ValueId};

/// The first columns are turned, all of them unless `rotary_embedding_dim` says otherwise; the rest stays.
pub(super) fn rotary(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let flat = cx.rank(operand) == 3;
    let v = split_heads(cx, operand, "num_heads")?;
    let size = dims(cx, v)?[3];
    let columns = match cx.int("rotary_embedding_dim", 0)? {
        0 => size,
        n => usize::try_from(n).unwrap_or(usize::MAX),
    };
    let interleaved = cx.flag("interleaved", false)?;
    let tables = [cx.input(1)?, cx.input(2)?];
    let y = turned_by(cx, v, tables, (columns, interleaved), cx.opt(3))?;
    Ok(if flat { join_heads(cx, y)? } else { y })
}

/// How columns are turned.
pub(in crate::import::ops) struct Turn {
    /// The first columns, which are turned.
    pub(in crate::import::ops) columns: usize,
    /// Pairs are neighbours; else they are columns of both halves.
    pub(in crate::import::ops) interleaved: bool,
    /// The position of each step `[batch, steps]`.
    pub(in crate::import::ops) positions: ValueId,
}

/// `[batch, heads, steps, size]` with columns turned, by tables of cosines and sines `[positions, columns / 2]`.
pub(in crate::import::ops) fn turned(cx: &mut NodeCx<'_>, v: ValueId, tables: [ValueId; 2], turn: &Turn) -> Imported {
    turned_by(cx, v, tables, (turn.columns, turn.interleaved), Some(turn.positions))
}

fn turned_by(
    cx: &mut NodeCx<'_>,
    v: ValueId,
    tables: [ValueId; 2],
    (turned, interleaved): (usize, bool),
    positions: Option<ValueId>,
) -> Imported {
    let [batch, heads, steps, size] = dims(cx, v)?;
    if turned > size || turned % 2 != 0 || turned == 0 {
        return Err(Fault::attribute(
            "rotary_embedding_dim",
            format!("{turned} is not an even part of {size} columns"),
        ));
    }
    let half = turned / 2;
    let [cos, sin] = tables;
    let cos = angles(cx, (cos, positions), [batch, steps, half])?;
    let sin = angles(cx, (sin, positions), [batch, steps, half])?;
    let (first, second) = if interleaved { ((0, 2, half), (1, 2, half)) } else { ((0, 1, half), (half, 1, half)) };
    let a = slice(cx, v, 3, first)?;
    let b = slice(cx, v, 3, second)?;
    let dtype = cx.dtype(v);
    let work = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let operands = [a, b, cos, sin];
    let wide = |i: usize| x(i).cast(work);
    let real = (wide(2) * wide(0) - wide(3) * wide(1)).cast(dtype);
    let imaginary = (wide(3) * wide(0) + wide(2) * wide(1)).cast(dtype);
    let mut parts = [cx.map(real.expr(work), &operands)?, cx.map(imaginary.expr(work), &operands)?];
    let done = if interleaved {
        for part in &mut parts {
            *part = cx.reshape(*part, [batch, heads, steps, half, 1])?;
        }
        let pairs = cx.emit(Op::Concat { axis: 4 }, &parts)?;
        cx.reshape(pairs, [batch, heads, steps, turned])?
    } else {
        cx.emit(Op::Concat { axis: 3 }, &parts)?
    };
    if turned == size {
        return Ok(done);
    }
    let rest = slice(cx, v, 3, (turned, 1, size - turned))?;
    concat(cx, 3, &[done, rest])
}

/// Cosines or sines as `[batch, 1, steps, half]`: by position where positions are given.
fn angles(
    cx: &mut NodeCx<'_>,
    (mut table, positions): (ValueId, Option<ValueId>),
    [batch, steps, half]: [usize; 3],
) -> Imported {
    if let Some(positions) = positions {
        if cx.rank(table) != 2 {
            return Err(Fault::shape(format!("{} should be [positions, {half}]", cx.ty(table))));
        }
        table = cx.emit(Op::Gather { axis: 0 }, &[table, positions])?;
    }
    if cx.shape(table) != [batch, steps, half] {
        return Err(Fault::shape(format!("{} should be [{batch}, {steps}, {half}]", cx.ty(table))));
    }
    cx.reshape(table, [batch, 1, steps, half])
}
