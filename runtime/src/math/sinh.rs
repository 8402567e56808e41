// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `sinh`: the hyperbolic sine.
//!
//! |x| < 1: x + x z P(z), z = x^2, P minimax of degree 3, relative error 2^-31.6 (`tools/minimax.py sinh`).
//! Otherwise h - 1/(4h) with h = exp(|x|) / 2.
use super::exp::half_exp;

/// The hyperbolic sine of `x`, odd to the bit. NaN gives NaN, +-inf and overflow give +-inf, -0 gives -0.
///
/// Error at most 1.62 ULP.
#[inline]
pub fn sinh(x: f32) -> f32 {
    let a = x.abs();
    let z = a * a;
    let small = a + a * z * (0.166_666_67 + z * (0.008_333_31 + z * (0.000_198_428_96 + z * 2.782_213_2e-6)));
    let h = half_exp(a);
    let large = h - 0.25 / h;
    let y = if a < 1.0 { small } else { large };
    y.copysign(x)
}
