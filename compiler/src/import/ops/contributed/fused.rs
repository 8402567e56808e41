//! Products and convolutions with what follows them, and the forms of Gelu.

use std::f64::consts::FRAC_1_SQRT_2;

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::ops::conv::{channels_first, convolve};
use crate::import::ops::matmul::{broadcast_product, gemm as plain_gemm, scaled};
use crate::ir::formula::{Term, num, select, x};
use crate::ir::{BinaryOp, DType, UnaryOp as U, ValueId};

/// A formula of floats; of f16 and bf16 it is computed in f32 and rounded once.
fn formula(cx: &mut NodeCx<'_>, y: &Term, operands: &[ValueId]) -> Imported {
    let dtype = cx.dtype(operands[0]);
    if !dtype.is_float() {
        return Err(Fault::ty(format!("the operand must be of a float type, not {dtype}")));
    }
    let computed = if dtype == DType::F64 { dtype } else { DType::F32 };
    cx.map(y.expr_within(dtype, computed), operands)
}

/// `x / 2 * (1 + erf(x / sqrt(2)))`
fn gelu_of(x: &Term) -> Term {
    num(0.5) * x.clone() * (num(1.0) + (x.clone() * num(FRAC_1_SQRT_2)).then(U::Erf))
}

pub(super) fn gelu(cx: &mut NodeCx<'_>) -> Imported {
    let operand = cx.input(0)?;
    formula(cx, &gelu_of(&x(0)), &[operand])
}

/// Gelu of the sum of an operand and a row.
pub(super) fn bias_gelu(cx: &mut NodeCx<'_>) -> Imported {
    let operands = [cx.input(0)?, cx.input(1)?];
    formula(cx, &gelu_of(&(x(0) + x(1))), &operands)
}

/// The approximation of Gelu by a hyperbolic tangent, of an operand or its sum with a row.
pub(super) fn fast_gelu(cx: &mut NodeCx<'_>) -> Imported {
    let operands: Vec<ValueId> = [Some(cx.input(0)?), cx.opt(1)].into_iter().flatten().collect();
    let v = if operands.len() == 2 { x(0) + x(1) } else { x(0) };
    // sqrt(2 / pi), and 0.044715 times that.
    let (b, c) = (num(0.797_884_560_802_865_4), num(0.035_677_408_136_300_125));
    let inner = v.clone() * (c * v.clone() * v.clone() + b);
    formula(cx, &(v * (num(0.5) + num(0.5) * inner.then(U::Tanh))), &operands)
}

/// A fused activation by its name, with its parameters in order.
fn activated(cx: &mut NodeCx<'_>, y: ValueId, parameters: &dyn Fn(usize) -> Imported<f32>) -> Imported {
    let name = cx.string("activation", "")?;
    let p = |i: usize| parameters(i).map(num);
    let unit = |v: Term| v.max(num(0.0)).min(num(1.0));
    let term = match name.as_str() {
        "" => return Ok(y),
        "Relu" => x(0).max(num(0.0)),
        "Tanh" => x(0).then(U::Tanh),
        "Sigmoid" => x(0).then(U::Sigmoid),
        "LeakyRelu" => select(x(0).lt(num(0.0)), p(0)? * x(0), x(0)),
        "Clip" => x(0).max(p(0)?).min(p(1)?),
        "HardSigmoid" => unit(p(0)? * x(0) + p(1)?),
        "HardSwish" => x(0) * unit(x(0) * num(1.0 / 6.0) + num(0.5)),
        "Softplus" => x(0).then(U::Softplus),
        "Gelu" => gelu_of(&x(0)),
        other => {
            return Err(Fault::attribute(
                "activation",
                format!("names `{}`, which is not known", other.escape_debug()),
            ));
        }
    };
    formula(cx, &term, &[y])
}

/// A convolution, plus a map, then an activation.
pub(super) fn conv(cx: &mut NodeCx<'_>) -> Imported {
    let (x, w) = (cx.input(0)?, cx.input(1)?);
    let spatial = cx.rank(x).saturating_sub(2);
    let y = convolve(cx, x, w, cx.opt(2))?;
    let mut y = channels_first(cx, y, spatial)?;
    if let Some(z) = cx.opt(3) {
        if cx.shape(z) != cx.shape(y) {
            return Err(Fault::shape(format!("{} is added to {}", cx.ty(z), cx.ty(y))));
        }
        y = cx.binary(BinaryOp::Add, y, z)?;
    }
    let given = cx.floats_opt("activation_params")?.unwrap_or_default();
    activated(cx, y, &|i| given.get(i).copied().ok_or_else(|| Fault::missing("activation_params")))
}

pub(super) fn gemm(cx: &mut NodeCx<'_>) -> Imported {
    let y = plain_gemm(cx)?;
    let given =
        [cx.float_opt("activation_alpha")?, cx.float_opt("activation_beta")?, cx.float_opt("activation_gamma")?];
    activated(cx, y, &|i| given[i].ok_or_else(|| Fault::missing("activation_alpha")))
}

/// `alpha * a * b`, each transposed in its last two dimensions, or with its first dimension among the rows.
pub(super) fn matmul(cx: &mut NodeCx<'_>) -> Imported {
    let mut operands = [cx.input(0)?, cx.input(1)?];
    for (v, [trans, batch]) in operands.iter_mut().zip([["transA", "transBatchA"], ["transB", "transBatchB"]]) {
        let rank = cx.rank(*v);
        if rank < 2 {
            continue;
        }
        if cx.flag(batch, false)? {
            let mut perm: Vec<usize> = (1..rank).collect();
            perm.insert(rank - 2, 0);
            *v = cx.transpose(*v, perm)?;
        }
        if cx.flag(trans, false)? {
            let mut perm: Vec<usize> = (0..rank).collect();
            perm.swap(rank - 2, rank - 1);
            *v = cx.transpose(*v, perm)?;
        }
    }
    let y = broadcast_product(cx, operands[0], operands[1])?;
    let alpha = cx.float("alpha", 1.0)?;
    scaled(cx, y, alpha)
}
