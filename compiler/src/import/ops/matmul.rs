//! Matrix products.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::{BinaryOp, Epilogue, Expr, Op, Scalar, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[op("Gemm", gemm), op("MatMul", matmul)];

/// A plain product of operands of rank 2 or more.
pub(super) fn product(cx: &mut NodeCx<'_>, a: ValueId, b: ValueId) -> Imported {
    cx.emit(Op::MatMul { epilogue: Epilogue::default() }, &[a, b])
}

fn matmul(cx: &mut NodeCx<'_>) -> Imported {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    broadcast_product(cx, a, b)
}

/// numpy's matmul: a vector on the left is a row, on the right a column, and that dimension is dropped from the result.
pub(super) fn broadcast_product(cx: &mut NodeCx<'_>, mut a: ValueId, mut b: ValueId) -> Imported {
    let (row, column) = (cx.rank(a) == 1, cx.rank(b) == 1);
    if cx.rank(a) == 0 || cx.rank(b) == 0 {
        return Err(Fault::shape(format!("{} and {} must not be scalars", cx.ty(a), cx.ty(b))));
    }
    if row {
        let n = cx.shape(a)[0];
        a = cx.reshape(a, [1, n])?;
    }
    if column {
        let n = cx.shape(b)[0];
        b = cx.reshape(b, [n, 1])?;
    }
    let y = product(cx, a, b)?;
    let mut shape = cx.shape(y);
    if column {
        shape.pop();
    }
    if row {
        shape.remove(shape.len() - 1 - usize::from(!column));
    }
    cx.reshape(y, shape)
}

/// `alpha * a * b + beta * c`.
pub(super) fn gemm(cx: &mut NodeCx<'_>) -> Imported {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    if cx.rank(a) != 2 || cx.rank(b) != 2 {
        return Err(Fault::shape(format!("{} and {} must be matrices", cx.ty(a), cx.ty(b))));
    }
    let a = if cx.flag("transA", false)? { cx.transpose(a, [1, 0])? } else { a };
    let b = if cx.flag("transB", false)? { cx.transpose(b, [1, 0])? } else { b };
    let (alpha, beta) = (cx.float("alpha", 1.0)?, cx.float("beta", 1.0)?);
    let c = cx.opt(2).filter(|_| beta != 0.0).map(|c| scaled(cx, c, beta)).transpose()?;
    product_and(cx, [a, b], alpha, c)
}

/// `alpha * a * b + c`; a row of constants is the product's bias.
pub(super) fn product_and(cx: &mut NodeCx<'_>, [a, b]: [ValueId; 2], alpha: f32, c: Option<ValueId>) -> Imported {
    let columns = cx.shape(b)[1];
    if let Some(bias) = c.and_then(|c| bias_of(cx, c, columns)).filter(|_| alpha == 1.0) {
        let bias = cx.reshape(bias, [columns])?;
        let epilogue = Epilogue { bias: true, ..Epilogue::default() };
        return cx.emit(Op::MatMul { epilogue }, &[a, b, bias]);
    }
    let y = product(cx, a, b)?;
    let y = scaled(cx, y, alpha)?;
    let Some(c) = c else { return Ok(y) };
    let sum = cx.binary(BinaryOp::Add, y, c)?;
    if cx.shape(sum) != cx.shape(y) {
        return Err(Fault::shape(format!("{} does not broadcast to {:?}", cx.ty(c), cx.shape(y))));
    }
    Ok(sum)
}

/// A value that is one row of the product's columns, added to each row.
fn bias_of(cx: &NodeCx<'_>, c: ValueId, columns: usize) -> Option<ValueId> {
    let shape = cx.shape(c);
    let row = shape.last() == Some(&columns) && shape.iter().product::<usize>() == columns;
    (row && cx.b.graph.data(c).is_some()).then_some(c)
}

/// A value times a factor.
pub(super) fn scaled(cx: &mut NodeCx<'_>, x: ValueId, factor: f32) -> Imported {
    if factor == 1.0 {
        return Ok(x);
    }
    if !cx.dtype(x).is_float() && factor.fract() != 0.0 {
        return Err(Fault::form(format!("{} times {factor}", cx.ty(x))).help("cast the operands to a float type first"));
    }
    let factor = Scalar::from_f64(f64::from(factor), cx.dtype(x));
    let mut e = Expr::new();
    let (x0, k) = (e.input(0), e.constant(factor));
    let result = e.binary(BinaryOp::Mul, x0, k);
    cx.map(e.finish(result), &[x])
}
