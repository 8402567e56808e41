// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `expm1_f64`: e to the power x, less 1: its series near 0, else from the parts of `exp_f64`.
use super::exp_f64::{exp_f64, parts};

/// e to the power `x`, less 1. NaN gives NaN, inf gives inf, -inf gives -1, zeros and subnormals give themselves.
///
/// Error at most 3 ULP (sampled).
#[inline]
pub fn expm1_f64(x: f64) -> f64 {
    if x.abs() < 0.35 {
        return x + x * x * series(x);
    }
    if x > 700.0 {
        return exp_f64(x);
    }
    // Below -40 it is -1 to the last bit.
    let (p, s1, s2) = parts(if x < -40.0 { -40.0 } else { x });
    let s = s1 * s2;
    s * p + (s - 1.0)
}

/// (exp(x) - 1 - x) / x^2, Taylor's series: the first term left out is below 2^-61 of the sum.
#[inline]
fn series(x: f64) -> f64 {
    let p = 7.647_163_731_819_816e-13;
    let p = 1.605_904_383_682_161_3e-10 + x * (1.147_074_559_772_972_5e-11 + x * p);
    let p = 2.505_210_838_544_172e-08 + x * (2.087_675_698_786_81e-09 + x * p);
    let p = 2.755_731_922_398_589_3e-06 + x * (2.755_731_922_398_589e-07 + x * p);
    let p = 0.000_198_412_698_412_698_4 + x * (2.480_158_730_158_73e-05 + x * p);
    let p = 0.008_333_333_333_333_333 + x * (0.001_388_888_888_888_889 + x * p);
    let p = 0.166_666_666_666_666_66 + x * (0.041_666_666_666_666_664 + x * p);
    0.5 + x * p
}
