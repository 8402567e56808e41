// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `acosh`: the inverse hyperbolic cosine.

use super::log::log;
use super::log1p::log1p;
use super::sqrt::sqrt;

/// The inverse hyperbolic cosine of `x`, not negative. NaN and x < 1 give NaN, inf gives inf, 1 gives +0.
#[inline]
pub fn acosh(x: f32) -> f32 {
    if x > 4096.0 {
        // sqrt(x^2 - 1) is x to f32 precision.
        return log(x) + core::f32::consts::LN_2;
    }
    // x + sqrt(x^2 - 1) = 1 + t + sqrt(2t + t^2), t = x - 1.
    let t = x - 1.0;
    if t >= 0.0 { log1p(t + sqrt(2.0 * t + t * t)) } else { f32::NAN }
}
