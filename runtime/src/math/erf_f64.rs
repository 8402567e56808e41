// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `erf_f64`: the error function, 2 / sqrt(pi) exp(-x^2) (x + 2 x^3 / 3 + 4 x^5 / (3 * 5) + ..); beyond 3/2, one less
//! exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / (x + ..)))).
use super::double_f64::two_product;
use super::exp_f64::exp_f64;

/// The error function of `x`, odd to the bit. NaN gives NaN, +-inf gives +-1, zeros give themselves.
///
/// Error at most 10 ULP (sampled).
#[inline]
pub fn erf_f64(x: f64) -> f64 {
    let a = x.abs();
    // Beyond 6 it rounds to 1.
    if a > 6.0 {
        return 1.0_f64.copysign(x);
    }
    let (square, lost) = two_product(x, x);
    let e = core::f64::consts::FRAC_2_SQRT_PI * (exp_f64(-square) * (1.0 - lost));
    if a > 1.5 {
        // Eighty steps are enough for x = 3/2, and more than enough beyond.
        let (mut below, mut half) = (a, 40.0);
        while half > 0.25 {
            below = a + half / below;
            half -= 0.5;
        }
        return (1.0 - 0.5 * e / below).copysign(x);
    }
    // All terms have one sign.
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > sum.abs() * 1e-18 {
        odd += 2.0;
        term *= 2.0 * square / odd;
        sum += term;
    }
    e * sum
}
