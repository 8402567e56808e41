// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `asin_f64`: the arc sine, atan(x / sqrt(1 - x^2)).
use super::atan_f64::atan_f64;
use super::sqrt_f64::sqrt_f64;

/// The arc sine of `x`, odd to the bit. NaN and numbers beyond 1 give NaN, +-1 gives +-pi/2, zeros give themselves.
///
/// Error at most 4 ULP (sampled).
#[inline]
pub fn asin_f64(x: f64) -> f64 {
    atan_f64(x / sqrt_f64((1.0 - x) * (1.0 + x)))
}
