// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `expm1`: exp(x) - 1 without cancellation.
//!
//! x = n ln 2 + r, expm1(x) = 2^n p + (2^n - 1) with p = expm1(r) = r + r^2 q(r); q is a minimax polynomial of
//! degree 5 on [-0.3468, 0.3468], error 2^-31 relative to expm1 (`tools/minimax.py expm1`).

/// 1.5 * 2^23 + 254: adding it to a small number rounds that to an integer n, and leaves n + 254 in the low bits.
const ROUND: f32 = 12583166.0;
/// ln 2, the upper 16 bits: its product with |n| < 256 is exact.
const LN2_HI: f32 = 0.693_145_75;
/// ln 2 - LN2_HI.
const LN2_LO: f32 = 1.428_606_8e-6;

/// exp(`x`) - 1. NaN gives NaN, inf gives inf, -inf gives -1, zeros and subnormals give themselves;
/// overflow gives inf.
///
/// Error at most 1.46 ULP.
#[inline]
pub fn expm1(x: f32) -> f32 {
    let c = if x > 90.0 { 90.0 } else { x };
    let c = if c < -104.0 { -104.0 } else { c };
    let t = c * core::f32::consts::LOG2_E + ROUND;
    let n = t - ROUND;
    let r = (c - n * LN2_HI) - n * LN2_LO;
    let q = 0.5
        + r * (0.166_666_66 + r * (0.041_666_467 + r * (0.008_333_644 + r * (0.001_393_505_8 + r * 0.000_196_631_14))));
    let p = r + r * r * q;
    // 2^n = s1 * s2, and inverse = 1 / s2, so that nothing overflows before the last product.
    let bits = t.to_bits();
    let s1 = (bits >> 1) << 23;
    let s2 = (bits << 23).wrapping_sub(s1);
    let inverse = f32::from_bits((254_u32 << 23).wrapping_sub(s2));
    let s1 = f32::from_bits(s1);
    let y = (s1 * p + (s1 - inverse)) * f32::from_bits(s2);
    // The sum above turns -0 into +0.
    if x == 0.0 { x } else { y }
}
