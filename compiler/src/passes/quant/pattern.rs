//! The expressions that conversions between bytes and numbers are.

use crate::ir::{Affine, BinaryOp as B, DType, Expr, ExprIx, ExprOp, Node, Op, Scalar, Target, UnaryOp, ValueId};
use crate::passes::rewrite::Rewriter;

/// Whether a type is one of bytes.
pub(super) const fn is_byte(dtype: DType) -> bool {
    matches!(dtype, DType::I8 | DType::U8)
}

/// Whether a type is one of quantized numbers: of 8 or 16 bits.
pub(super) const fn is_level(dtype: DType) -> bool {
    matches!(dtype, DType::I8 | DType::U8 | DType::I16 | DType::U16)
}

/// The value of a constant, conversions of it included.
fn value(expr: &Expr, ix: ExprIx) -> Option<Scalar> {
    match expr.ops()[ix] {
        ExprOp::Const(v) => Some(v),
        ExprOp::Cast(to, a) => Some(crate::ir::eval::cast(value(expr, a)?, to)),
        ExprOp::Input(_) | ExprOp::Unary(..) | ExprOp::Binary(..) | ExprOp::Select(..) | ExprOp::BitCast(..) => None,
    }
}

/// The value of a constant of f32.
pub(super) fn number(expr: &Expr, ix: ExprIx) -> Option<f32> {
    let Scalar::F32(v) = value(expr, ix)? else { return None };
    Some(v)
}

/// A whole number within the range of 16-bit ones.
fn whole(v: Scalar) -> Option<i32> {
    let v = v.to_f64();
    (v.fract() == 0.0 && v.abs() <= 65536.0).then_some(v as i32)
}

/// The operands of a function of two values.
pub(super) fn binary(expr: &Expr, ix: ExprIx, op: B) -> Option<(ExprIx, ExprIx)> {
    let ExprOp::Binary(o, a, b) = expr.ops()[ix] else { return None };
    (o == op).then_some((a, b))
}

/// Whether a scale can be divided by.
pub(super) fn is_scale(s: f32) -> bool {
    s.is_finite() && s > 0.0
}

/// `i32(x) - zero`, or `i32(x)`: the operand and the zero point.
fn centred(expr: &Expr, ix: ExprIx) -> Option<(usize, i32)> {
    let (wide, zero) = match binary(expr, ix, B::Sub) {
        Some((a, z)) => (a, whole(value(expr, z)?)?),
        None => (ix, 0),
    };
    let ExprOp::Cast(DType::I32, a) = expr.ops()[wide] else { return None };
    expr.operand(a).map(|n| (n, zero))
}

/// `f32(i32(x) - zero) * scale`: the operand and what its bytes stand for.
pub(super) fn dequantize(expr: &Expr, ix: ExprIx) -> Option<(usize, Affine)> {
    let (difference, s) = binary(expr, ix, B::Mul)?;
    let scale = number(expr, s).filter(|&s| is_scale(s))?;
    let ExprOp::Cast(DType::F32, d) = expr.ops()[difference] else { return None };
    centred(expr, d).map(|(n, zero)| (n, Affine { zero, scale }))
}

/// `cast(round(v) + zero)`, the sum perhaps between bounds: the number that is rounded, and where it goes.
fn rounded(expr: &Expr, ix: ExprIx) -> Option<(ExprIx, Target)> {
    let ExprOp::Cast(dtype, inner) = expr.ops()[ix] else { return None };
    if !is_level(dtype) {
        return None;
    }
    let mut target = Target::new(dtype, 0);
    let (below, hi) = match binary(expr, inner, B::Min) {
        Some((a, hi)) => (a, whole(Scalar::F32(number(expr, hi)?))?),
        None => (inner, target.hi),
    };
    let (sum, lo) = match binary(expr, below, B::Max) {
        Some((a, lo)) => (a, whole(Scalar::F32(number(expr, lo)?))?),
        None => (below, target.lo),
    };
    let (round, zero) = match binary(expr, sum, B::Add) {
        Some((a, z)) => (a, whole(Scalar::F32(number(expr, z)?))?),
        None => (sum, 0),
    };
    let inside = lo <= hi && [lo, hi, zero].iter().all(|v| (target.lo..=target.hi).contains(v));
    target = Target { dtype, zero, lo, hi };
    let ExprOp::Unary(UnaryOp::Round, v) = expr.ops()[round] else { return None };
    inside.then_some((v, target))
}

/// `cast(round(v / scale) + zero)`: the number `v`, the scale, and where the quotient goes.
pub(super) fn quantize(expr: &Expr) -> Option<(ExprIx, f32, Target)> {
    let (quotient, target) = rounded(expr, expr.result())?;
    let (v, s) = binary(expr, quotient, B::Div)?;
    number(expr, s).filter(|&s| is_scale(s)).map(|s| (v, s, target))
}

/// The smaller or the larger of a value and a constant.
pub(super) fn bound(expr: &Expr, ix: ExprIx, op: B) -> Option<(ExprIx, f32)> {
    let (a, b) = binary(expr, ix, op)?;
    match number(expr, b) {
        Some(v) => Some((a, v)),
        None => number(expr, a).map(|v| (b, v)),
    }
}

/// `quantize(clamp(dequantize(x)))` with one scale and one zero point: the integers that it bounds `x` by. The quotient of a product by
/// one of its factors rounds to the other one: integers of 16 bits are far from where f32 would miss one.
pub(super) fn bounds(expr: &Expr, dtype: DType) -> Option<(i32, i32)> {
    let (v, scale, target) = quantize(expr)?;
    let (below, hi) = bound(expr, v, B::Min).unwrap_or((v, f32::INFINITY));
    let (inner, lo) = bound(expr, below, B::Max).unwrap_or((below, f32::NEG_INFINITY));
    let (operand, from) = dequantize(expr, inner)?;
    let same = operand == 0 && from == Affine { zero: target.zero, scale } && target.dtype == dtype;
    // A product of the largest numbers and such a scale is finite, and one of the smallest is no subnormal.
    let sound = same && lo <= hi && (1e-30..1e30).contains(&scale);
    sound.then(|| (target.of(lo / scale), target.of(hi / scale)))
}

/// The factor of a sum.
pub(super) enum Factor {
    /// One for all.
    Number(f32),
    /// An operand of the Map.
    Operand(usize),
}

/// `cast(round(f32(sum) * factor) + zero)`: the operand that holds the sums, the factor, and where the product goes.
pub(super) fn requantize(expr: &Expr) -> Option<(usize, Factor, Target)> {
    let (product, target) = rounded(expr, expr.result())?;
    let (sum, factor) = binary(expr, product, B::Mul)?;
    let factor = match expr.operand(factor) {
        Some(n) => Factor::Operand(n),
        None => Factor::Number(number(expr, factor)?),
    };
    let ExprOp::Cast(DType::F32, sum) = expr.ops()[sum] else { return None };
    expr.operand(sum).map(|n| (n, factor, target))
}

/// The numbers of 8 or 16 bits that a value is dequantized from.
pub(super) fn dequantized(rw: &Rewriter<'_>, v: ValueId) -> Option<(ValueId, Affine)> {
    let node = rw.producer(v)?;
    let Op::Map { expr } = &node.op else { return None };
    let (_, affine) = dequantize(expr, expr.result())?;
    levels_of(rw, node, v).map(|x| (x, affine)).filter(|_| rw.ty(v).dtype == DType::F32)
}

/// The bytes `b` of a value that is `i32(b) - zero_point`.
pub(super) fn centred_bytes(rw: &Rewriter<'_>, v: ValueId) -> Option<(ValueId, i32)> {
    let node = rw.producer(v)?;
    let Op::Map { expr } = &node.op else { return None };
    let (_, zero) = centred(expr, expr.result())?;
    levels_of(rw, node, v).map(|x| (x, zero)).filter(|&(x, _)| is_byte(rw.ty(x).dtype))
}

/// The one operand of a Map that does not broadcast it, where it is of 8 or 16 bits.
fn levels_of(rw: &Rewriter<'_>, node: &Node, v: ValueId) -> Option<ValueId> {
    match *node.inputs.as_slice() {
        [x] if is_level(rw.ty(x).dtype) && rw.ty(x).shape == rw.ty(v).shape => Some(x),
        _ => None,
    }
}
