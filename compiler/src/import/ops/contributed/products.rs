//! Products of bytes whose sums become numbers again.

use crate::import::node::{Imported, NodeCx};
use crate::import::ops::integer::{Along, centred};
use crate::import::ops::matmul::broadcast_product;
use crate::import::ops::quantize::dynamically_quantized;
use crate::ir::formula::x;
use crate::ir::{BinaryOp, DType, ValueId};

/// `f32(a * b) * (a_scale * b_scale) + bias`
fn to_float(
    cx: &mut NodeCx<'_>,
    [a, b]: [ValueId; 2],
    [a_scale, b_scale]: [ValueId; 2],
    bias: Option<ValueId>,
) -> Imported {
    let sums = broadcast_product(cx, a, b)?;
    let sums = cx.map(x(0).cast(DType::F32).expr(DType::F32), &[sums])?;
    let factor = cx.binary(BinaryOp::Mul, a_scale, b_scale)?;
    let y = cx.binary(BinaryOp::Mul, sums, factor)?;
    match bias {
        Some(bias) => cx.binary(BinaryOp::Add, y, bias),
        None => Ok(y),
    }
}

pub(super) fn matmul_integer_to_float(cx: &mut NodeCx<'_>) -> Imported {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    let a = centred(cx, a, cx.opt(4), Along::Rows)?;
    let b = centred(cx, b, cx.opt(5), Along::Columns)?;
    let scales = [cx.input(2)?, cx.input(3)?];
    to_float(cx, [a, b], scales, cx.opt(6))
}

/// `DynamicQuantizeLinear` of a, then the product.
pub(super) fn dynamic_quantize_matmul(cx: &mut NodeCx<'_>) -> Imported {
    let (a, b, b_scale) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    let [a, a_scale, a_zero] = dynamically_quantized(cx, a)?;
    let a = centred(cx, a, Some(a_zero), Along::Rows)?;
    let b = centred(cx, b, cx.opt(3), Along::Columns)?;
    to_float(cx, [a, b], [a_scale, b_scale], cx.opt(4))
}
