//! What becomes of scores: classes, their labels, and the transformations of ONNX's `post_transform`.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::ir::formula::{Term, binary, constant, num, select, x};
use crate::ir::{BinaryOp, DType, Labels, Op, ReduceKind, Scalar, Tensor, UnaryOp, ValueId};

use super::super::pieces::concat;
use super::super::reduce::kept;

/// ONNX's `post_transform`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Post {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

impl Post {
    /// The attribute as a word.
    pub(super) fn of(cx: &NodeCx<'_>) -> Imported<Post> {
        let words = [
            ("NONE", Post::None),
            ("SOFTMAX", Post::Softmax),
            ("LOGISTIC", Post::Logistic),
            ("SOFTMAX_ZERO", Post::SoftmaxZero),
            ("PROBIT", Post::Probit),
        ];
        cx.word("post_transform", &words)
    }

    /// The transformed scores, of f32 or f64, of rows.
    pub(super) fn apply(self, cx: &mut NodeCx<'_>, scores: ValueId) -> Imported {
        let dtype = cx.dtype(scores);
        match self {
            Post::None => Ok(scores),
            Post::Softmax => cx.emit(Op::Softmax { axis: 1, log: false }, &[scores]),
            Post::Logistic => cx.unary(UnaryOp::Sigmoid, scores),
            Post::Probit => cx.map(probit(x(0)).expr(dtype), &[scores]),
            Post::SoftmaxZero => {
                let most = kept(cx, scores, ReduceKind::Max, &[1])?;
                let small = x(0).then(UnaryOp::Abs).lt(num(1e-7)).then(UnaryOp::Not);
                let e = (x(0) - x(1)).then(UnaryOp::Exp);
                let near = x(0) * (num(0.0) - x(1)).then(UnaryOp::Exp);
                let all = cx.map(select(small.clone(), e.clone(), near).expr(dtype), &[scores, most])?;
                let counted = cx.map(select(small, e, num(0.0)).expr(dtype), &[scores, most])?;
                let sum = kept(cx, counted, ReduceKind::Sum, &[1])?;
                cx.binary(BinaryOp::Div, all, sum)
            }
        }
    }
}

/// `sqrt(2) * erfinv(2 p - 1)`, with Winitzki's approximation of the inverse error function (a = 0.147).
fn probit(p: Term) -> Term {
    let z = num(2.0) * p - num(1.0);
    let log = ((num(1.0) - z.clone()) * (num(1.0) + z.clone())).then(UnaryOp::Log);
    let v = num(2.0 / (std::f64::consts::PI * 0.147)) + num(0.5) * log.clone();
    let v2 = num(1.0 / 0.147) * log;
    let root = ((v.clone() * v.clone() - v2).then(UnaryOp::Sqrt) - v).then(UnaryOp::Sqrt);
    num(std::f64::consts::SQRT_2) * select(z.lt(num(0.0)), num(0.0) - root.clone(), root)
}

/// The labels of classes.
#[derive(Clone, Debug)]
pub(super) enum Classes {
    Numbers(Vec<i64>),
    Names(Vec<String>),
}

impl Classes {
    /// Of an attribute of strings, or else one of integers.
    pub(super) fn of(cx: &NodeCx<'_>, strings: &str, ints: &str) -> Imported<Option<Classes>> {
        if let Some(names) = cx.strings_opt(strings)?.filter(|n| !n.is_empty()) {
            return Ok(Some(Classes::Names(names)));
        }
        Ok(cx.ints_opt(ints)?.filter(|n| !n.is_empty()).map(Classes::Numbers))
    }

    /// The same, where they must be there.
    pub(super) fn needed(cx: &NodeCx<'_>, strings: &str, ints: &str) -> Imported<Classes> {
        Classes::of(cx, strings, ints)?
            .ok_or_else(|| Fault::missing(ints).help("classes have strings or integers as labels"))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Classes::Numbers(n) => n.len(),
            Classes::Names(n) => n.len(),
        }
    }

    /// The label of each class, of which `index` holds positions.
    pub(super) fn label(&self, cx: &mut NodeCx<'_>, index: ValueId) -> Imported {
        match self {
            Classes::Names(names) => {
                cx.mark_labels(index, Labels::Names(names.clone()));
                Ok(index)
            }
            Classes::Numbers(numbers) => {
                let numbers: Vec<Scalar> = numbers.iter().map(|&n| Scalar::from_i64(n, DType::I64)).collect();
                look_up(cx, index, &numbers)
            }
        }
    }
}

/// The number of each position, which is inside the list.
pub(super) fn look_up(cx: &mut NodeCx<'_>, index: ValueId, numbers: &[Scalar]) -> Imported {
    let dtype = numbers.first().map_or(DType::I64, |n| n.dtype());
    let is_itself = numbers.iter().enumerate().all(|(i, n)| *n == Scalar::from_i64(i as i64, DType::I64));
    if is_itself {
        return Ok(index);
    }
    // Comparisons cannot fail; a Gather would make `run` say that it can.
    if numbers.len() <= 64 {
        let (last, rest) = numbers.split_last().ok_or_else(|| Fault::shape("there are no classes"))?;
        let at = |i: usize| constant(Scalar::from_i64(i as i64, DType::I64));
        let chosen = rest
            .iter()
            .enumerate()
            .rev()
            .fold(constant(*last), |other, (i, &n)| select(x(0).eq(at(i)), constant(n), other));
        return cx.map(chosen.expr(dtype), &[index]);
    }
    let table = Tensor::from_scalars(crate::ir::Type::new(dtype, [numbers.len()]), numbers.iter().copied());
    let table = cx.add_constant(table);
    cx.emit(Op::Gather { axis: 0 }, &[table, index])
}

/// The position of the largest score of each row, of equal ones the first.
pub(super) fn largest(cx: &mut NodeCx<'_>, scores: ValueId) -> Imported {
    cx.emit(Op::Arg { max: true, axis: 1, last: false }, &[scores])
}

/// Whether each element of `[rows, 1]` is more than a number: 1 or 0, `[rows]`.
pub(super) fn above(cx: &mut NodeCx<'_>, score: ValueId, least: f64) -> Imported {
    let (dtype, rows) = (cx.dtype(score), cx.shape(score)[0]);
    let is_above = num(least).lt(x(0)).cast(DType::I64);
    let index = cx.map(is_above.expr(dtype), &[score])?;
    cx.reshape(index, [rows])
}

/// Two columns of one score `[rows, 1]`: the second class's own and what is left for the first.
///
/// ONNX Runtime gives `[sigmoid(-s), sigmoid(s)]` for LOGISTIC, else `[1 - s, s]`, and `[-s, s]` where scores have both signs.
pub(super) fn pair(cx: &mut NodeCx<'_>, score: ValueId, post: Post, is_probability: bool) -> Imported {
    let dtype = cx.dtype(score);
    let [first, second] = match post {
        Post::Probit => {
            return Err(
                Fault::form("PROBIT of a single score of two classes").help("export the model with both scores")
            );
        }
        Post::Logistic => {
            let other = cx.map((num(0.0) - x(0)).then(UnaryOp::Sigmoid).expr(dtype), &[score])?;
            [other, cx.unary(UnaryOp::Sigmoid, score)?]
        }
        Post::None | Post::Softmax | Post::SoftmaxZero => {
            let whole = if is_probability { 1.0 } else { 0.0 };
            [cx.map((num(whole) - x(0)).expr(dtype), &[score])?, score]
        }
    };
    concat(cx, 1, &[first, second])
}

/// `a + b`, the same in each row, of the scores' type.
pub(super) fn plus_row(cx: &mut NodeCx<'_>, scores: ValueId, row: &[f64]) -> Imported {
    let dtype = cx.dtype(scores);
    let row = Tensor::from_scalars(
        crate::ir::Type::new(dtype, [1, row.len()]),
        row.iter().map(|&v| Scalar::from_f64(v, dtype)),
    );
    let row = cx.add_constant(row);
    cx.map(binary(BinaryOp::Add, x(0), x(1)).expr(dtype), &[scores, row])
}
