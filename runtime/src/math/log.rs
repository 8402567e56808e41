// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `log`: the natural logarithm.
//!
//! x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); with s = f / (2 + f), z = s^2,
//! log(1 + f) = f - f^2/2 + s (f^2/2 + R), R = z P(z), P minimax of degree 2 on s^2 <= 0.02945, relative error
//! 2^-30 (`tools/minimax.py log3`). Straight-line code.

/// The bits of sqrt(1/2).
const SQRT_HALF: u32 = 0x3f35_04f3;
/// ln 2, the upper 16 bits: its product with |k| < 256 is exact.
const LN2_HI: f32 = 0.693_145_75;
/// ln 2 - LN2_HI.
const LN2_LO: f32 = 1.428_606_8e-6;

/// The natural logarithm of `x`. Zeros give -inf, negative numbers and NaN give NaN, inf gives inf, 1 gives +0.
///
/// Error at most 0.84 ULP.
#[inline]
pub fn log(x: f32) -> f32 {
    // 0 for ordinary numbers. For others it decides the result: inf - MAX, NaN - NaN, or what the comparisons choose.
    let above = x - if x > f32::MAX { f32::MAX } else { x };
    let below = if x == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
    let special = if x > 0.0 { above } else { below };
    // Subnormal numbers times 2^23 are normal.
    let subnormal = x < f32::MIN_POSITIVE;
    let v = if subnormal { x * 8_388_608.0 } else { x };
    let bias = if subnormal { -23.0 } else { 0.0 };
    let bits = v.to_bits();
    let e = (bits.wrapping_sub(SQRT_HALF) as i32) >> 23;
    let k = e as f32 + bias;
    let f = f32::from_bits(bits.wrapping_sub((e as u32) << 23)) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * (0.666_667_76 + z * (0.399_775_8 + z * 0.298_709_6));
    let h = 0.5 * f * f;
    ((s * (h + r) + (k * LN2_LO + special)) - h) + f + k * LN2_HI
}
