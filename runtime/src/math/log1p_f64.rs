// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `log1p_f64`: the natural logarithm of 1 + x: log(u) + (1 + x - u) / u with u = 1 + x rounded.
use super::log_f64::log_f64;

/// The natural logarithm of 1 + `x`. NaN and numbers below -1 give NaN, -1 gives -inf, inf gives inf, zeros give themselves.
///
/// Error at most 3 ULP (sampled).
#[inline]
pub fn log1p_f64(x: f64) -> f64 {
    let u = 1.0 + x;
    if u == 1.0 {
        return x;
    }
    if u == f64::INFINITY || u == 0.0 {
        return log_f64(u);
    }
    let lost = if x.abs() < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    log_f64(u) + lost / u
}
