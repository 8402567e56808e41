//! Every operation of expressions on values worked out by hand, of every type that it takes.

use half::{bf16, f16};

use super::{EvalError, cast, eval_expr};
use crate::ir::{BinaryOp, DType, Expr, ExprOp, Scalar, UnaryOp};

fn un(op: UnaryOp, x: Scalar) -> Scalar {
    eval_expr(&Expr::of_unary(op), &[x]).unwrap()
}

fn bin(op: BinaryOp, a: Scalar, b: Scalar) -> Result<Scalar, EvalError> {
    eval_expr(&Expr::of_binary(op), &[a, b])
}

/// Equality to the bit, save that all NaN are equal.
fn same(a: Scalar, b: Scalar) -> bool {
    a == b || (a.dtype() == b.dtype() && a.to_f64().is_nan() && b.to_f64().is_nan())
}

#[test]
fn every_accepted_operation_has_a_value_of_the_inferred_type() {
    for dtype in DType::ALL {
        let one = Scalar::from_i64(1, dtype);
        for op in UnaryOp::ALL {
            let expr = Expr::of_unary(op);
            match eval_expr(&expr, &[one]) {
                Ok(v) => assert_eq!(expr.types(&[dtype]).unwrap().last(), Some(&v.dtype()), "{op:?} of {dtype}"),
                Err(e) => assert!(!op.accepts(dtype), "{op:?} of {dtype}: {e}"),
            }
        }
        for op in BinaryOp::ALL {
            let expr = Expr::of_binary(op);
            match eval_expr(&expr, &[one, one]) {
                Ok(v) => assert_eq!(expr.types(&[dtype; 2]).unwrap().last(), Some(&v.dtype()), "{op:?} of {dtype}"),
                Err(e) => assert!(!op.accepts(dtype), "{op:?} of {dtype}: {e}"),
            }
        }
    }
}

/// Functions of one float: operand and result, the same in f32 and f64, where the result is exact in both.
#[test]
fn functions_of_floats() {
    use UnaryOp as U;
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    let cases = [
        (U::Neg, 0.0, -0.0),
        (U::Neg, 1.5, -1.5),
        (U::Abs, -0.0, 0.0),
        (U::Abs, -INF, INF),
        (U::Sign, -0.0, 0.0),
        (U::Sign, -3.0, -1.0),
        (U::Sign, INF, 1.0),
        (U::Sign, NAN, NAN),
        (U::Reciprocal, -0.0, -INF),
        (U::Reciprocal, 4.0, 0.25),
        (U::Sqrt, 2.25, 1.5),
        (U::Sqrt, -1.0, NAN),
        (U::Sqrt, -0.0, -0.0),
        (U::Exp, 0.0, 1.0),
        (U::Exp, -INF, 0.0),
        (U::Log, 1.0, 0.0),
        (U::Log, 0.0, -INF),
        (U::Log, -1.0, NAN),
        (U::Floor, -0.5, -1.0),
        (U::Floor, -0.0, -0.0),
        (U::Ceil, -0.5, -0.0),
        (U::Ceil, 1.25, 2.0),
        (U::Round, 2.5, 2.0),
        (U::Round, 3.5, 4.0),
        (U::Round, -0.5, -0.0),
        (U::Round, NAN, NAN),
        (U::Sin, 0.0, 0.0),
        (U::Cos, 0.0, 1.0),
        (U::Tan, 0.0, 0.0),
        (U::Sin, INF, NAN),
        (U::Asin, 0.0, 0.0),
        (U::Asin, 2.0, NAN),
        (U::Acos, 1.0, 0.0),
        (U::Atan, 0.0, 0.0),
        (U::Sinh, 0.0, 0.0),
        (U::Cosh, 0.0, 1.0),
        (U::Tanh, INF, 1.0),
        (U::Tanh, 0.0, 0.0),
        (U::Asinh, 0.0, 0.0),
        (U::Acosh, 1.0, 0.0),
        (U::Acosh, 0.5, NAN),
        (U::Atanh, 1.0, INF),
        (U::Erf, 0.0, 0.0),
        (U::Erf, -INF, -1.0),
        (U::Erf, NAN, NAN),
        (U::Sigmoid, 0.0, 0.5),
        (U::Sigmoid, INF, 1.0),
        (U::Sigmoid, -INF, 0.0),
        (U::Softplus, -INF, 0.0),
        (U::Softplus, INF, INF),
        (U::Softplus, 100.0, 100.0),
    ];
    for (op, x, y) in cases {
        for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
            let got = un(op, Scalar::from_f64(x, dtype));
            assert!(same(got, Scalar::from_f64(y, dtype)), "{op:?}({x}) in {dtype} is {got}, not {y}");
        }
    }
    for (op, yes, no) in [(U::IsNan, NAN, INF), (U::IsPosInf, INF, -INF), (U::IsNegInf, -INF, NAN)] {
        assert_eq!(un(op, Scalar::F32(yes as f32)), Scalar::Bool(true));
        assert_eq!(un(op, Scalar::F16(f16::from_f64(no))), Scalar::Bool(false));
    }
}

#[test]
fn the_error_function_of_f64() {
    // From tables of erf to 16 digits.
    for (x, y) in [(0.5, 0.520_499_877_813_046_5), (1.0, 0.842_700_792_949_714_9), (-2.0, -0.995_322_265_018_952_7)] {
        let Scalar::F64(got) = un(UnaryOp::Erf, Scalar::F64(x)) else { panic!("f64 gives f64") };
        assert!((got - y).abs() <= 4.0 * f64::EPSILON * y.abs(), "erf({x}) is {got}, not {y}");
    }
}

#[test]
fn functions_of_integers() {
    use Scalar as S;
    use UnaryOp as U;
    for (op, x, y) in [
        (U::Neg, S::I8(-128), S::I8(-128)),
        (U::Neg, S::U8(1), S::U8(255)),
        (U::Abs, S::I16(-5), S::I16(5)),
        (U::Abs, S::I8(-128), S::I8(-128)),
        (U::Abs, S::U64(u64::MAX), S::U64(u64::MAX)),
        (U::Sign, S::I32(-7), S::I32(-1)),
        (U::Sign, S::U32(7), S::U32(1)),
        (U::Sign, S::I64(0), S::I64(0)),
        (U::BitNot, S::I8(0), S::I8(-1)),
        (U::BitNot, S::U16(1), S::U16(0xfffe)),
        (U::Not, S::Bool(true), S::Bool(false)),
    ] {
        assert_eq!(un(op, x), y, "{op:?}({x})");
    }
}

#[test]
fn integer_arithmetic() {
    use BinaryOp as B;
    use Scalar as S;
    for (op, a, b, y) in [
        (B::Add, S::U8(200), S::U8(100), S::U8(44)),
        (B::Sub, S::I8(-100), S::I8(100), S::I8(56)),
        (B::Mul, S::I32(i32::MAX), S::I32(2), S::I32(-2)),
        (B::Div, S::I64(-7), S::I64(2), S::I64(-3)),
        (B::Div, S::I32(i32::MIN), S::I32(-1), S::I32(i32::MIN)),
        (B::Mod, S::I32(-7), S::I32(3), S::I32(2)),
        (B::Mod, S::I32(7), S::I32(-3), S::I32(-2)),
        (B::Mod, S::I8(-128), S::I8(-1), S::I8(0)),
        (B::Mod, S::U8(250), S::U8(7), S::U8(5)),
        (B::Fmod, S::I32(-7), S::I32(3), S::I32(-1)),
        (B::Fmod, S::I32(7), S::I32(-3), S::I32(1)),
        (B::Pow, S::I32(-3), S::I32(3), S::I32(-27)),
        (B::Pow, S::U8(2), S::U8(8), S::U8(0)),
        (B::Pow, S::I64(0), S::I64(0), S::I64(1)),
        (B::Pow, S::I64(3), S::I64(i64::MAX), S::I64(-6_148_914_691_236_517_205)),
        (B::Pow, S::I32(2), S::I32(-1), S::I32(0)),
        (B::Pow, S::I32(-1), S::I32(-3), S::I32(-1)),
        (B::Pow, S::I32(0), S::I32(-1), S::I32(0)),
        (B::Max, S::I8(-1), S::I8(1), S::I8(1)),
        (B::Min, S::U64(u64::MAX), S::U64(1), S::U64(1)),
        (B::Lt, S::U64(u64::MAX), S::U64(1), S::Bool(false)),
        (B::Le, S::I64(-1), S::I64(-1), S::Bool(true)),
        (B::Eq, S::Bool(false), S::Bool(false), S::Bool(true)),
        (B::And, S::Bool(true), S::Bool(false), S::Bool(false)),
        (B::Or, S::Bool(true), S::Bool(false), S::Bool(true)),
        (B::Xor, S::Bool(true), S::Bool(true), S::Bool(false)),
        (B::BitAnd, S::U8(6), S::U8(3), S::U8(2)),
        (B::BitOr, S::U8(6), S::U8(3), S::U8(7)),
        (B::BitXor, S::U8(6), S::U8(3), S::U8(5)),
        (B::Shl, S::U8(0x81), S::U8(1), S::U8(2)),
        (B::Shl, S::U8(1), S::U8(8), S::U8(0)),
        (B::Shr, S::U64(1 << 63), S::U64(63), S::U64(1)),
        (B::Shr, S::U64(1 << 63), S::U64(1 << 32), S::U64(0)),
        (B::Shr, S::I8(-128), S::I8(1), S::I8(-64)),
        (B::Shr, S::I8(-128), S::I8(-1), S::I8(0)),
    ] {
        assert_eq!(bin(op, a, b).unwrap(), y, "{op:?}({a}, {b})");
    }
    for op in [B::Div, B::Mod, B::Fmod] {
        assert_eq!(bin(op, S::I8(1), S::I8(0)), Err(EvalError::DivisionByZero));
        assert_eq!(bin(op, S::U64(1), S::U64(0)), Err(EvalError::DivisionByZero));
    }
}

#[test]
fn float_arithmetic() {
    use BinaryOp as B;
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
        for (op, a, b, y) in [
            (B::Add, -0.0, 0.0, 0.0),
            (B::Sub, INF, INF, NAN),
            (B::Mul, 3.0, -0.0, -0.0),
            (B::Div, 1.0, -0.0, -INF),
            (B::Div, 0.0, 0.0, NAN),
            (B::Pow, 2.0, -2.0, 0.25),
            (B::Pow, NAN, 0.0, 1.0),
            (B::Pow, -8.0, 0.5, NAN),
            (B::Mod, -7.0, 3.0, 2.0),
            (B::Mod, 7.0, -3.0, -2.0),
            (B::Mod, -6.0, 3.0, -0.0),
            (B::Mod, 1.0, INF, 1.0),
            (B::Fmod, -7.0, 3.0, -1.0),
            (B::Fmod, 7.5, -2.0, 1.5),
            (B::Fmod, 1.0, 0.0, NAN),
            (B::Max, -0.0, 0.0, 0.0),
            (B::Max, 0.0, -0.0, 0.0),
            (B::Max, NAN, INF, NAN),
            (B::Max, INF, NAN, NAN),
            (B::Min, -0.0, 0.0, -0.0),
            (B::Min, 0.0, -0.0, -0.0),
            (B::Min, NAN, 1.0, NAN),
            (B::Min, -2.0, 1.0, -2.0),
        ] {
            let got = bin(op, Scalar::from_f64(a, dtype), Scalar::from_f64(b, dtype)).unwrap();
            assert!(same(got, Scalar::from_f64(y, dtype)), "{op:?}({a}, {b}) in {dtype} is {got}, not {y}");
        }
        for (op, a, b, y) in [
            (B::Eq, 0.0, -0.0, true),
            (B::Eq, NAN, NAN, false),
            (B::Lt, NAN, 1.0, false),
            (B::Lt, 1.0, 2.0, true),
            (B::Le, 1.0, 1.0, true),
            (B::Le, 1.0, NAN, false),
        ] {
            let got = bin(op, Scalar::from_f64(a, dtype), Scalar::from_f64(b, dtype)).unwrap();
            assert_eq!(got, Scalar::Bool(y), "{op:?}({a}, {b}) in {dtype}");
        }
    }
}

#[test]
fn half_types_round_every_operation() {
    // 2048 + 1 is 2048 in f16, so that subtracting 2048 leaves nothing.
    let mut e = Expr::new();
    let (x, one) = (e.input(0), e.constant(Scalar::F16(f16::ONE)));
    let sum = e.binary(BinaryOp::Add, x, one);
    let root = e.binary(BinaryOp::Sub, sum, x);
    let y = eval_expr(&e.finish(root), &[Scalar::F16(f16::from_f32(2048.0))]).unwrap();
    assert_eq!(y, Scalar::F16(f16::ZERO));
    let y = bin(BinaryOp::Mul, Scalar::BF16(bf16::from_f32(1.0078125)), Scalar::BF16(bf16::from_f32(1.0078125)));
    assert_eq!(y.unwrap(), Scalar::BF16(bf16::from_f32(1.015625)));
}

#[test]
fn conversions() {
    use Scalar as S;
    for (x, to, y) in [
        (S::F32(-1.9), DType::I8, S::I8(-1)),
        (S::F32(300.0), DType::U8, S::U8(255)),
        (S::F64(-1.0), DType::U64, S::U64(0)),
        (S::F32(f32::NAN), DType::I32, S::I32(0)),
        (S::F64(f64::INFINITY), DType::I64, S::I64(i64::MAX)),
        (S::F32(f32::NAN), DType::Bool, S::Bool(true)),
        (S::F32(-0.0), DType::Bool, S::Bool(false)),
        (S::F16(f16::from_f32(0.5)), DType::Bool, S::Bool(true)),
        (S::I64(256), DType::U8, S::U8(0)),
        (S::I64(256), DType::Bool, S::Bool(true)),
        (S::I64(-1), DType::U64, S::U64(u64::MAX)),
        (S::U8(200), DType::I8, S::I8(-56)),
        (S::U64(u64::MAX), DType::F32, S::F32(18446744073709551616.0)),
        (S::U64(u64::MAX), DType::F64, S::F64(18446744073709551616.0)),
        (S::I64(16_777_217), DType::F32, S::F32(16_777_216.0)),
        // 2^53 + 2^29 + 1 is above the midpoint 2^53 + 2^29 of two f32, which it would be rounded to in f64.
        (S::I64((1 << 53) + (1 << 29) + 1), DType::F32, S::F32(9_007_200_328_482_816.0)),
        (S::Bool(true), DType::F16, S::F16(f16::ONE)),
        (S::F32(65520.0), DType::F16, S::F16(f16::INFINITY)),
        (S::F32(1.0 + 1.0 / 256.0), DType::BF16, S::BF16(bf16::ONE)),
        (S::BF16(bf16::from_f32(3.0)), DType::F64, S::F64(3.0)),
        (S::F64(1e300), DType::F32, S::F32(f32::INFINITY)),
        (S::F64(0.1), DType::F32, S::F32(0.1)),
    ] {
        assert_eq!(cast(x, to), y, "{x} to {to}");
        let mut e = Expr::new();
        let input = e.input(0);
        e.cast(to, input);
        assert_eq!(eval_expr(&e, &[x]).unwrap(), y, "{x} to {to} in an expression");
    }
}

#[test]
fn selections_compute_both_sides() {
    let mut e = Expr::new();
    let (c, a, b) = (e.input(0), e.input(1), e.input(2));
    let quotient = e.binary(BinaryOp::Div, a, b);
    e.select(c, quotient, b);
    let of = |c, a, b| eval_expr(&e, &[Scalar::Bool(c), Scalar::I8(a), Scalar::I8(b)]);
    assert_eq!(of(true, 6, 2), Ok(Scalar::I8(3)));
    assert_eq!(of(false, 6, 2), Ok(Scalar::I8(2)));
    assert_eq!(of(false, 6, 0), Err(EvalError::DivisionByZero));
    assert!(matches!(eval_expr(&e, &[Scalar::Bool(true)]), Err(EvalError::IllTyped(_))));
    let mut bad = Expr::new();
    bad.push(ExprOp::Select(0, 0, 0));
    assert!(matches!(eval_expr(&bad, &[]), Err(EvalError::IllTyped(_))));
}
