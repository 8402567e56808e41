// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `log_f64`: the natural logarithm, as `log` with P of degree 6, relative error 2^-59 (`tools/minimax.py log_f64`).

/// The bits of sqrt(1/2).
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// ln 2, 40 bits after the point: its product with |k| < 2^12 is exact.
const LN2_HI: f64 = 0.693_147_180_559_208_2;
/// ln 2 - LN2_HI.
const LN2_LO: f64 = 7.371_002_565_167_799e-13;

/// The natural logarithm of `x`. Zeros give -inf, negative numbers and NaN give NaN, inf gives inf, 1 gives +0.
///
/// Error at most 1 ULP (sampled).
#[inline]
pub fn log_f64(x: f64) -> f64 {
    // 0 for ordinary numbers. For others it decides the result: inf - MAX, NaN - NaN, or what the comparisons choose.
    let above = x - if x > f64::MAX { f64::MAX } else { x };
    let below = if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    let special = if x > 0.0 { above } else { below };
    // Subnormal numbers times 2^52 are normal.
    let subnormal = x < f64::MIN_POSITIVE;
    let v = if subnormal { x * 4_503_599_627_370_496.0 } else { x };
    let bias = if subnormal { -52.0 } else { 0.0 };
    let bits = v.to_bits();
    let e = (bits.wrapping_sub(SQRT_HALF) as i64) >> 52;
    let k = e as i32 as f64 + bias;
    let f = f64::from_bits(bits.wrapping_sub((e as u64) << 52)) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let r = 0.181_835_634_361_515 + z * (0.153_140_656_252_144_9 + z * 0.147_958_674_233_197_06);
    let r = 0.399_999_999_994_165_5 + z * (0.285_714_287_420_758_7 + z * (0.222_221_985_970_162_24 + z * r));
    let r = z * (0.666_666_666_666_673_4 + z * r);
    let h = 0.5 * f * f;
    ((s * (h + r) + (k * LN2_LO + special)) - h) + f + k * LN2_HI
}
