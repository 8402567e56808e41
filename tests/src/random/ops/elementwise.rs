//! Operators on elements: functions of one, two and more values, conversions.

use zantc::ir::{DType, Tensor};

use super::{Entry, ms, op};
use crate::random::draft::{ALL, BOOL, Draft, FLOATS, INTS, NUMBERS, code};
use crate::random::fill::Fill;

pub(super) const OPS: &[Entry] = &[
    op("Abs", 1, numbers),
    op("Acos", 7, floats),
    op("Acosh", 9, floats),
    op("Asin", 7, floats),
    op("Asinh", 9, floats),
    op("Atan", 7, floats),
    op("Atanh", 9, floats),
    op("BitwiseNot", 18, ints),
    op("Ceil", 1, floats),
    op("Celu", 12, alpha),
    op("Cos", 7, floats),
    op("Cosh", 9, floats),
    op("Elu", 1, alpha),
    op("Erf", 9, numbers),
    op("Exp", 1, floats),
    op("Floor", 1, floats),
    op("Gelu", 20, gelu),
    op("HardSigmoid", 1, |d| {
        floats(d)?;
        d.float_near("alpha", 0.2);
        d.float_near("beta", 0.5);
        Some(())
    }),
    op("HardSwish", 14, floats),
    op("Identity", 1, any),
    op("IsInf", 10, |d| {
        floats(d)?;
        d.flag("detect_negative");
        d.flag("detect_positive");
        Some(())
    }),
    op("IsNaN", 9, floats),
    op("LeakyRelu", 1, alpha),
    op("Log", 1, floats),
    op("Mish", 18, floats),
    op("Neg", 1, numbers),
    op("Not", 1, bools),
    ms("QuickGelu", alpha),
    op("Reciprocal", 1, floats),
    op("Relu", 1, |d| if d.opset < 14 || !d.one_in(3) { floats(d) } else { numbers(d) }),
    op("Round", 11, floats),
    op("Selu", 1, |d| {
        floats(d)?;
        d.float_near("alpha", 1.67);
        d.float_near("gamma", 1.05);
        Some(())
    }),
    op("Shrink", 9, |d| {
        numbers(d)?;
        d.float_near("bias", 0.0);
        d.float_near("lambd", 0.5);
        Some(())
    }),
    op("Sigmoid", 1, floats),
    op("Sign", 9, numbers),
    op("Sin", 7, floats),
    op("Sinh", 9, floats),
    op("Softplus", 1, floats),
    op("Softsign", 1, floats),
    op("Sqrt", 1, floats),
    op("Swish", 24, alpha),
    op("Tan", 7, floats),
    op("Tanh", 1, floats),
    op("ThresholdedRelu", 10, alpha),
    op("Add", 1, |d| two(d, NUMBERS, Fill::Any)),
    op("And", 1, |d| two(d, BOOL, Fill::Any)),
    op("BitShift", 11, shift),
    op("BitwiseAnd", 18, |d| two(d, INTS, Fill::Any)),
    op("BitwiseOr", 18, |d| two(d, INTS, Fill::Any)),
    op("BitwiseXor", 18, |d| two(d, INTS, Fill::Any)),
    op("Div", 1, divide),
    op("Equal", 1, |d| if d.opset < 11 { two(d, &EQUAL_7, Fill::Any) } else { two(d, ALL, Fill::Any) }),
    op("Greater", 1, |d| two(d, NUMBERS, Fill::Any)),
    op("GreaterOrEqual", 12, |d| two(d, NUMBERS, Fill::Any)),
    op("Less", 1, |d| two(d, NUMBERS, Fill::Any)),
    op("LessOrEqual", 12, |d| two(d, NUMBERS, Fill::Any)),
    op("Mod", 10, modulo),
    op("Mul", 1, |d| two(d, NUMBERS, Fill::Any)),
    op("Or", 1, |d| two(d, BOOL, Fill::Any)),
    op("Pow", 1, power),
    op("PRelu", 1, prelu),
    op("Sub", 1, |d| two(d, NUMBERS, Fill::Any)),
    op("SwiGLU", 28, |d| {
        let ty = d.x(FLOATS, 0, 4);
        d.exactly(ty.dtype, ty.shape);
        d.float_near("alpha", 1.0);
        Some(())
    }),
    op("Xor", 1, |d| two(d, BOOL, Fill::Any)),
    op("Clip", 1, clip),
    op("Max", 1, |d| variadic(d, if d.opset < 12 { FLOATS } else { NUMBERS })),
    op("Mean", 1, |d| variadic(d, FLOATS)),
    op("Min", 1, |d| variadic(d, if d.opset < 12 { FLOATS } else { NUMBERS })),
    op("Sum", 1, |d| variadic(d, FLOATS)),
    op("Where", 9, choose),
    op("BitCast", 26, bit_cast),
    op("Cast", 1, cast),
    op("CastLike", 15, |d| {
        any(d)?;
        d.x(ALL, 0, 2);
        Some(())
    }),
];

const EQUAL_7: [DType; 3] = [DType::Bool, DType::I32, DType::I64];

fn floats(d: &mut Draft<'_>) -> Option<()> {
    d.x(FLOATS, 0, 4);
    Some(())
}

fn numbers(d: &mut Draft<'_>) -> Option<()> {
    d.x(NUMBERS, 0, 4);
    Some(())
}

fn ints(d: &mut Draft<'_>) -> Option<()> {
    d.x(INTS, 0, 4);
    Some(())
}

fn bools(d: &mut Draft<'_>) -> Option<()> {
    d.x(BOOL, 0, 4);
    Some(())
}

fn any(d: &mut Draft<'_>) -> Option<()> {
    d.x(ALL, 0, 4);
    Some(())
}

fn alpha(d: &mut Draft<'_>) -> Option<()> {
    floats(d)?;
    d.float_near("alpha", 0.5);
    Some(())
}

fn gelu(d: &mut Draft<'_>) -> Option<()> {
    floats(d)?;
    if d.one_in(2) {
        let how = d.r.pick(&["none", "tanh"]);
        d.text("approximate", how);
    }
    Some(())
}

/// Two operands, either of which may be the one that broadcasts, or one value twice.
fn two(d: &mut Draft<'_>, dtypes: &[DType], second: Fill) -> Option<()> {
    let ty = d.x(dtypes, 0, 4);
    if d.one_in(12) {
        d.again(0);
    }
    if d.operands() < 2 {
        d.beside(ty.dtype, &ty.shape, second);
    }
    // The generator makes the second operand of the first one's shape.
    if d.one_in(3) {
        d.operands.swap(0, 1);
    }
    Some(())
}

fn divide(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(NUMBERS, 0, 4);
    let fill = if d.one_in(30) { Fill::Any } else { Fill::NonZero };
    d.beside(ty.dtype, &ty.shape, fill);
    Some(())
}

fn modulo(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(NUMBERS, 0, 4);
    d.beside(ty.dtype, &ty.shape, Fill::NonZero);
    if ty.dtype.is_float() && d.opset < 28 {
        d.int("fmod", 1);
    } else {
        d.flag("fmod");
    }
    Some(())
}

fn shift(d: &mut Draft<'_>) -> Option<()> {
    let ty = d.x(&[DType::U8, DType::U16, DType::U32, DType::U64], 0, 4);
    let distance = if d.one_in(6) { 70 } else { ty.dtype.size() * 8 };
    d.beside(ty.dtype, &ty.shape, Fill::Below(distance));
    let way = d.r.pick(&["LEFT", "RIGHT"]);
    d.text("direction", way);
    Some(())
}

fn power(d: &mut Draft<'_>) -> Option<()> {
    let base =
        if d.opset < 12 { FLOATS } else { &[DType::F32, DType::F32, DType::F64, DType::F16, DType::I32, DType::I64] };
    let ty = d.x(base, 0, 4);
    let dtype = if d.opset < 12 || d.one_in(2) { ty.dtype } else { d.r.pick(NUMBERS) };
    let fill = if d.one_in(2) { Fill::Below(4) } else { Fill::Any };
    d.beside(dtype, &ty.shape, fill);
    Some(())
}

fn prelu(d: &mut Draft<'_>) -> Option<()> {
    let dtypes =
        if d.opset < 9 { FLOATS } else { &[DType::F32, DType::F32, DType::F64, DType::I32, DType::I64, DType::U32] };
    let ty = d.x(dtypes, 0, 4);
    let slope = d.narrower(&ty.shape);
    d.exactly(ty.dtype, slope);
    Some(())
}

fn clip(d: &mut Draft<'_>) -> Option<()> {
    let dtypes = if d.opset < 12 { FLOATS } else { NUMBERS };
    let ty = d.x(dtypes, 0, 4);
    if d.opset < 11 {
        if !d.one_in(3) {
            d.float_near("min", -0.5);
        }
        if !d.one_in(3) {
            d.float_near("max", 0.5);
        }
        return Some(());
    }
    for bound in [[-1.0, 0.0], [1.0, 3.0]] {
        if d.one_in(3) {
            d.none();
            continue;
        }
        let v = d.r.pick(&bound);
        let scalar = zantc::ir::Scalar::from_f64(v, ty.dtype);
        d.either(Tensor::scalar(scalar));
    }
    Some(())
}

fn variadic(d: &mut Draft<'_>, dtypes: &[DType]) -> Option<()> {
    let ty = d.x(dtypes, 0, 4);
    let count = d.r.pick(&[0, 1, 1, 2, 3, 9]);
    for _ in 0..count {
        if d.opset < 8 {
            d.exactly(ty.dtype, ty.shape.clone());
        } else {
            d.beside(ty.dtype, &ty.shape, Fill::Any);
        }
    }
    let n = d.operands();
    let at = d.r.below(n);
    d.operands.swap(0, at);
    Some(())
}

fn choose(d: &mut Draft<'_>) -> Option<()> {
    let condition = d.x(BOOL, 0, 4);
    let dtype = d.r.pick(ALL);
    d.beside(dtype, &condition.shape, Fill::Any);
    d.beside(dtype, &condition.shape, Fill::Any);
    Some(())
}

fn cast(d: &mut Draft<'_>) -> Option<()> {
    any(d)?;
    let to = if d.opset >= 21 && d.one_in(12) { d.r.pick(&[21, 22]) } else { code(d.r.pick(ALL)) };
    d.int("to", to.into());
    Some(())
}

fn bit_cast(d: &mut Draft<'_>) -> Option<()> {
    let of = d.r.pick(ALL);
    let ty = d.x(&[of], 0, 4);
    let same: Vec<DType> = ALL.iter().copied().filter(|t| t.size() == ty.dtype.size()).collect();
    let to = d.r.pick(&same);
    d.int("to", code(to).into());
    Some(())
}
