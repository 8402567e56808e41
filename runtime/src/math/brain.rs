// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `from_bf16`, `to_bf16`: bfloat16, the upper half of an f32, as the bits of a `u16`, to f32 and back.

/// The number with the bits `h`; exact.
#[inline]
pub fn from_bf16(h: u16) -> f32 {
    f32::from_bits((h as u32) << 16)
}

/// The bits of the bfloat16 number nearest to `x`, ties to even; NaN gives a quiet NaN.
#[inline]
pub fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    let number = if x.is_nan() { bits >> 16 | 0x40 } else { rounded };
    number as u16
}
