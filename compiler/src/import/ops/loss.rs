//! Losses: the logarithm of the probability of one class of each sample.
//!
//! A class out of range is an error at run time, as an index is; one that is to be ignored may have any number.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{Term, constant, num, select, x};
use crate::ir::{BinaryOp, DType, Op, ReduceKind, Scalar, UnaryOp, ValueId};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] =
    &[op("NegativeLogLikelihoodLoss", negative_log_likelihood), op("SoftmaxCrossEntropyLoss", softmax_cross_entropy)];

fn negative_log_likelihood(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    loss(cx, input)
}

/// The second result is the logarithm of the softmax over classes.
fn softmax_cross_entropy(cx: &mut NodeCx<'_>) -> Imported {
    let scores = cx.input(0)?;
    let log = cx.emit(Op::Softmax { axis: 1, log: true }, &[scores])?;
    let loss = loss(cx, log)?;
    cx.set(1, log);
    Ok(loss)
}

/// The loss of log-probabilities `[n, c, d..]` for classes `[n, d..]`, with weights `[c]`, reduced as the node says.
fn loss(cx: &mut NodeCx<'_>, log: ValueId) -> Imported {
    let (target, shape, dtype) = (cx.input(1)?, cx.shape(log), cx.dtype(log));
    let &[samples, classes, ref rest @ ..] = shape.as_slice() else {
        return Err(Fault::shape(format!("{} is not [samples, classes, ..]", cx.ty(log))));
    };
    let one_each: Vec<usize> = [samples].iter().chain(rest).copied().collect();
    if cx.shape(target) != one_each {
        return Err(Fault::shape(format!("the classes are {}, should be {one_each:?}", cx.ty(target))));
    }
    let aligned: Vec<usize> = [samples, 1].iter().chain(rest).copied().collect();
    let target = cx.cast(target, DType::I64)?;
    let target = cx.reshape(target, aligned)?;
    let ignored = cx.int_opt("ignore_index")?.map(|i| constant(Scalar::I64(i)));
    let class = class(cx, target, classes, ignored.clone())?;
    let chosen = cx.emit(Op::GatherElements { axis: 1 }, &[log, class])?;
    let weight = weight(cx, class, classes, dtype)?;
    let operands: Vec<ValueId> = [chosen].into_iter().chain(weight).collect();
    let loss = x(0).then(UnaryOp::Neg);
    let loss = if weight.is_some() { loss * x(1) } else { loss };
    let losses = kept(cx, (target, &ignored), (loss, dtype), &operands)?;
    let losses = cx.reshape(losses, one_each.clone())?;
    match cx.string("reduction", "mean")?.as_str() {
        "none" => Ok(losses),
        "sum" => total(cx, losses),
        "mean" => {
            let weights = match weight {
                Some(w) => {
                    let weights = kept(cx, (target, &ignored), (x(0), dtype), &[w])?;
                    total(cx, weights)?
                }
                None if ignored.is_some() => {
                    let weights = kept(cx, (target, &ignored), (num(1), dtype), &[])?;
                    total(cx, weights)?
                }
                None => cx.number(one_each.iter().product::<usize>() as f64, log),
            };
            let sum = total(cx, losses)?;
            cx.binary(BinaryOp::Div, sum, weights)
        }
        other => {
            let message = format!("is `{}`; it must be none, sum or mean", other.escape_debug());
            Err(Fault::attribute("reduction", message))
        }
    }
}

/// The index of each class: one that does not exist stays out of range, a negative one too; that of an ignored one is 0.
fn class(cx: &mut NodeCx<'_>, target: ValueId, classes: usize, ignored: Option<Term>) -> Imported {
    let beyond = constant(Scalar::I64(i64::try_from(classes).unwrap_or(i64::MAX)));
    let class = select(x(0).lt(num(0)), beyond, x(0));
    let class = match ignored {
        Some(i) => select(x(0).eq(i), num(0), class),
        None => class,
    };
    cx.map(class.expr(DType::I64), &[target])
}

/// A function of operands, of the given type; 0 where the class is to be ignored.
fn kept(
    cx: &mut NodeCx<'_>,
    (target, ignored): (ValueId, &Option<Term>),
    (y, dtype): (Term, DType),
    operands: &[ValueId],
) -> Imported {
    let mut operands = operands.to_vec();
    let y = match ignored {
        None => y,
        Some(i) => {
            operands.push(target);
            select(x(operands.len() - 1).eq(i.clone()), num(0), y)
        }
    };
    cx.map(y.expr(dtype), &operands)
}

/// The weight of each class, where there are weights.
fn weight(cx: &mut NodeCx<'_>, class: ValueId, classes: usize, dtype: DType) -> Imported<Option<ValueId>> {
    let Some(w) = cx.opt(2) else { return Ok(None) };
    if cx.dtype(w) != dtype || cx.shape(w) != [classes] {
        return Err(Fault::shape(format!("the weights are {}, should be {dtype}[{classes}]", cx.ty(w))));
    }
    cx.emit(Op::Gather { axis: 0 }, &[w, class]).map(Some)
}

/// The sum of all elements.
fn total(cx: &mut NodeCx<'_>, v: ValueId) -> Imported {
    let axes = (0..cx.rank(v)).collect();
    cx.emit(Op::Reduce { kind: ReduceKind::Sum, axes }, &[v])
}
