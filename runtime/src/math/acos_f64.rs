// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `acos_f64`: the arc cosine, 2 atan(sqrt((1 - x) / (1 + x))).
use super::atan_f64::atan_f64;
use super::sqrt_f64::sqrt_f64;

/// The arc cosine of `x`. NaN and numbers beyond 1 give NaN, 1 gives +0, -1 gives pi.
///
/// Error at most 4 ULP (sampled).
#[inline]
pub fn acos_f64(x: f64) -> f64 {
    2.0 * atan_f64(sqrt_f64((1.0 - x) / (1.0 + x)))
}
