// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `exp_f64`: e to the power x, and the reduction it shares with `tanh_f64`.
//!
//! As `exp`: x = n ln 2 + r, exp(x) = 2^n (1 + r + r^2 q(r)), q of degree 9 on [-0.34659, 0.34659], error 2^-55.4
//! relative to expm1 (`tools/minimax.py exp_f64`).

/// 1.5 * 2^52 + 2046: adding it to a small number rounds that to an integer n, and leaves n + 2046 in the low bits.
const ROUND: f64 = 6_755_399_441_057_790.0;
/// ln 2, 40 bits after the point: its product with |n| < 2^12 is exact.
const LN2_HI: f64 = 0.693_147_180_559_208_2;
/// ln 2 - LN2_HI.
const LN2_LO: f64 = 7.371_002_565_167_799e-13;

/// e to the power `x`. NaN gives NaN, inf gives inf, -inf gives +0, zeros give 1; overflow gives inf,
/// underflow is gradual (subnormal results are rounded once).
///
/// Error at most 1 ULP (sampled).
#[inline]
pub fn exp_f64(x: f64) -> f64 {
    // Beyond these bounds the result is inf or 0 anyway; a NaN passes both comparisons.
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (p, s1, s2) = parts(x);
    (1.0 + p) * s1 * s2
}

/// (p, s1, s2) with exp(`x`) = (1 + p) s1 s2, |p| < 0.42 and powers of two s1, s2, for |x| < 750.
#[inline(always)]
pub(super) fn parts(x: f64) -> (f64, f64, f64) {
    let t = x * core::f64::consts::LOG2_E + ROUND;
    let n = t - ROUND;
    let r = (x - n * LN2_HI) - n * LN2_LO;
    let q = 2.762_770_042_821_963e-7 + r * 2.512_329_048_791_594_4e-8;
    let q = 2.480_150_044_714_151e-5 + r * (2.755_718_882_727_454_6e-6 + r * q);
    let q = 0.001_388_888_893_619_964 + r * (0.000_198_412_699_495_766_48 + r * q);
    let q = 0.041_666_666_666_560_74 + r * (0.008_333_333_333_298_293 + r * q);
    let q = 0.500_000_000_000_000_7 + r * (0.166_666_666_666_666_96 + r * q);
    let bits = t.to_bits();
    let s1 = (bits >> 1) << 52;
    let s2 = (bits << 52).wrapping_sub(s1);
    (r + r * r * q, f64::from_bits(s1), f64::from_bits(s2))
}
