// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `atanh`: the inverse hyperbolic tangent.
use super::log1p::log1p;

/// The inverse hyperbolic tangent of `x`, odd to the bit. NaN and |x| > 1 give NaN, +-1 gives +-inf, -0 gives -0.
///
/// Error at most 1.72 ULP.
#[inline]
pub fn atanh(x: f32) -> f32 {
    let a = x.abs();
    // (1 + a) / (1 - a) = 1 + 2a / (1 - a); for small a the leading term of the quotient is exact.
    let two = a + a;
    let q = if a < 0.5 { two + two * a / (1.0 - a) } else { two / (1.0 - a) };
    // For a > 1 the quotient is below -2 or so, and its logarithm NaN.
    (0.5 * log1p(q)).copysign(x)
}
