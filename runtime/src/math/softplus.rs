// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `softplus`: log(1 + exp(x)).
use super::exp::exp;
use super::log1p::ordinary;

/// log(1 + exp(`x`)), as max(x, 0) + log1p(exp(-|x|)). NaN gives NaN, inf gives inf, -inf gives +0;
/// underflow is gradual.
///
/// Error at most 1.68 ULP.
#[inline]
pub fn softplus(x: f32) -> f32 {
    // NaN stays in the first term.
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + ordinary(exp(-x.abs()))
}
