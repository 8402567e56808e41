// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `cosh`: the hyperbolic cosine, h + 1/(4h) with h = exp(|x|) / 2.
use super::exp::half_exp;

/// The hyperbolic cosine of `x`, even to the bit. NaN gives NaN, infinities and overflow give inf.
///
/// Error at most 1.44 ULP.
#[inline]
pub fn cosh(x: f32) -> f32 {
    let h = half_exp(x.abs());
    h + 0.25 / h
}
