// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `softplus_f64`: log(1 + exp(x)), as max(x, 0) + log(1 + exp(-|x|)).
use super::exp_f64::exp_f64;
use super::log1p_f64::log1p_f64;

/// log(1 + exp(`x`)). NaN gives NaN, inf gives inf, -inf gives +0.
///
/// Error at most 3 ULP (sampled).
#[inline]
pub fn softplus_f64(x: f64) -> f64 {
    let rest = log1p_f64(exp_f64(-x.abs()));
    if x > 0.0 { x + rest } else { rest }
}
