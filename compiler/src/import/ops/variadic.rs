//! Operators of any number of operands, and the choices among operands: Max, Min, Sum, Mean, Where, Clip.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{Term, binary, num, select, x};
use crate::ir::{BinaryOp as B, ValueId};

/// Operands that one Map may have at run time; more are folded in turns.
const MAX_OPERANDS: usize = 6;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("Clip", clip),
    op("Max", |cx| fold(cx, B::Max, |y, _| y)),
    op("Mean", |cx| fold(cx, B::Add, |y, n| y / num(n))),
    op("Min", |cx| fold(cx, B::Min, |y, _| y)),
    op("Sum", |cx| fold(cx, B::Add, |y, _| y)),
    op("Where", choose),
];

/// `finish((a op b) op c .., number of operands)`.
fn fold(cx: &mut NodeCx<'_>, op: B, finish: fn(Term, f64) -> Term) -> Imported {
    let operands = cx.variadic()?;
    let dtype = cx.dtype(operands[0]);
    let mut acc = operands[0];
    let mut rest = &operands[1..];
    loop {
        let (now, later) = rest.split_at(rest.len().min(MAX_OPERANDS - 1));
        let folded = (1..=now.len()).fold(x(0), |y, i| binary(op, y, x(i)));
        let y = if later.is_empty() { finish(folded, operands.len() as f64) } else { folded };
        let inputs: Vec<ValueId> = std::iter::once(acc).chain(now.iter().copied()).collect();
        acc = cx.map(y.expr(dtype), &inputs)?;
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    Ok(acc)
}

fn choose(cx: &mut NodeCx<'_>) -> Imported {
    let inputs = [cx.input(0)?, cx.input(1)?, cx.input(2)?];
    cx.map(select(x(0), x(1), x(2)).expr(cx.dtype(inputs[1])), &inputs)
}

/// Bounds are attributes before opset 11, then operands of one value. One that is left out does not bound, so that
/// infinities stay; where they cross, the upper one wins.
fn clip(cx: &mut NodeCx<'_>) -> Imported {
    let mut inputs = vec![cx.input(0)?];
    let dtype = cx.dtype(inputs[0]);
    let mut y = x(0);
    for (i, (name, op)) in [("min", B::Max), ("max", B::Min)].into_iter().enumerate() {
        if cx.opset < 11 {
            let bound = cx.float_opt(name)?;
            // The defaults are the least and the greatest number.
            if let Some(bound) = bound.filter(|&b| if op == B::Max { b > f32::MIN } else { b < f32::MAX }) {
                y = binary(op, y, num(bound));
            }
        } else if let Some(bound) = cx.opt(i + 1) {
            if cx.ty(bound).elements() != 1 {
                return Err(Fault::shape(format!("`{name}` must be one value, not {}", cx.ty(bound))));
            }
            let bound = cx.reshape(bound, [])?;
            y = binary(op, y, x(inputs.len()));
            inputs.push(bound);
        }
    }
    cx.map(y.expr(dtype), &inputs)
}
