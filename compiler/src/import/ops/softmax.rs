//! Softmax, LogSoftmax and Hardmax.
//!
//! Before opset 13 they saw their operand as a matrix: the dimensions from `axis` on were one.

use crate::import::node::{Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{constant, num, select, x};
use crate::ir::{Op, Scalar, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("Hardmax", |cx| along(cx, hardmax)),
    op("LogSoftmax", |cx| along(cx, |cx, v, axis| cx.emit(Op::Softmax { axis, log: true }, &[v]))),
    op("Softmax", |cx| along(cx, |cx, v, axis| cx.emit(Op::Softmax { axis, log: false }, &[v]))),
];

/// Applies `f` along the dimension that the opset means.
fn along(cx: &mut NodeCx<'_>, f: fn(&mut NodeCx<'_>, ValueId, usize) -> Imported) -> Imported {
    let (input, opset) = (cx.input(0)?, cx.opset);
    along_of_opset(cx, input, opset, f)
}

/// Applies `f` to a value along the dimension that an opset means by the attribute `axis`.
pub(super) fn along_of_opset(
    cx: &mut NodeCx<'_>,
    input: ValueId,
    opset: i64,
    f: fn(&mut NodeCx<'_>, ValueId, usize) -> Imported,
) -> Imported {
    let shape = cx.shape(input);
    if opset >= 13 {
        let axis = cx.axis(cx.int("axis", -1)?, shape.len())?;
        f(cx, input, axis)
    } else {
        // The default suits a vector too: it is a matrix of one column.
        let raw = cx.int("axis", 1)?;
        let axis = if raw == shape.len() as i64 { shape.len() } else { cx.axis(raw, shape.len())? };
        let matrix = [&shape[..axis], &shape[axis..]].map(|dims| dims.iter().product::<usize>());
        let flat = cx.reshape(input, matrix)?;
        let y = f(cx, flat, 1)?;
        cx.reshape(y, shape)
    }
}

/// One at the first of the largest elements, else zero.
fn hardmax(cx: &mut NodeCx<'_>, v: ValueId, axis: usize) -> Imported {
    let ty = cx.ty(v);
    if ty.elements() == 0 {
        return Ok(v);
    }
    let largest = cx.emit(Op::Arg { max: true, axis, last: false }, &[v])?;
    let mut one_each = ty.shape.clone();
    one_each[axis] = 1;
    let largest = cx.reshape(largest, one_each)?;
    let mut line = vec![1; ty.rank()];
    line[axis] = ty.shape[axis];
    let positions = cx.positions(ty.shape[axis], line)?;
    let y = select(x(0).eq(x(1)), num(1.0), constant(Scalar::zero(ty.dtype)));
    cx.map(y.expr(ty.dtype), &[largest, positions])
}
