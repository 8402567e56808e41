//! Losses: the logarithm of the probability of one class of each sample.
//!
//! The class is chosen by comparing its number with all of them, so that no index can be out of range.

use super::pieces::table;
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{binary, constant, num, select, x};
use crate::ir::{BinaryOp, DType, Op, ReduceKind, Scalar, Tensor, UnaryOp, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] =
    &[op("NegativeLogLikelihoodLoss", negative_log_likelihood), op("SoftmaxCrossEntropyLoss", softmax_cross_entropy)];

fn negative_log_likelihood(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let loss = loss(cx, input)?;
    cx.set(0, loss);
    Ok(())
}

/// The second result is the logarithm of the softmax over classes.
fn softmax_cross_entropy(cx: &mut NodeCx<'_>) -> Imported {
    let scores = cx.input(0)?;
    let log = cx.emit(Op::Softmax { axis: 1, log: true }, &[scores])?;
    let loss = loss(cx, log)?;
    cx.set(0, loss);
    cx.set(1, log);
    Ok(())
}

/// The loss of log-probabilities `[n, c, d..]` for classes `[n, d..]`, with weights `[c]`, reduced as the node says.
fn loss(cx: &mut NodeCx<'_>, log: ValueId) -> Imported<ValueId> {
    let (target, shape, dtype) = (cx.input(1)?, cx.shape(log), cx.dtype(log));
    let &[samples, classes, ref rest @ ..] = shape.as_slice() else {
        return Err(Fault::shape(format!("{} is not [samples, classes, ..]", cx.ty(log))));
    };
    let aligned: Vec<usize> = [samples, 1].iter().chain(rest).copied().collect();
    let per_class: Vec<usize> = [classes].into_iter().chain(std::iter::repeat_n(1, rest.len())).collect();
    let target = cx.cast(target, DType::I64)?;
    let target = cx.reshape(target, aligned)?;
    let numbers: Vec<i64> = (0..table(Some(classes), "the classes")? as i64).collect();
    let numbers = cx.add_constant(Tensor::from_elements(per_class.clone(), &numbers));
    let weight = match cx.opt(2) {
        Some(w) if cx.dtype(w) == dtype => cx.reshape(w, per_class)?,
        Some(w) => return Err(Fault::shape(format!("the weights are {}, should be of {dtype}", cx.ty(w)))),
        None => cx.number(1.0, log),
    };
    let mut chosen = x(1).eq(x(2));
    if let Some(ignored) = cx.int_opt("ignore_index")? {
        let kept = x(1).eq(constant(Scalar::I64(ignored))).then(UnaryOp::Not);
        chosen = binary(BinaryOp::And, chosen, kept);
    }
    let operands = [log, target, numbers, weight];
    let losses = select(chosen.clone(), x(0).then(UnaryOp::Neg) * x(3), num(0));
    let losses = cx.map(losses.expr(dtype), &operands)?;
    let losses = cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes: vec![1] }, &[losses])?;
    let total = |cx: &mut NodeCx<'_>, v: ValueId| {
        let axes = (0..cx.rank(v)).collect();
        cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes }, &[v])
    };
    match cx.string("reduction", "mean")?.as_str() {
        "none" => Ok(losses),
        "sum" => total(cx, losses),
        "mean" => {
            // A sample that is ignored weighs nothing. Operand 0 gives the shape where there is one class.
            let weights = select(chosen, x(3), num(0));
            let weights = cx.map(weights.expr(dtype), &operands)?;
            let (sum, weights) = (total(cx, losses)?, total(cx, weights)?);
            cx.binary(BinaryOp::Div, sum, weights)
        }
        other => {
            let message = format!("is `{}`; it must be none, sum or mean", other.escape_debug());
            Err(Fault::attribute("reduction", message))
        }
    }
}
