//! Operators of one operand that are functions of the core.

use crate::import::node::{Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{binary, x};
use crate::ir::{BinaryOp, UnaryOp as U};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("Abs", |cx| unary(cx, U::Abs)),
    op("Acos", |cx| unary(cx, U::Acos)),
    op("Acosh", |cx| unary(cx, U::Acosh)),
    op("Asin", |cx| unary(cx, U::Asin)),
    op("Asinh", |cx| unary(cx, U::Asinh)),
    op("Atan", |cx| unary(cx, U::Atan)),
    op("Atanh", |cx| unary(cx, U::Atanh)),
    op("BitwiseNot", |cx| unary(cx, U::BitNot)),
    op("Ceil", |cx| unary(cx, U::Ceil)),
    op("Cos", |cx| unary(cx, U::Cos)),
    op("Cosh", |cx| unary(cx, U::Cosh)),
    op("Erf", |cx| unary(cx, U::Erf)),
    op("Exp", |cx| unary(cx, U::Exp)),
    op("Floor", |cx| unary(cx, U::Floor)),
    op("Identity", identity),
    op("IsInf", is_inf),
    op("IsNaN", |cx| unary(cx, U::IsNan)),
    op("Log", |cx| unary(cx, U::Log)),
    op("Neg", |cx| unary(cx, U::Neg)),
    op("Not", |cx| unary(cx, U::Not)),
    op("Reciprocal", |cx| unary(cx, U::Reciprocal)),
    op("Round", |cx| unary(cx, U::Round)),
    op("Sigmoid", |cx| unary(cx, U::Sigmoid)),
    op("Sign", |cx| unary(cx, U::Sign)),
    op("Sin", |cx| unary(cx, U::Sin)),
    op("Sinh", |cx| unary(cx, U::Sinh)),
    op("Softplus", |cx| unary(cx, U::Softplus)),
    op("Sqrt", |cx| unary(cx, U::Sqrt)),
    op("Tan", |cx| unary(cx, U::Tan)),
    op("Tanh", |cx| unary(cx, U::Tanh)),
];

fn unary(cx: &mut NodeCx<'_>, op: U) -> Imported {
    let input = cx.input(0)?;
    cx.unary(op, input)
}

fn identity(cx: &mut NodeCx<'_>) -> Imported {
    cx.input(0)
}

/// Either infinity may be left out by an attribute.
fn is_inf(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    let dtype = cx.dtype(input);
    let [positive, negative] = [U::IsPosInf, U::IsNegInf].map(|op| x(0).then(op));
    let test = match (cx.flag("detect_positive", true)?, cx.flag("detect_negative", true)?) {
        (true, true) => binary(BinaryOp::Or, positive, negative),
        (true, false) => positive,
        (false, true) => negative,
        // Never both: no infinity is looked for.
        (false, false) => binary(BinaryOp::And, positive, negative),
    };
    cx.map(test.expr(dtype), &[input])
}
