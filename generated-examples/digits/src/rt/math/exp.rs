// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `exp`: e to the power x.
//!
//! x = n ln 2 + r with |r| <= ln 2 / 2, exp(x) = 2^n (1 + r + r^2 q(r)); q is a minimax polynomial of degree 4
//! on [-0.3468, 0.3468], error 2^-28.2 relative to exp (`tools/minimax.py exp`). Straight-line code.

/// 1.5 * 2^23 + 254: adding it to a small number rounds that to an integer n, and leaves n + 254 in the low bits.
const ROUND: f32 = 12583166.0;
/// ln 2, the upper 16 bits: its product with |n| < 256 is exact.
const LN2_HI: f32 = 0.693_145_75;
/// ln 2 - LN2_HI.
const LN2_LO: f32 = 1.428_606_8e-6;

/// e to the power `x`. NaN gives NaN, inf gives inf, -inf gives +0, zeros give 1; overflow gives inf,
/// underflow is gradual (subnormal results are rounded once).
///
/// Error at most 0.99 ULP.
#[inline]
pub fn exp(x: f32) -> f32 {
    scaled(x, ROUND)
}

/// exp(x) * 2^(round - ROUND).
#[inline(always)]
fn scaled(x: f32, round: f32) -> f32 {
    // Beyond these bounds the result is inf or 0 anyway; a NaN passes both comparisons.
    let x = if x > 90.0 { 90.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let t = x * core::f32::consts::LOG2_E + round;
    let n = t - round;
    let r = (x - n * LN2_HI) - n * LN2_LO;
    // Higher terms are computed beside lower ones, which keeps the chain of dependent operations short.
    let r2 = r * r;
    let high = 0.041_668_106 + r * 0.008_369_141 + r2 * 0.001_383_678;
    let q = 0.499_999_94 + (r * 0.166_665_17 + r2 * high);
    let y = 1.0 + (r + r2 * q);
    // 2^n in two factors, each a normal number: s1 has the exponent field (n + 254) / 2, s2 the rest.
    let bits = t.to_bits();
    let s1 = (bits >> 1) << 23;
    let s2 = (bits << 23).wrapping_sub(s1);
    y * f32::from_bits(s1) * f32::from_bits(s2)
}
