// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `acosh_f64`: the inverse hyperbolic cosine, log(1 + t + sqrt(2 t + t^2)) with t = x - 1.
use super::log_f64::log_f64;
use super::log1p_f64::log1p_f64;
use super::sqrt_f64::sqrt_f64;

/// The inverse hyperbolic cosine of `x`. NaN and numbers below 1 give NaN, 1 gives +0, inf gives inf.
///
/// Error at most 4 ULP (sampled).
#[inline]
pub fn acosh_f64(x: f64) -> f64 {
    if x > 268_435_456.0 {
        return log_f64(x) + core::f64::consts::LN_2;
    }
    let t = x - 1.0;
    if t < 0.0 { f64::NAN } else { log1p_f64(t + sqrt_f64(2.0 * t + t * t)) }
}
