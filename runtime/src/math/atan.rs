// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `atan`: the inverse tangent.
//!
//! |x| is brought below tan(pi/8) by atan(x) = pi/4 + atan((x - 1) / (x + 1)) or pi/2 - atan(1 / x); there
//! t + t z P(z), z = t^2, P minimax of degree 4, relative error 2^-30 (`tools/minimax.py atan`).

/// The inverse tangent of `x`, odd to the bit. NaN gives NaN, +-inf gives +-pi/2 rounded, -0 gives -0.
///
/// Error at most 1.93 ULP.
#[inline]
pub fn atan(x: f32) -> f32 {
    let a = x.abs();
    // tan(3 pi / 8), tan(pi / 8); pi/2 and pi/4 are in two parts.
    let (t, hi, lo) = if a > 2.414_213_7 {
        (-1.0 / a, core::f32::consts::FRAC_PI_2, -4.371_139e-8)
    } else if a > 0.414_213_57 {
        ((a - 1.0) / (a + 1.0), core::f32::consts::FRAC_PI_4, -2.185_569_4e-8)
    } else {
        (a, 0.0, 0.0)
    };
    let z = t * t;
    let p = -0.333_333_16 + z * (0.199_985_28 + z * (-0.142_443_91 + z * (0.105_991_68 + z * -0.060_900_524)));
    let y = hi + (t + (t * z * p + lo));
    y.copysign(x)
}
