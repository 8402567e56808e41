// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Arithmetic of all element types. Integers wrap; floats follow IEEE 754.
use super::super::math::minmax;

/// An element type that can be summed and compared.
pub trait Number: Copy + PartialOrd {
    /// 0, the start of sums.
    const ZERO: Self;
    /// 1, the start of products.
    const ONE: Self;
    /// The smallest value (-inf for floats), the start of maxima.
    const LOWEST: Self;
    /// The largest value (inf for floats), the start of minima.
    const HIGHEST: Self;

    /// `self + other`.
    fn add(self, other: Self) -> Self;
    /// `self * other`.
    fn mul(self, other: Self) -> Self;
    /// The larger number; NaN if either is NaN; +0 for (-0, +0).
    fn max(self, other: Self) -> Self;
    /// The smaller number; NaN if either is NaN; -0 for (-0, +0).
    fn min(self, other: Self) -> Self;
    /// Whether the value is NaN; never true for integers.
    fn is_nan(self) -> bool;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const LOWEST: Self = <$t>::MIN;
            const HIGHEST: Self = <$t>::MAX;

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }

            #[inline(always)]
            fn max(self, other: Self) -> Self {
                Ord::max(self, other)
            }

            #[inline(always)]
            fn min(self, other: Self) -> Self {
                Ord::min(self, other)
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                false
            }
        }
    )*};
}

macro_rules! floats {
    ($($t:ty: $max:path, $min:path;)*) => {$(
        impl Number for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LOWEST: Self = <$t>::NEG_INFINITY;
            const HIGHEST: Self = <$t>::INFINITY;

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self + other
            }

            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self * other
            }

            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $max(self, other)
            }

            #[inline(always)]
            fn min(self, other: Self) -> Self {
                $min(self, other)
            }

            #[inline(always)]
            fn is_nan(self) -> bool {
                <$t>::is_nan(self)
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);
floats! {
    f32: minmax::max, minmax::min;
    f64: max, min;
}

/// `minmax::max` of `f64`.
#[inline]
fn max(a: f64, b: f64) -> f64 {
    // Both orders of the comparison: they differ only if both are zeros, or one is NaN.
    let (p, q) = (if a > b { a } else { b }, if b > a { b } else { a });
    if a.is_nan() || b.is_nan() { f64::NAN } else { f64::from_bits(p.to_bits() & q.to_bits()) }
}

/// `minmax::min` of `f64`.
#[inline]
fn min(a: f64, b: f64) -> f64 {
    -max(-a, -b)
}
