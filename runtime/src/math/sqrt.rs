// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `sqrt`: the square root, correctly rounded, without the instruction and without f64.
//!
//! x = m 4^e; an approximate root q of m in units of 2^-24 is corrected by its remainder m 2^48 - q^2, which is
//! small, so that its low 32 bits suffice. q then is the root rounded down to 25 bits; the 24-bit result
//! is never halfway between two numbers, since an odd q squared is no multiple of four.

/// The square root of `x`, correctly rounded. -0 gives -0, negative numbers and NaN give NaN, inf gives inf.
#[inline]
pub fn sqrt(x: f32) -> f32 {
    // Subnormal numbers times 2^24 are normal; the root is then 2^12 too large.
    let subnormal = x < f32::MIN_POSITIVE;
    let v = if subnormal { x * 16_777_216.0 } else { x };
    let unscale = if subnormal { 1.0 / 4096.0 } else { 1.0 };
    // v = m 2^(2e), 1 <= m < 4.
    let bits = v.to_bits();
    let exponent = (bits >> 23).wrapping_sub(127);
    let e = ((exponent as i32) >> 1) as u32;
    let m = f32::from_bits(bits.wrapping_sub(e << 24));
    // 1 / sqrt(m): within 3.5 % by the bits, squared by each Newton step.
    let mut y = f32::from_bits(0x5f37_59df_u32.wrapping_sub(m.to_bits() >> 1));
    let half = 0.5 * m;
    y = y * (1.5 - half * y * y);
    y = y * (1.5 - half * y * y);
    y = y * (1.5 - half * y * y);
    // The root in units of 2^-24, at first off by a few units; N = m 2^48.
    let q = (m * y * 16_777_216.0) as i32 as u32;
    let mantissa = (m.to_bits() & 0x007f_ffff) | 0x0080_0000;
    let low = if m < 2.0 { mantissa << 25 } else { mantissa << 26 };
    let remainder = low.wrapping_sub(q.wrapping_mul(q)) as i32;
    // N - q^2 = d (2q + d), so d is nearly remainder / 2q = remainder * y / 2^25.
    let d = (remainder as f32 * y * (1.0 / 33_554_432.0)) as i32 as u32;
    let remainder = remainder.wrapping_sub(d.wrapping_mul(q.wrapping_add(q).wrapping_add(d)) as i32);
    let q = q.wrapping_add(d);
    // d was rounded towards zero: one step remains at most.
    let above = (q.wrapping_add(q) as i32) < remainder;
    let q = if remainder < 0 { q.wrapping_sub(1) } else { q };
    let q = if above { q.wrapping_add(1) } else { q };
    // q has 25 bits, 2^24 <= q < 2^25: round to 24 of them.
    let root = (q.wrapping_add(1) >> 1) as f32 * (1.0 / 8_388_608.0);
    let y = f32::from_bits(root.to_bits().wrapping_add(e << 23)) * unscale;
    let special = x == 0.0 || x == f32::INFINITY;
    let outside = if special { x } else { f32::NAN };
    if x > 0.0 && x < f32::INFINITY { y } else { outside }
}
