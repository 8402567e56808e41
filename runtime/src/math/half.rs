// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `from_f16`, `to_f16`: IEEE 754 binary16 as the bits of a `u16`, to f32 and back.
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
pub use super::super::arch::arm::fpu::{from_f16, to_f16};

/// 2^112: the ratio of numbers whose bits are the same but for the bias of the exponent, 127 or 15.
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf", target_os = "none")))]
const REBIAS: f32 = 5.192_297e33;

/// The number with the bits `h`; exact. NaN gives NaN.
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf", target_os = "none")))]
#[inline]
pub fn from_f16(h: u16) -> f32 {
    let magnitude = (h as u32 & 0x7fff) << 13;
    let finite = (f32::from_bits(magnitude) * REBIAS).to_bits();
    let bits = if magnitude >= 0x0f80_0000 { magnitude | 0x7f80_0000 } else { finite };
    f32::from_bits(bits | (h as u32 & 0x8000) << 16)
}

/// The bits of the binary16 number nearest to `x`, ties to even. From 65520 on that is infinity; NaN gives a quiet NaN.
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf", target_os = "none")))]
#[inline]
pub fn to_f16(x: f32) -> u16 {
    let bits = x.to_bits();
    let magnitude = bits & 0x7fff_ffff;
    // The lowest 13 bits are rounded away; 112 is taken from the exponent.
    let up = 0x0fff + (magnitude >> 13 & 1);
    let normal = magnitude.wrapping_add(up).wrapping_sub(112 << 23) >> 13;
    // Neighbours of 1/2 are as far apart as the least numbers: the sum has how many of them there are in its low bits.
    let small = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0.5_f32.to_bits());
    let finite = if magnitude < 113 << 23 { small } else { normal };
    let bounded = if magnitude >= 0x477f_f000 { 0x7c00 } else { finite };
    let number = if magnitude > 0x7f80_0000 { 0x7e00 } else { bounded };
    (number | bits >> 16 & 0x8000) as u16
}
