// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `sigmoid`: 1 / (1 + exp(-x)).
//!
//! -x = n ln 2 - r, and 1 + exp(-x) = (1 + 2^n) + 2^n p, p = expm1(-r) = r^2 q(-r) - r, with the polynomial q of `exp`.
//! The first sum is exact (its second part is kept), so there is one rounding only before the division. Straight-line
//! code.

/// 1.5 * 2^23 + 254: adding it to a small number rounds that to an integer n, and leaves n + 254 in the low bits.
const ROUND: f32 = 12583166.0;
/// ln 2, the upper 16 bits: its product with |n| < 256 is exact.
const LN2_HI: f32 = 0.693_145_75;
/// ln 2 - LN2_HI.
const LN2_LO: f32 = 1.428_606_8e-6;

/// The logistic function of `x`. NaN gives NaN, inf gives 1, -inf gives +0, zeros give 0.5; underflow is gradual.
///
/// Error at most 1.75 ULP.
#[inline]
pub fn sigmoid(x: f32) -> f32 {
    let x = if x > 104.0 { 104.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let t = ROUND - x * core::f32::consts::LOG2_E;
    let n = t - ROUND;
    let r = (x + n * LN2_HI) + n * LN2_LO;
    let q = 0.499_999_94 - r * (0.166_665_17 - r * (0.041_668_106 - r * (0.008_369_141 - r * 0.001_383_678)));
    let p = r * r * q - r;
    // 2^n = s1 / inverse, both normal numbers. Multiplying numerator and denominator by inverse keeps everything from
    // overflowing, and lets only the quotient underflow.
    let bits = t.to_bits();
    let s1 = (bits >> 1) << 23;
    let inverse = f32::from_bits(s1.wrapping_sub(bits << 23).wrapping_add(254 << 23));
    let s1 = f32::from_bits(s1);
    let h = inverse + s1;
    // The rounding error of h; it matters if the terms are 24 binades apart.
    let lost = inverse - (h - s1);
    inverse / (h + (s1 * p + lost))
}
