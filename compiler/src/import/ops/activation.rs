//! Activations: one formula of one operand each.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, contributed, op};
use crate::ir::formula::{Term, num, select, x};
use crate::ir::{DType, UnaryOp as U};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("Celu", |cx| formula(cx, celu)),
    op("Elu", |cx| formula(cx, elu)),
    op("Gelu", |cx| formula(cx, gelu)),
    op("HardSigmoid", |cx| formula(cx, hard_sigmoid)),
    op("HardSwish", |cx| formula(cx, |_| Ok(x(0) * unit(x(0) * num(1.0 / 6.0) + num(0.5))))),
    op("LeakyRelu", |cx| formula(cx, leaky_relu)),
    op("Mish", |cx| formula(cx, |_| Ok(x(0) * x(0).then(U::Softplus).then(U::Tanh)))),
    contributed("QuickGelu", |cx| formula(cx, quick_gelu), ""),
    op("Relu", relu),
    op("Selu", |cx| formula(cx, selu)),
    op("Shrink", shrink),
    op("Softsign", |cx| formula(cx, |_| Ok(x(0) / (num(1.0) + x(0).then(U::Abs))))),
    op("Swish", |cx| formula(cx, |cx| Ok(x(0) * (num(cx.float("alpha", 1.0)?) * x(0)).then(U::Sigmoid)))),
    op("ThresholdedRelu", |cx| formula(cx, thresholded_relu)),
];

/// A function of a float; of f16 and bf16 it is computed in f32 and rounded once.
fn formula(cx: &mut NodeCx<'_>, f: impl FnOnce(&NodeCx<'_>) -> Imported<Term>) -> Imported {
    let input = cx.input(0)?;
    let dtype = cx.dtype(input);
    if !dtype.is_float() {
        return Err(Fault::ty(format!("the operand must be of a float type, not {dtype}")));
    }
    let computed = if dtype == DType::F64 { dtype } else { DType::F32 };
    let e = f(cx)?.expr_within(dtype, computed);
    cx.map(e, &[input])
}

fn relu(cx: &mut NodeCx<'_>) -> Imported {
    let input = cx.input(0)?;
    cx.map(x(0).max(num(0.0)).expr(cx.dtype(input)), &[input])
}

/// Clamped to 0 .. 1.
fn unit(v: Term) -> Term {
    v.max(num(0.0)).min(num(1.0))
}

fn is_negative() -> Term {
    x(0).lt(num(0.0))
}

/// The sigmoid's approximation of Gelu, as CLIP has it.
fn quick_gelu(cx: &NodeCx<'_>) -> Imported<Term> {
    let alpha = num(cx.float("alpha", 1.702)?);
    Ok(x(0) * (alpha * x(0)).then(U::Sigmoid))
}

fn celu(cx: &NodeCx<'_>) -> Imported<Term> {
    let alpha = num(cx.float("alpha", 1.0)?);
    let below = alpha.clone() * ((x(0) / alpha).then(U::Exp) - num(1.0));
    Ok(x(0).max(num(0.0)) + below.min(num(0.0)))
}

fn elu(cx: &NodeCx<'_>) -> Imported<Term> {
    let alpha = num(cx.float("alpha", 1.0)?);
    Ok(select(is_negative(), alpha * (x(0).then(U::Exp) - num(1.0)), x(0)))
}

fn gelu(cx: &NodeCx<'_>) -> Imported<Term> {
    let cdf = if cx.word("approximate", &[("none", false), ("tanh", true)])? {
        let cube = x(0) * x(0) * x(0);
        (num(FRAC_2_PI.sqrt()) * (x(0) + num(0.044715) * cube)).then(U::Tanh)
    } else {
        (x(0) * num(FRAC_1_SQRT_2)).then(U::Erf)
    };
    Ok(num(0.5) * x(0) * (num(1.0) + cdf))
}

fn hard_sigmoid(cx: &NodeCx<'_>) -> Imported<Term> {
    Ok(unit(num(cx.float("alpha", 0.2)?) * x(0) + num(cx.float("beta", 0.5)?)))
}

fn leaky_relu(cx: &NodeCx<'_>) -> Imported<Term> {
    Ok(select(is_negative(), num(cx.float("alpha", 0.01)?) * x(0), x(0)))
}

/// The defaults of opset 1 were shorter.
fn selu(cx: &NodeCx<'_>) -> Imported<Term> {
    let defaults = if cx.opset < 6 { (1.6732, 1.0507) } else { (1.673_263_2, 1.050_701) };
    let alpha = num(cx.float("alpha", defaults.0)?);
    let gamma = num(cx.float("gamma", defaults.1)?);
    let below = alpha.clone() * x(0).then(U::Exp) - alpha;
    Ok(gamma * select(num(0.0).lt(x(0)), x(0), below))
}

fn thresholded_relu(cx: &NodeCx<'_>) -> Imported<Term> {
    Ok(select(num(cx.float("alpha", 1.0)?).lt(x(0)), x(0), num(0.0)))
}

/// Integers are computed as floats and truncated.
fn shrink(cx: &mut NodeCx<'_>) -> Imported {
    let (lambd, bias) = (cx.float("lambd", 0.5)?, cx.float("bias", 0.0)?);
    let input = cx.input(0)?;
    let dtype = cx.dtype(input);
    let computed = match dtype {
        DType::F64 => dtype,
        DType::F16 | DType::BF16 | DType::F32 | DType::I8 | DType::U8 | DType::I16 | DType::U16 => DType::F32,
        DType::I32 | DType::U32 | DType::I64 | DType::U64 => DType::F64,
        DType::Bool | DType::Mini(_) => {
            return Err(Fault::ty(format!("the operand must be of a number type, not {dtype}")));
        }
    };
    let upper = select(num(lambd).lt(x(0)), x(0) - num(bias), num(0.0));
    let y = select(x(0).lt(num(-lambd)), x(0) + num(bias), upper);
    cx.map(y.expr_within(dtype, computed), &[input])
}
