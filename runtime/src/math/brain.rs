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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_others_are_rounded_to_even() {
        for h in 0..=u16::MAX {
            let x = from_bf16(h);
            assert!(x.is_nan() && from_bf16(to_bf16(x)).is_nan() || to_bf16(x) == h, "{h:#x}");
        }
        for h in 0..0x7f7f_u16 {
            let middle = (u32::from(h) << 16) + 0x8000;
            let rounded = [middle - 1, middle, middle + 1].map(|bits| to_bf16(f32::from_bits(bits)));
            assert_eq!(rounded, [h, h + (h & 1), h + 1]);
        }
        assert_eq!(to_bf16(f32::MAX), 0x7f80);
        assert!(from_bf16(to_bf16(f32::from_bits(0x7f80_0001))).is_nan());
    }
}
