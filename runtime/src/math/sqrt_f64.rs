// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `sqrt_f64`: the square root, correctly rounded, without the instruction. See `sqrt` for the method.

/// The bits of 1.
const ONE: u64 = 0x3ff0_0000_0000_0000;
/// The lowest exponent bit: 2^52.
const IMPLICIT: u64 = 0x0010_0000_0000_0000;
/// 1.5 * 2^52: adding it to a small number rounds that to an integer in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// The square root of `x`, correctly rounded. -0 gives -0, negative numbers and NaN give NaN, inf gives inf.
#[inline]
pub fn sqrt_f64(x: f64) -> f64 {
    // Subnormal numbers times 2^54 are normal; the root is then 2^27 too large.
    let subnormal = x < f64::MIN_POSITIVE;
    let v = if subnormal { x * 18_014_398_509_481_984.0 } else { x };
    let unscale = if subnormal { 1.0 / 134_217_728.0 } else { 1.0 };
    // v = m 4^e, 1 <= m < 4.
    let bits = v.to_bits();
    let e = (((bits >> 52).wrapping_sub(1023)) as i64 >> 1) as u64;
    let m = f64::from_bits(bits.wrapping_sub(e << 53));
    // 1 / sqrt(m): the bits give it within 3.5 %, and each Newton step squares the error.
    let half = 0.5 * m;
    let y = f64::from_bits(0x5fe6_eb50_c7b5_37a9_u64.wrapping_sub(m.to_bits() >> 1));
    let y = y * (1.5 - half * y * y);
    let y = y * (1.5 - half * y * y);
    let y = y * (1.5 - half * y * y);
    let y = y * (1.5 - half * y * y);
    // The root in units of 2^-53, off by a few: the mantissa of m * y, which lies in [1, 2) up to its error.
    let q = (m * y).to_bits().wrapping_sub(ONE).wrapping_add(IMPLICIT) << 1;
    // m 2^106 modulo 2^64.
    let mantissa = (m.to_bits() & (IMPLICIT - 1)) | IMPLICIT;
    let square = if m < 2.0 { mantissa << 54 } else { mantissa << 55 };
    let remainder = square.wrapping_sub(q.wrapping_mul(q)) as i64;
    // (q + d)^2 = q^2 + d (2q + d), so d is nearly remainder / 2q, or remainder * y / 2^54; rounded by an addition.
    let d = (remainder as f64 * (y * (1.0 / 18_014_398_509_481_984.0)) + ROUND).to_bits().wrapping_sub(ROUND.to_bits());
    let remainder = remainder.wrapping_sub(d.wrapping_mul((q << 1).wrapping_add(d)) as i64);
    let q = q.wrapping_add(d);
    // Rounds down: at most one step remains.
    let down = if remainder < 0 { 1 } else { 0 };
    let up = if remainder > (q << 1) as i64 { 1 } else { 0 };
    let q = q.wrapping_add(up).wrapping_sub(down);
    // 2^53 <= q < 2^54: rounds to 53 bits and adds the exponent; a carry goes into the exponent.
    let root = (q.wrapping_add(1) >> 1).wrapping_sub(IMPLICIT).wrapping_add(ONE).wrapping_add(e << 52);
    let y = f64::from_bits(root) * unscale;
    let y = if x < f64::INFINITY { y } else { x };
    let outside = if x == 0.0 { x } else { f64::NAN };
    if x > 0.0 { y } else { outside }
}
