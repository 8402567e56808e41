// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `asinh`: the inverse hyperbolic sine.

use super::log::log;
use super::log1p::log1p;
use super::sqrt::sqrt;

/// The inverse hyperbolic sine of `x`, odd to the bit. NaN gives NaN, +-inf gives +-inf, -0 gives -0.
#[inline]
pub fn asinh(x: f32) -> f32 {
    let a = x.abs();
    let y = if a > 4096.0 {
        // sqrt(x^2 + 1) is x to f32 precision.
        log(a) + core::f32::consts::LN_2
    } else {
        let z = a * a;
        // a + sqrt(a^2 + 1) = 1 + a + a^2 / (1 + sqrt(a^2 + 1)).
        log1p(a + z / (1.0 + sqrt(z + 1.0)))
    };
    y.copysign(x)
}
