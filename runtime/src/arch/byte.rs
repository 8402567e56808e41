// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! 8-bit integers, signed or unsigned, and their bits.

/// The bits of signed bytes.
#[inline(always)]
pub fn bits(x: &[i8]) -> &[u8] {
    // SAFETY: the same memory, lent for as long; all bits are valid in both types.
    unsafe { core::slice::from_raw_parts(x.as_ptr().cast(), x.len()) }
}

/// The bits of signed bytes, for writing.
#[inline(always)]
pub fn bits_mut(y: &mut [i8]) -> &mut [u8] {
    // SAFETY: the same memory, lent for as long; all bits are valid in both types.
    unsafe { core::slice::from_raw_parts_mut(y.as_mut_ptr().cast(), y.len()) }
}

/// Signed bytes with these bits.
#[inline(always)]
pub fn signed(bits: &mut [u8]) -> &mut [i8] {
    // SAFETY: both are bytes of any value.
    unsafe { core::slice::from_raw_parts_mut(bits.as_mut_ptr().cast(), bits.len()) }
}

/// An 8-bit element.
pub trait Byte: Copy {
    /// The value.
    fn wide(self) -> i32;
    /// The byte with the low bits of `v`.
    fn narrow(v: i32) -> Self;
    /// Exclusive or with it turns the bits of a byte into its distance from the smallest byte.
    const FLIP: u8;
    /// The bits of the bytes.
    fn bits(x: &[Self]) -> &[u8];
    /// The bits of the bytes, for writing.
    fn bits_mut(y: &mut [Self]) -> &mut [u8];
    /// Bytes with these bits.
    fn of_bits(bits: &mut [u8]) -> &mut [Self];
    /// The distance from the smallest byte.
    #[inline(always)]
    fn unsigned(self) -> u8 {
        (self.wide() as u8) ^ Self::FLIP
    }
}

impl Byte for u8 {
    const FLIP: u8 = 0;

    #[inline(always)]
    fn wide(self) -> i32 {
        i32::from(self)
    }

    #[inline(always)]
    fn narrow(v: i32) -> u8 {
        v as u8
    }

    #[inline(always)]
    fn bits(x: &[u8]) -> &[u8] {
        x
    }

    #[inline(always)]
    fn bits_mut(y: &mut [u8]) -> &mut [u8] {
        y
    }

    #[inline(always)]
    fn of_bits(bits: &mut [u8]) -> &mut [u8] {
        bits
    }
}

impl Byte for i8 {
    const FLIP: u8 = 0x80;

    #[inline(always)]
    fn wide(self) -> i32 {
        i32::from(self)
    }

    #[inline(always)]
    fn narrow(v: i32) -> i8 {
        v as i8
    }

    #[inline(always)]
    fn bits(x: &[i8]) -> &[u8] {
        bits(x)
    }

    #[inline(always)]
    fn bits_mut(y: &mut [i8]) -> &mut [u8] {
        bits_mut(y)
    }

    #[inline(always)]
    fn of_bits(bits: &mut [u8]) -> &mut [i8] {
        signed(bits)
    }
}
