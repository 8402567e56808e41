//! The functions of scalar expressions, as one table per type that is computed in: bool, the integers, f32 and f64.
//!
//! f16 and bf16 compute in f32 and round each result: see [`Stored`].

use half::{bf16, f16};
use zant_runtime::math;

use crate::ir::{BinaryOp, UnaryOp, with_math};

/// A function of one value.
pub(super) enum Unary<T> {
    Value(fn(T) -> T),
    Test(fn(T) -> bool),
}

/// A function of two values.
pub(super) enum Binary<T> {
    Value(fn(T, T) -> T),
    Test(fn(T, T) -> bool),
    /// None where the divisor is zero.
    Division(fn(T, T) -> Option<T>),
}

/// A type that expressions compute in.
pub(super) trait Computed: Copy {
    /// The function that an operation stands for; none where the type has none.
    fn unary(op: UnaryOp) -> Option<Unary<Self>>;
    /// The function that an operation stands for; none where the type has none.
    fn binary(op: BinaryOp) -> Option<Binary<Self>>;
}

/// An element type, as 64 bits (its own, zero-extended).
pub(super) trait Stored {
    /// The type in which its expressions are computed.
    type Computed: Computed;
    /// The value of its bits.
    fn load(bits: u64) -> Self::Computed;
    /// The bits of a value, rounded to the type.
    fn store(value: Self::Computed) -> u64;
}

macro_rules! stored {
    ($($t:ty as $c:ty: $load:expr, $store:expr;)*) => { $(
        impl Stored for $t {
            type Computed = $c;
            fn load(bits: u64) -> $c {
                let load: fn(u64) -> $c = $load;
                load(bits)
            }
            fn store(value: $c) -> u64 {
                let store: fn($c) -> u64 = $store;
                store(value)
            }
        }
    )* };
}
stored! {
    bool as bool: |b| b != 0, u64::from;
    i8 as i8: |b| b as i8, |v| u64::from(v as u8);
    i16 as i16: |b| b as i16, |v| u64::from(v as u16);
    i32 as i32: |b| b as i32, |v| u64::from(v as u32);
    i64 as i64: |b| b as i64, |v| v as u64;
    u8 as u8: |b| b as u8, u64::from;
    u16 as u16: |b| b as u16, u64::from;
    u32 as u32: |b| b as u32, u64::from;
    u64 as u64: |b| b, |v| v;
    f16 as f32: |b| f16::from_bits(b as u16).to_f32(), |v| u64::from(f16::from_f32(v).to_bits());
    bf16 as f32: |b| bf16::from_bits(b as u16).to_f32(), |v| u64::from(bf16::from_f32(v).to_bits());
    f32 as f32: |b| f32::from_bits(b as u32), |v| u64::from(v.to_bits());
    f64 as f64: f64::from_bits, f64::to_bits;
}

impl Computed for bool {
    fn unary(op: UnaryOp) -> Option<Unary<bool>> {
        (op == UnaryOp::Not).then_some(Unary::Value(|x| !x))
    }

    fn binary(op: BinaryOp) -> Option<Binary<bool>> {
        let f: fn(bool, bool) -> bool = if op == BinaryOp::And {
            |a, b| a && b
        } else if op == BinaryOp::Or {
            |a, b| a || b
        } else if op == BinaryOp::Xor {
            |a, b| a != b
        } else if op == BinaryOp::Eq {
            |a, b| a == b
        } else {
            return None;
        };
        Some(Binary::Value(f))
    }
}

macro_rules! integer {
    ($($t:ident: $abs:expr, $sign:expr;)*) => { $(
        impl Computed for $t {
            fn unary(op: UnaryOp) -> Option<Unary<$t>> {
                use UnaryOp as U;
                Some(Unary::Value(match op {
                    U::Neg => |x| x.wrapping_neg(),
                    U::Abs => $abs,
                    U::Sign => $sign,
                    U::BitNot => |x| !x,
                    U::Reciprocal | U::Sqrt | U::Exp | U::Log | U::Floor | U::Ceil | U::Round | U::Sin | U::Cos
                    | U::Tan | U::Asin | U::Acos | U::Atan | U::Sinh | U::Cosh | U::Tanh | U::Asinh | U::Acosh
                    | U::Atanh | U::Erf | U::Sigmoid | U::Softplus | U::Not | U::IsNan | U::IsPosInf
                    | U::IsNegInf => return None,
                }))
            }

            fn binary(op: BinaryOp) -> Option<Binary<$t>> {
                use BinaryOp as B;
                Some(match op {
                    B::Add => Binary::Value(|a, b| a.wrapping_add(b)),
                    B::Sub => Binary::Value(|a, b| a.wrapping_sub(b)),
                    B::Mul => Binary::Value(|a, b| a.wrapping_mul(b)),
                    B::Div => Binary::Division(|a, b| (b != 0).then(|| a.wrapping_div(b))),
                    B::Fmod => Binary::Division(|a, b| (b != 0).then(|| a.wrapping_rem(b))),
                    B::Mod => Binary::Division(|a, b| {
                        let r = if b == 0 { return None } else { a.wrapping_rem(b) };
                        // The signs differ where the exclusive or is negative.
                        #[allow(unused_comparisons, reason = "unsigned types have one sign")]
                        let differ = r != 0 && (r ^ b) < 0;
                        Some(if differ { r.wrapping_add(b) } else { r })
                    }),
                    B::Pow => Binary::Value(|a, b| integer_power(a.into(), b.into()) as $t),
                    B::Max => Binary::Value(|a, b| a.max(b)),
                    B::Min => Binary::Value(|a, b| a.min(b)),
                    B::Eq => Binary::Test(|a, b| a == b),
                    B::Lt => Binary::Test(|a, b| a < b),
                    B::Le => Binary::Test(|a, b| a <= b),
                    B::BitAnd => Binary::Value(|a, b| a & b),
                    B::BitOr => Binary::Value(|a, b| a | b),
                    B::BitXor => Binary::Value(|a, b| a ^ b),
                    B::Shl => Binary::Value(|a, b| u32::try_from(b).ok().and_then(|b| a.checked_shl(b)).unwrap_or(0)),
                    B::Shr => Binary::Value(|a, b| u32::try_from(b).ok().and_then(|b| a.checked_shr(b)).unwrap_or(0)),
                    B::And | B::Or | B::Xor => return None,
                })
            }
        }
    )* };
}
integer! {
    i8: |x| x.wrapping_abs(), |x| x.signum();
    i16: |x| x.wrapping_abs(), |x| x.signum();
    i32: |x| x.wrapping_abs(), |x| x.signum();
    i64: |x| x.wrapping_abs(), |x| x.signum();
    u8: |x| x, |x| x.min(1);
    u16: |x| x, |x| x.min(1);
    u32: |x| x, |x| x.min(1);
    u64: |x| x, |x| x.min(1);
}

/// The low bits of `base^exponent`; with a negative exponent `1 / base^-exponent` truncated, and 0 for the base 0.
fn integer_power(base: i128, exponent: i128) -> i128 {
    if exponent < 0 {
        return match base {
            1 => 1,
            -1 if exponent % 2 == 0 => 1,
            -1 => -1,
            _ => 0,
        };
    }
    let (mut power, mut square, mut left) = (1i128, base, exponent);
    while left > 0 {
        if left % 2 == 1 {
            power = power.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        left /= 2;
    }
    power
}

macro_rules! float {
    ($t:ident, $math:ident, $($name:ident: $f:ident),*) => {
        impl Computed for $t {
            fn unary(op: UnaryOp) -> Option<Unary<$t>> {
                use UnaryOp as U;
                Some(match op {
                    U::Neg => Unary::Value(|x| -x),
                    U::Abs => Unary::Value($t::abs),
                    U::Sign => Unary::Value(|x| {
                        if x > 0.0 {
                            1.0
                        } else if x < 0.0 {
                            -1.0
                        } else if x == 0.0 {
                            0.0
                        } else {
                            x
                        }
                    }),
                    U::Reciprocal => Unary::Value(|x| 1.0 / x),
                    $(U::$name => Unary::Value($math::$f),)*
                    U::IsNan => Unary::Test($t::is_nan),
                    U::IsPosInf => Unary::Test(|x| x == $t::INFINITY),
                    U::IsNegInf => Unary::Test(|x| x == $t::NEG_INFINITY),
                    U::Not | U::BitNot => return None,
                })
            }

            fn binary(op: BinaryOp) -> Option<Binary<$t>> {
                use BinaryOp as B;
                Some(match op {
                    B::Add => Binary::Value(|a, b| a + b),
                    B::Sub => Binary::Value(|a, b| a - b),
                    B::Mul => Binary::Value(|a, b| a * b),
                    B::Div => Binary::Value(|a, b| a / b),
                    B::Pow => Binary::Value($math::pow),
                    B::Fmod => Binary::Value(|a, b| a % b),
                    B::Mod => Binary::Value(|a, b| {
                        let r = a % b;
                        if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r }
                    }),
                    B::Max => Binary::Value($math::max),
                    B::Min => Binary::Value($math::min),
                    B::Eq => Binary::Test(|a, b| a == b),
                    B::Lt => Binary::Test(|a, b| a < b),
                    B::Le => Binary::Test(|a, b| a <= b),
                    B::And | B::Or | B::Xor | B::BitAnd | B::BitOr | B::BitXor | B::Shl | B::Shr => return None,
                })
            }
        }
    };
}
with_math!(float!(f32, math,));
with_math!(float!(f64, double,));

/// The f64 functions of the runtime, by the names that it has for f32.
pub(super) mod double {
    pub(in super::super) use zant_runtime::math::{
        acos_f64 as acos, acosh_f64 as acosh, asin_f64 as asin, asinh_f64 as asinh, atan_f64 as atan,
        atanh_f64 as atanh, ceil_f64 as ceil, cos_f64 as cos, cosh_f64 as cosh, erf_f64 as erf, exp_f64 as exp,
        floor_f64 as floor, log_f64 as log, max_f64 as max, min_f64 as min, pow_f64 as pow,
        round_even_f64 as round_even, sigmoid_f64 as sigmoid, sin_f64 as sin, sinh_f64 as sinh,
        softplus_f64 as softplus, sqrt_f64 as sqrt, tan_f64 as tan, tanh_f64 as tanh,
    };
}

/// Runs `$body` with `$T` being the Rust type of an element type that expressions compute with, else gives `$other`.
macro_rules! with_stored {
    ($dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        $crate::ir::with_type!($dtype, $T => $body; Bool: bool, I8: i8, I16: i16, I32: i32, I64: i64, U8: u8, U16: u16,
            U32: u32, U64: u64, F16: half::f16, BF16: half::bf16, F32: f32, F64: f64; else Mini: $other)
    };
}
pub(super) use with_stored;
