//! Det: elimination with partial pivoting, one step for each row.

use super::pieces::{concat, slice};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, limited};
use crate::ir::formula::{constant, num, select, x};
use crate::ir::{Op, Scalar, UnaryOp, ValueId, checked_elements};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[limited("Det", det, "up to 64 rows")];

/// Rows from which on the steps would be too many.
const MAX_ROWS: usize = 64;

fn det(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let shape = cx.shape(input);
    let rank = shape.len();
    if rank < 2 || shape[rank - 1] != shape[rank - 2] || !cx.dtype(input).is_float() {
        return Err(Fault::shape(format!("{} is no square matrix of floats", cx.ty(input))));
    }
    let n = shape[rank - 1];
    if n > MAX_ROWS {
        return Err(Fault::form(format!("a determinant of {n} rows; up to {MAX_ROWS} are supported")));
    }
    let outer = &shape[..rank - 2];
    let batch = checked_elements(outer).ok_or_else(|| Fault::shape("there are too many matrices"))?;
    let mut rest = cx.reshape(input, [batch, n, n])?;
    let mut product = super::pieces::fill(cx, Scalar::from_f64(1.0, cx.dtype(input)), vec![batch, 1, 1])?;
    for rows in (1..=n).rev() {
        let (factor, smaller) = step(cx, rest, rows)?;
        product = cx.map((x(0) * x(1)).expr(cx.dtype(input)), &[product, factor])?;
        rest = smaller;
    }
    cx.reshape(product, outer)
}

/// The pivot of the first column, negative where rows change places, and what elimination leaves of the other rows and columns.
fn step(cx: &mut NodeCx<'_>, m: ValueId, rows: usize) -> Imported<(ValueId, ValueId)> {
    let dtype = cx.dtype(m);
    let batch = cx.shape(m)[0];
    if rows == 1 {
        return Ok((m, m));
    }
    let column = slice(cx, m, 2, (0, 1, 1))?;
    let sizes = cx.unary(UnaryOp::Abs, column)?;
    let at = cx.emit(Op::Arg { max: true, axis: 1, last: false }, &[sizes])?;
    let index = cx.reshape(at, [batch, 1, 1])?;
    let pivot_row = cx.emit(Op::GatherNd { batch_dims: 1 }, &[m, index])?;
    let first_row = slice(cx, m, 1, (0, 1, 1))?;
    let mut others = Vec::with_capacity(rows - 1);
    for i in 1..rows {
        let row = slice(cx, m, 1, (i, 1, 1))?;
        let is_pivot = x(0).eq(constant(Scalar::I64(i as i64)));
        others.push(cx.map(select(is_pivot, x(1), x(2)).expr(dtype), &[index, first_row, row])?);
    }
    let others = concat(cx, 1, &others)?;
    let pivot = slice(cx, pivot_row, 2, (0, 1, 1))?;
    let heads = slice(cx, others, 2, (0, 1, 1))?;
    // A pivot of zero is the whole column's: nothing is left to eliminate.
    let factor = select(x(1).eq(num(0.0)), num(0.0), x(0) / x(1));
    let factor = cx.map(factor.expr(dtype), &[heads, pivot])?;
    let tail = slice(cx, others, 2, (1, 1, rows - 1))?;
    let pivot_tail = slice(cx, pivot_row, 2, (1, 1, rows - 1))?;
    let smaller = cx.map((x(0) - x(1) * x(2)).expr(dtype), &[tail, factor, pivot_tail])?;
    let stays = x(0).eq(constant(Scalar::I64(0)));
    let signed = select(stays, x(1), num(0.0) - x(1));
    let signed = cx.map(signed.expr(dtype), &[index, pivot])?;
    Ok((signed, smaller))
}
