// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `erf`: the error function.
//!
//! |x| < 1.09: x + x P(x^2), P minimax of degree 6, relative error 2^-27.8 (`tools/minimax.py erf_small`).
//! Otherwise 1 - Q(|x|)^8, Q minimax of degree 6 for the absolute error of erfc, 2^-26.8, on [1.09, 3.95]
//! (`tools/minimax.py erf_large`); from 3.95 on the result is 1. Both are computed and one is selected:
//! straight-line code.

/// The error function of `x`, odd to the bit. NaN gives NaN, +-inf gives +-1, -0 gives -0.
#[inline]
pub fn erf(x: f32) -> f32 {
    let a = x.abs();
    let z = a * a;
    let small = a + a
        * (0.128_379_17
            + z * (-0.376_126_1
                + z * (0.112_833_69
                    + z * (-0.026_843_851 + z * (0.005_168_465 + z * (-0.000_783_146_53 + z * 7.258_021e-5))))));
    // A NaN passes the comparison.
    let c = if a > 3.95 { 3.95 } else { a };
    let q = 1.001_06
        + c * (-0.145_900_58
            + c * (-0.060_146_764
                + c * (-0.012_392_108 + c * (0.013_372_345 + c * (-0.002_571_853_6 + c * 0.000_159_366)))));
    let q2 = q * q;
    let q4 = q2 * q2;
    let large = 1.0 - q4 * q4;
    let y = if a < 1.09 { small } else { large };
    y.copysign(x)
}
