// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `sqrt`: the square root, correctly rounded, without the instruction and without f64.
//!
//! x = m 4^e, 1 <= m < 4. An approximate root q of m in units of 2^-24 is corrected by the remainder m 2^48 - q^2,
//! which is so small that its low 32 bits suffice, until q is the root rounded down to 25 bits. Rounding that to
//! 24 bits meets no tie: the square of an odd q is odd, but m 2^48 is even. Straight-line code.
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
pub use super::super::arch::arm::fpu::sqrt;
#[cfg(all(target_arch = "aarch64", target_feature = "neon", not(miri)))]
pub use super::super::arch::neon::fpu::sqrt;

/// The square root of `x`, correctly rounded. -0 gives -0, negative numbers and NaN give NaN, inf gives inf.
#[cfg(not(any(
    all(target_arch = "arm", target_abi = "eabihf", target_os = "none"),
    all(target_arch = "aarch64", target_feature = "neon", not(miri))
)))]
#[inline]
pub fn sqrt(x: f32) -> f32 {
    // Subnormal numbers times 2^24 are normal; the root is then 2^12 too large.
    let subnormal = x < f32::MIN_POSITIVE;
    let v = if subnormal { x * 16_777_216.0 } else { x };
    let unscale = if subnormal { 1.0 / 4096.0 } else { 1.0 };
    let bits = v.to_bits();
    let e = ((bits >> 23).wrapping_sub(127) as i32 >> 1) as u32;
    let m = f32::from_bits(bits.wrapping_sub(e << 24));
    // 1 / sqrt(m): the bits give it within 3.5 %, and each Newton step squares the error.
    let half = 0.5 * m;
    let y = f32::from_bits(0x5f37_59df_u32.wrapping_sub(m.to_bits() >> 1));
    let y = y * (1.5 - half * y * y);
    let y = y * (1.5 - half * y * y);
    let y = y * (1.5 - half * y * y);
    // The root in units of 2^-24, off by a few: the mantissa of m * y, which lies in [1, 2) up to its error.
    let q = (m * y).to_bits().wrapping_sub(ONE).wrapping_add(0x0080_0000) << 1;
    // m 2^48 modulo 2^32.
    let mantissa = (m.to_bits() & 0x007f_ffff) | 0x0080_0000;
    let square = if m < 2.0 { mantissa << 25 } else { mantissa << 26 };
    let remainder = square.wrapping_sub(q.wrapping_mul(q)) as i32;
    // (q + d)^2 = q^2 + d (2q + d), so d is nearly remainder / 2q, or remainder * y / 2^25; rounded by an addition.
    let d = (remainder as f32 * (y * (1.0 / 33_554_432.0)) + ROUND).to_bits().wrapping_sub(ROUND.to_bits());
    let remainder = remainder.wrapping_sub(d.wrapping_mul((q << 1).wrapping_add(d)) as i32);
    let q = q.wrapping_add(d);
    // Rounds down: at most one step remains.
    let down = if remainder < 0 { 1 } else { 0 };
    let up = if remainder > (q << 1) as i32 { 1 } else { 0 };
    let q = q.wrapping_add(up).wrapping_sub(down);
    // 2^24 <= q < 2^25: rounds to 24 bits and adds the exponent; a carry goes into the exponent.
    let root = (q.wrapping_add(1) >> 1).wrapping_sub(0x0080_0000).wrapping_add(ONE).wrapping_add(e << 23);
    let y = f32::from_bits(root) * unscale;
    let y = if x < f32::INFINITY { y } else { x };
    let outside = if x == 0.0 { x } else { f32::NAN };
    if x > 0.0 { y } else { outside }
}

#[cfg(not(any(
    all(target_arch = "arm", target_abi = "eabihf", target_os = "none"),
    all(target_arch = "aarch64", target_feature = "neon", not(miri))
)))]
/// The bits of 1.
const ONE: u32 = 0x3f80_0000;
#[cfg(not(any(
    all(target_arch = "arm", target_abi = "eabihf", target_os = "none"),
    all(target_arch = "aarch64", target_feature = "neon", not(miri))
)))]
/// 1.5 * 2^23: adding it to a small number rounds that to an integer in the low bits.
const ROUND: f32 = 12_582_912.0;
