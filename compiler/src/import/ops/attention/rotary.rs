//! RotaryEmbedding: pairs of columns turned by angles that depend on the position.

use super::{dims, join_heads, split_heads};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::pieces::{concat, slice};
use crate::ir::formula::x;
use crate::ir::{DType, Op};

/// The first columns are turned, all of them unless `rotary_embedding_dim` says otherwise; the rest stays.
pub(super) fn rotary(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    let flat = cx.rank(operand) == 3;
    let v = split_heads(cx, operand, "num_heads")?;
    let [batch, heads, steps, size] = dims(cx, v)?;
    let turned = match cx.int("rotary_embedding_dim", 0)? {
        0 => size,
        n => usize::try_from(n).unwrap_or(usize::MAX),
    };
    if turned > size || turned % 2 != 0 || turned == 0 {
        return Err(Fault::attribute(
            "rotary_embedding_dim",
            format!("{turned} is not an even part of {size} columns"),
        ));
    }
    let half = turned / 2;
    let cos = angles(cx, 1, [batch, steps, half])?;
    let sin = angles(cx, 2, [batch, steps, half])?;
    let interleaved = cx.flag("interleaved", false)?;
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
    let y = if turned == size {
        done
    } else {
        let rest = slice(cx, v, 3, (turned, 1, size - turned))?;
        concat(cx, 3, &[done, rest])?
    };
    Ok(if flat { join_heads(cx, y)? } else { y })
}

/// Cosines or sines as `[batch, 1, steps, half]`: by position where positions are given.
fn angles(cx: &mut NodeCx<'_>, at: usize, [batch, steps, half]: [usize; 3]) -> Imported {
    let mut table = cx.input(at)?;
    if let Some(positions) = cx.opt(3) {
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
