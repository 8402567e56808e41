//! Operators of two operands that broadcast.
//!
//! Before opset 7 the second operand broadcast only where the attribute `broadcast` said so, along dimensions that start at
//! the attribute `axis`.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, op};
use crate::ir::formula::{Term, binary, constant, num, select, x};
use crate::ir::{BinaryOp as B, DType, Scalar, UnaryOp as U, ValueId, broadcast};

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    op("Add", |cx| arithmetic(cx, B::Add)),
    op("And", |cx| arithmetic(cx, B::And)),
    op("BitShift", bit_shift),
    op("BitwiseAnd", |cx| arithmetic(cx, B::BitAnd)),
    op("BitwiseOr", |cx| arithmetic(cx, B::BitOr)),
    op("BitwiseXor", |cx| arithmetic(cx, B::BitXor)),
    op("Div", |cx| arithmetic(cx, B::Div)),
    op("Equal", |cx| arithmetic(cx, B::Eq)),
    op("Greater", |cx| formula(cx, |_| Ok(x(1).lt(x(0))))),
    op("GreaterOrEqual", |cx| formula(cx, |_| Ok(binary(B::Le, x(1), x(0))))),
    op("Less", |cx| arithmetic(cx, B::Lt)),
    op("LessOrEqual", |cx| arithmetic(cx, B::Le)),
    op("Mod", modulo),
    op("Mul", |cx| arithmetic(cx, B::Mul)),
    op("Or", |cx| arithmetic(cx, B::Or)),
    op("Pow", pow),
    op("PRelu", prelu),
    op("Sub", |cx| arithmetic(cx, B::Sub)),
    op("SwiGLU", swiglu),
    op("Xor", |cx| arithmetic(cx, B::Xor)),
];

/// A function of both operands, in the type of the first.
fn formula(cx: &mut NodeCx<'_>, f: impl FnOnce(&NodeCx<'_>) -> Imported<Term>) -> Imported {
    let [a, b] = operands(cx)?;
    let e = f(cx)?.expr(cx.dtype(a));
    cx.map(e, &[a, b])
}

fn arithmetic(cx: &mut NodeCx<'_>, op: B) -> Imported {
    formula(cx, |_| Ok(binary(op, x(0), x(1))))
}

/// Both operands in shapes that broadcast by numpy's rules.
fn operands(cx: &mut NodeCx<'_>) -> Imported<[ValueId; 2]> {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    if cx.opset >= 7 {
        return Ok([a, b]);
    }
    let (shape_a, mut shape_b) = (cx.shape(a), cx.shape(b));
    let axis = cx.int("axis", -1)?;
    if !cx.flag("broadcast", false)? {
        if shape_a != shape_b {
            let message =
                format!("shapes {shape_a:?} and {shape_b:?} differ, and the attribute `broadcast` is not set");
            return Err(Fault::shape(message));
        }
    } else if axis >= 0 {
        let axis = cx.axis(axis, shape_a.len())?;
        let behind = shape_a.len().checked_sub(axis + shape_b.len());
        let behind =
            behind.ok_or_else(|| Fault::shape(format!("{shape_b:?} from dimension {axis} exceeds {shape_a:?}")))?;
        shape_b.extend(std::iter::repeat_n(1, behind));
    }
    if broadcast(&[&shape_a, &shape_b]).map_err(Fault::shape)? != shape_a {
        return Err(Fault::shape(format!("{shape_b:?} does not broadcast to {shape_a:?}")));
    }
    let b = cx.reshape(b, shape_b)?;
    Ok([a, b])
}

/// Bits shifted out are lost. A distance that is negative or not below the width leaves nothing but the sign.
fn bit_shift(cx: &mut NodeCx<'_>) -> Imported {
    let direction = cx.string("direction", "")?;
    let dtype = cx.dtype(cx.input(0)?);
    let zero = || constant(Scalar::zero(dtype));
    let y = match direction.as_str() {
        "LEFT" => binary(B::Shl, x(0), x(1)),
        "RIGHT" if !dtype.is_signed() => binary(B::Shr, x(0), x(1)),
        "RIGHT" => {
            // The width less one fits every signed type, and shifts all but the sign out.
            let most = constant(Scalar::from_i64(dtype.size() as i64 * 8 - 1, dtype));
            let distance = select(x(1).lt(zero()), most.clone(), x(1).min(most));
            binary(B::Shr, x(0), distance)
        }
        _ => return Err(Fault::attribute("direction", "must be `LEFT` or `RIGHT`")),
    };
    formula(cx, |_| Ok(y))
}

fn modulo(cx: &mut NodeCx<'_>) -> Imported {
    let dtype = cx.dtype(cx.input(0)?);
    let truncates = cx.flag("fmod", false)?;
    if dtype.is_float() && !truncates && cx.opset < 28 {
        return Err(Fault::attribute("fmod", "must be 1 for floats before opset 28"));
    }
    let y = if truncates {
        binary(B::Fmod, x(0), x(1))
    } else if dtype.is_float() {
        // A remainder of zero has the sign of the divisor.
        let r = binary(B::Mod, x(0), x(1));
        select(r.eq(num(0.0)), select(x(1).lt(num(0.0)), num(-0.0), num(0.0)), r)
    } else {
        binary(B::Mod, x(0), x(1))
    };
    formula(cx, |_| Ok(y))
}

/// The result has the type of the base; so has the exponent of a float. Whole powers of integers are exact (and wrap), also
/// where the exponent is of a float type; other ones are computed as floats and truncated.
fn pow(cx: &mut NodeCx<'_>) -> Imported {
    let [base, exponent] = operands(cx)?;
    let [b, e] = [cx.dtype(base), cx.dtype(exponent)];
    let to = |n: usize, from: DType, to: DType| if from == to { x(n) } else { x(n).cast(to) };
    let power = |t: DType| binary(B::Pow, to(0, b, t), to(1, e, t));
    let (power, computed) = match (b.is_float(), e.is_float()) {
        (true, false) => (power(b), b),
        (true, true) => {
            // Of f16 and bf16 neither holds the other.
            let t = if b.size() == e.size() && b != e { DType::F32 } else { std::cmp::max_by_key(b, e, |t| t.size()) };
            (power(t), t)
        }
        (false, false) if b == e => (power(b), b),
        (false, false) => (power(DType::I64), DType::I64),
        (false, true) => {
            let t = if e == DType::F64 { e } else { DType::F32 };
            let exponent = to(1, e, t);
            let is_whole = exponent.eq(exponent.then(U::Round));
            (select(is_whole, power(DType::I64), power(t).cast(DType::I64)), DType::I64)
        }
    };
    let result = if computed == b { power } else { power.cast(b) };
    cx.map(result.expr(computed), &[base, exponent])
}

/// Before opset 7 the slope is one value or one per channel; then it broadcasts.
fn prelu(cx: &mut NodeCx<'_>) -> Imported {
    let (input, mut slope) = (cx.input(0)?, cx.input(1)?);
    let shape = cx.shape(input);
    if cx.opset < 7 {
        let n = cx.ty(slope).elements();
        let per_channel = n > 1 && shape.len() > 1;
        let spread = if per_channel { shape.len() - 1 } else { 1 };
        let mut to = vec![1; spread];
        to[0] = n;
        slope = cx.reshape(slope, to)?;
    }
    let dtype = cx.dtype(input);
    let y = select(x(0).lt(num(0.0)), x(0) * x(1), x(0));
    let y = cx.map(y.expr(dtype), &[input, slope])?;
    if cx.shape(y) != shape {
        return Err(Fault::shape(format!("the slope does not broadcast to {shape:?}")));
    }
    Ok(y)
}

fn swiglu(cx: &mut NodeCx<'_>) -> Imported {
    let (a, b) = (cx.shape(cx.input(0)?), cx.shape(cx.input(1)?));
    if a != b {
        return Err(Fault::shape(format!("{a:?} and {b:?} must be equal")));
    }
    formula(cx, |cx| {
        let alpha = num(cx.float("alpha", 1.0)?);
        Ok(x(0) * (alpha * x(0)).then(U::Sigmoid) * x(1))
    })
}
