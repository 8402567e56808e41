// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `asin`: the inverse sine, and the polynomial it shares with `acos`.
//!
//! |x| <= 1/2: x + x z P(z), z = x^2, P minimax of degree 4, relative error 2^-27.6 (`tools/minimax.py asin`).
//! Otherwise pi/2 - 2 asin(sqrt((1 - |x|) / 2)), with the root in two parts.
use super::sqrt::sqrt;

/// (asin(t) - t) / t for z = t^2 <= 1/4.
#[inline]
pub(super) fn excess(z: f32) -> f32 {
    z * (0.166_667_52 + z * (0.074_953_094 + z * (0.045_469_154 + z * (0.024_184_741 + z * 0.042_158_4))))
}

/// The square root of `z` as the sum of two f32, the first with 12 bits, so that its square is exact.
#[inline]
pub(super) fn split_root(z: f32) -> (f32, f32) {
    let s = sqrt(z);
    let hi = f32::from_bits(s.to_bits() & 0xffff_f000);
    // If the root is zero, the quotient would be 0 / 0.
    let lo = if s > 0.0 { (z - hi * hi) / (s + hi) } else { 0.0 };
    (hi, lo)
}

/// The inverse sine of `x`, odd to the bit. NaN and |x| > 1 give NaN, -0 gives -0.
///
/// Error at most 0.73 ULP.
#[inline]
pub fn asin(x: f32) -> f32 {
    let a = x.abs();
    // For a > 1 this is negative, and its root NaN.
    let z = if a > 0.5 { 0.5 * (1.0 - a) } else { a * a };
    let (hi, lo) = split_root(z);
    let e = excess(z);
    // pi/2 - 2 (hi + lo + root * e), plus the rounding error of the first difference.
    let half_pi = core::f32::consts::FRAC_PI_2;
    let first = half_pi - 2.0 * hi;
    let lost = (half_pi - first) - 2.0 * hi;
    let rest = 2.0 * (lo + (hi + lo) * e) - HALF_PI_LO;
    let large = first - (rest - lost);
    let small = a + a * e;
    let y = if a > 0.5 { large } else { small };
    y.copysign(x)
}

/// pi/2 - FRAC_PI_2.
pub(super) const HALF_PI_LO: f32 = -4.371_139e-8;
