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
                    Numerics::Separate => add_separate(x, w, acc),
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
// Products of f64 are rounded by themselves whatever the numerics.
float!(f64, double, add_separate);

fn add_separate<T: Copy + std::ops::Mul<Output = T> + std::ops::AddAssign>(x: T, w: &[T], acc: &mut [T]) {
    acc.iter_mut().zip(w).for_each(|(y, &b)| *y += x * b);
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
        $crate::ir::with_type!($dtype, $T => $body; I8: i8, I16: i16, I32: i32, I64: i64, U8: u8, U16: u16, U32: u32,
            U64: u64, F32: f32, F64: f64; else Bool | F16 | BF16 | Mini: $other)
    };
}
pub(super) use with_number;

#[cfg(test)]
mod tests {
    use super::*;

    /// A xorshift generator, for numbers of any bits.
    fn next(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    /// The sums by way of f64 against std's `mul_add`, to the bit.
    fn assert_fused(x: f32, w: &[f32], acc: &[f32]) {
        let mut sums = acc.to_vec();
        f32::add_products(Numerics::Fused, x, w, &mut sums);
        for ((&sum, &b), &c) in sums.iter().zip(w).zip(acc) {
            let exact = x.mul_add(b, c);
            let same = sum.to_bits() == exact.to_bits() || (sum.is_nan() && exact.is_nan());
            assert!(same, "{x:e} * {b:e} + {c:e} is {exact:e}, not {sum:e}");
        }
    }

    #[test]
    fn fused_sums_are_those_of_std() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for round in 0..20_000u32 {
            let mut any = |near: u32| {
                let bits = next(&mut state);
                // Every second round around some exponents that meet, the others of any bits.
                let exponent = if round % 2 == 0 { near + (bits >> 40) as u32 % 27 } else { (bits >> 40) as u32 % 256 };
                // Few significant bits, so that sums hit midpoints.
                let mantissa = if round % 3 == 0 { bits as u32 & 0x0070_0001 } else { bits as u32 & 0x007f_ffff };
                f32::from_bits((exponent << 23) | mantissa | ((bits >> 63) as u32 * 0x8000_0000))
            };
            let near = round % 200;
            let x = any(63 + near / 2);
            let w: Vec<f32> = (0..19).map(|_| any(63 + near / 2)).collect();
            let acc: Vec<f32> = (0..19).map(|_| any(near)).collect();
            assert_fused(x, &w, &acc);
        }
    }

    #[test]
    fn fused_sums_at_midpoints_and_below_the_normal_numbers() {
        let tiny = f32::from_bits(1);
        // 1 + 2^-24 (a midpoint of f32) plus something that f64 loses: the sum rounds up, or down.
        let e = 2f32.powi(-12);
        assert_fused(e, &[e; 17], &[1.0; 17]);
        assert_fused(1.0, &[tiny, -tiny], &[1.0 + 2f32.powi(-23), 1.0]);
        let x = 1.0 + 2f32.powi(-12);
        assert_fused(x, &[x * 2f32.powi(-24); 16], &[1.0; 16]);
        assert_fused(2f32.powi(-75), &[2f32.powi(-75), 1.5 * 2f32.powi(-75), -2f32.powi(-75)], &[0.0, tiny, -tiny]);
        assert_fused(0.0, &[1.0, -1.0, f32::INFINITY, f32::NAN], &[-0.0, -0.0, 1.0, 1.0]);
        assert_fused(f32::MAX, &[2.0, -1.0, 1.0, 1.0], &[-f32::MAX, f32::MAX, 2f32.powi(103), 2f32.powi(102)]);
    }

    #[test]
    fn products_that_f64_rounds_to_a_midpoint_are_found() {
        let midpoint = 1.0 + 2f64.powi(-24);
        assert!(rounds_twice(midpoint) && !rounds_twice(1.0) && !rounds_twice(0.0) && !rounds_twice(-0.0));
        assert!(rounds_twice(2f64.powi(-127)) && !rounds_twice(2f64.powi(-126)));
        // (1 + 2^-23) * 2^-24 is a little more than half an ULP of 1.
        let mut acc = [1.0f32; 16];
        f32::add_products(Numerics::Fused, 2f32.powi(-24), &[1.0 + f32::EPSILON; 16], &mut acc);
        assert_eq!(acc, [1.0 + f32::EPSILON; 16]);
        // 1 + 2^-24 + 2^-60 rounds in f64 to the midpoint, and from there to 1; the exact sum is above it.
        for len in [1, 16] {
            let mut acc = vec![1.0 + 2f32.powi(-23); len];
            f32::add_products(Numerics::Fused, 2f32.powi(-24), &vec![1.0; len], &mut acc);
            assert_eq!(acc, vec![1.0 + 2f32.powi(-22); len]);
            let mut acc = vec![2f32.powi(-60); len];
            f32::add_products(Numerics::Fused, 1.0 + 2f32.powi(-12), &vec![1.0 + 2f32.powi(-12); len], &mut acc);
            assert_eq!(acc, vec![1.0 + 2f32.powi(-11) + 2f32.powi(-23); len]);
        }
    }
}
