// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `tanh_f64`: the hyperbolic tangent, (exp(2|x|) - 1) / (exp(2|x|) + 1) with exp(2|x|) = s (1 + p), so that
//! numerator and denominator are s p + (s - 1) and s p + (s + 1): no cancellation.
use super::exp_f64::parts;

/// The hyperbolic tangent of `x`, odd to the bit. NaN gives NaN, +-inf gives +-1, -0 gives -0, subnormals give
/// themselves.
///
/// Error at most 3 ULP (sampled).
#[inline]
pub fn tanh_f64(x: f64) -> f64 {
    let a = x.abs();
    // tanh rounds to 1 from 19.1 on; a NaN passes the comparison.
    let c = if a > 20.0 { 20.0 } else { a };
    let (p, s1, s2) = parts(c + c);
    let s = s1 * s2;
    let y = (s * p + (s - 1.0)) / (s * p + (s + 1.0));
    y.copysign(x)
}
