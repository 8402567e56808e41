// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `asinh_f64`: the inverse hyperbolic sine, log(1 + x + x^2 / (1 + sqrt(1 + x^2))).
use super::log_f64::log_f64;
use super::log1p_f64::log1p_f64;
use super::sqrt_f64::sqrt_f64;

/// The inverse hyperbolic sine of `x`, odd to the bit. NaN gives NaN, infinities and zeros give themselves.
///
/// Error at most 4 ULP (sampled).
#[inline]
pub fn asinh_f64(x: f64) -> f64 {
    let a = x.abs();
    let y = if a > 268_435_456.0 {
        log_f64(a) + core::f64::consts::LN_2
    } else {
        log1p_f64(a + a * a / (1.0 + sqrt_f64(1.0 + a * a)))
    };
    y.copysign(x)
}
