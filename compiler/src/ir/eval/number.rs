//! Arithmetic on the element types that tensors are computed in: the integers (which wrap), f32 and f64.

use zant_runtime::math;

use super::elementary::double;
use crate::ir::{Activation, Element, Numerics};

/// An element type with the arithmetic of the core operators.
pub(super) trait Number: Element + PartialOrd {
    /// Zero, +0 for floats.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The least value, -infinity for floats: the maximum of nothing.
    const LOWEST: Self;
    /// The greatest value, +infinity for floats: the minimum of nothing.
    const HIGHEST: Self;

    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The product.
    fn times(self, other: Self) -> Self;
    /// The larger; NaN propagates, and +0 is larger than -0.
    fn larger(self, other: Self) -> Self;
    /// The smaller; NaN propagates, and -0 is smaller than +0.
    fn smaller(self, other: Self) -> Self;
    /// Whether it is not a number.
    fn is_nan(self) -> bool;
    /// `acc[i] = x * w[i] + acc[i]`, rounded as `numerics` says.
    fn add_products(numerics: Numerics, x: Self, w: &[Self], acc: &mut [Self]);
    /// The value after an activation. Integers have none.
    fn activated(self, activation: Activation) -> Self;
}

/// A floating-point type that is computed in.
pub(super) trait Float: Number {
    /// The difference.
    fn minus(self, other: Self) -> Self;
    /// The quotient.
    fn over(self, other: Self) -> Self;
    /// e to the power of it.
    fn exp(self) -> Self;
    /// The natural logarithm.
    fn log(self) -> Self;
    /// A count, rounded to nearest.
    fn from_count(n: usize) -> Self;
}

macro_rules! integer {
    ($($t:ident),*) => { $(
        impl Number for $t {
            const ZERO: $t = 0;
            const ONE: $t = 1;
            const LOWEST: $t = $t::MIN;
            const HIGHEST: $t = $t::MAX;

            fn plus(self, other: $t) -> $t {
                self.wrapping_add(other)
            }
            fn times(self, other: $t) -> $t {
                self.wrapping_mul(other)
            }
            fn larger(self, other: $t) -> $t {
                self.max(other)
            }
            fn smaller(self, other: $t) -> $t {
                self.min(other)
            }
            fn is_nan(self) -> bool {
                false
            }
            fn add_products(_: Numerics, x: $t, w: &[$t], acc: &mut [$t]) {
                for (y, &b) in acc.iter_mut().zip(w) {
                    *y = y.wrapping_add(x.wrapping_mul(b));
                }
            }
            fn activated(self, _: Activation) -> $t {
                self
            }
        }
    )* };
}
integer!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! float {
    ($t:ident, $functions:ident, $add_fused:ident) => {
        impl Number for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            const LOWEST: $t = $t::NEG_INFINITY;
            const HIGHEST: $t = $t::INFINITY;

            fn plus(self, other: $t) -> $t {
                self + other
            }
            fn times(self, other: $t) -> $t {
                self * other
            }
            fn larger(self, other: $t) -> $t {
                $functions::max(self, other)
            }
            fn smaller(self, other: $t) -> $t {
                $functions::min(self, other)
            }
            fn is_nan(self) -> bool {
                $t::is_nan(self)
            }
            fn add_products(numerics: Numerics, x: $t, w: &[$t], acc: &mut [$t]) {
                match numerics {
                    Numerics::Fused => $add_fused(x, w, acc),
                    Numerics::Separate => acc.iter_mut().zip(w).for_each(|(y, &b)| *y += x * b),
                }
            }
            fn activated(self, activation: Activation) -> $t {
                match activation {
                    Activation::None => self,
                    Activation::Clamp { lo, hi } => self.larger($t::from(lo)).smaller($t::from(hi)),
                    Activation::Leaky { alpha } if self < 0.0 => self * $t::from(alpha),
                    Activation::Leaky { .. } => self,
                }
            }
        }

        impl Float for $t {
            fn minus(self, other: $t) -> $t {
                self - other
            }
            fn over(self, other: $t) -> $t {
                self / other
            }
            fn exp(self) -> $t {
                $functions::exp(self)
            }
            fn log(self) -> $t {
                $functions::log(self)
            }
            fn from_count(n: usize) -> $t {
                n as $t
            }
        }
    };
}
float!(f32, math, add_fused_f32);
float!(f64, double, add_fused_f64);

fn add_fused_f64(x: f64, w: &[f64], acc: &mut [f64]) {
    for (y, &b) in acc.iter_mut().zip(w) {
        *y = x.mul_add(b, *y);
    }
}

/// `mul_add` of std for each element, which is an instruction on some targets, and a slow call on others: there, most
/// elements are rounded by way of f64.
fn add_fused_f32(x: f32, w: &[f32], acc: &mut [f32]) {
    const BLOCK: usize = 16;
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        return acc.iter_mut().zip(w).for_each(|(y, &b)| *y = x.mul_add(b, *y));
    }
    let (blocks, rest) = acc.as_chunks_mut::<BLOCK>();
    let (w_blocks, w_rest) = w.as_chunks::<BLOCK>();
    for (y, b) in blocks.iter_mut().zip(w_blocks) {
        let sums: [f64; BLOCK] = std::array::from_fn(|i| f64::from(x) * f64::from(b[i]) + f64::from(y[i]));
        if sums.iter().fold(false, |any, &s| any | rounds_twice(s)) {
            y.iter_mut().zip(b).for_each(|(y, &b)| *y = x.mul_add(b, *y));
        } else {
            y.iter_mut().zip(sums).for_each(|(y, s)| *y = s as f32);
        }
    }
    for (y, &b) in rest.iter_mut().zip(w_rest) {
        let sum = f64::from(x) * f64::from(b) + f64::from(*y);
        *y = if rounds_twice(sum) { x.mul_add(b, *y) } else { sum as f32 };
    }
}

/// Whether a sum of an f32 and a product of two, rounded to f64, may round to another f32 than the exact sum does.
///
/// The product is exact in f64 (48 of 53 bits). Rounding to f64 is monotonic, so the exact sum lies on the same side of the
/// midpoint between two neighbouring f32 as the rounded one, unless that is the midpoint: its low 29 bits are then a one and
/// zeros. Below 2^-126 f32 has other midpoints. Both tests look at 32 bits at a time, which vectorises.
fn rounds_twice(sum: f64) -> bool {
    let (low, high) = (sum.to_bits() as u32, (sum.to_bits() >> 32) as u32 & 0x7fff_ffff);
    let midpoint = low & 0x1fff_ffff == 0x1000_0000;
    // 0x3810_0000 is the upper half of 2^-126; zero (which is exact) becomes the largest number.
    let subnormal = high.wrapping_sub(1) < 0x3810_0000 - 1;
    midpoint | subnormal
}

/// Runs `$body` with `$T` being the Rust type of an element type that has arithmetic, else gives `$other`.
macro_rules! with_number {
    ($dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        match $dtype {
            $crate::ir::DType::I8 => {
                type $T = i8;
                $body
            }
            $crate::ir::DType::I16 => {
                type $T = i16;
                $body
            }
            $crate::ir::DType::I32 => {
                type $T = i32;
                $body
            }
            $crate::ir::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::ir::DType::U8 => {
                type $T = u8;
                $body
            }
            $crate::ir::DType::U16 => {
                type $T = u16;
                $body
            }
            $crate::ir::DType::U32 => {
                type $T = u32;
                $body
            }
            $crate::ir::DType::U64 => {
                type $T = u64;
                $body
            }
            $crate::ir::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::ir::DType::F64 => {
                type $T = f64;
                $body
            }
            $crate::ir::DType::Bool | $crate::ir::DType::F16 | $crate::ir::DType::BF16 => $other,
        }
    };
}
pub(super) use with_number;
