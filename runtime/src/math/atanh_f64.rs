// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `atanh_f64`: the inverse hyperbolic tangent, log(1 + 2 x / (1 - x)) / 2.
use super::log1p_f64::log1p_f64;

/// The inverse hyperbolic tangent of `x`, odd to the bit. NaN and numbers beyond 1 give NaN, +-1 gives +-inf, zeros give
/// themselves.
///
/// Error at most 4 ULP (sampled).
#[inline]
pub fn atanh_f64(x: f64) -> f64 {
    let a = x.abs();
    if a > 1.0 {
        return f64::NAN;
    }
    (0.5 * log1p_f64(2.0 * a / (1.0 - a))).copysign(x)
}
