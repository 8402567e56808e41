// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `cosh_f64`: the hyperbolic cosine, (e + 1 / e) / 2 with e = exp(x).
use super::exp_f64::exp_f64;

/// The hyperbolic cosine of `x`, even to the bit. NaN gives NaN, infinities give inf.
///
/// Error at most 4 ULP (sampled).
#[inline]
pub fn cosh_f64(x: f64) -> f64 {
    let a = x.abs();
    if a < 40.0 {
        let e = exp_f64(a);
        return 0.5 * e + 0.5 / e;
    }
    let root = exp_f64(0.5 * a);
    (0.5 * root) * root
}
