// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `sigmoid_f64`: 1 / (1 + exp(-x)).
use super::exp_f64::exp_f64;

/// 1 / (1 + exp(-`x`)). NaN gives NaN, inf gives 1, -inf gives +0.
///
/// Error at most 3 ULP of normal results (sampled); below -709 the result is +0.
#[inline]
pub fn sigmoid_f64(x: f64) -> f64 {
    1.0 / (1.0 + exp_f64(-x))
}
