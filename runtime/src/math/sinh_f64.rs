// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `sinh_f64`: the hyperbolic sine, (e + e / (e + 1)) / 2 with e = exp(x) - 1.
use super::exp_f64::exp_f64;
use super::expm1_f64::expm1_f64;

/// The hyperbolic sine of `x`, odd to the bit. NaN gives NaN, infinities and zeros give themselves.
///
/// Error at most 4 ULP (sampled).
#[inline]
pub fn sinh_f64(x: f64) -> f64 {
    let a = x.abs();
    let y = if a < 40.0 {
        let e = expm1_f64(a);
        0.5 * (e + e / (e + 1.0))
    } else {
        // In two factors, which do not overflow before the result does.
        let root = exp_f64(0.5 * a);
        (0.5 * root) * root
    };
    y.copysign(x)
}
