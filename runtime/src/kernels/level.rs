// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized numbers of 8 or 16 bits, as products of 16-bit numbers take them.

/// A quantized number.
pub trait Level: Copy {
    /// What [`Level::word`] is less than the value.
    const LESS: i32;

    /// The value less [`Level::LESS`], as a signed number of 16 bits.
    fn word(self) -> i16;

    /// The value.
    fn value(self) -> i32;

    /// The number with the low bits of `v`.
    fn narrow(v: i32) -> Self;
}

macro_rules! levels {
    ($($t:ident less $less:literal),*) => {$(
        impl Level for $t {
            const LESS: i32 = $less;

            #[inline(always)]
            fn word(self) -> i16 {
                (self as i32 - $less) as i16
            }

            #[inline(always)]
            fn value(self) -> i32 {
                self.into()
            }

            #[inline(always)]
            fn narrow(v: i32) -> $t {
                v as $t
            }
        }
    )*};
}

levels!(i8 less 0, u8 less 0, i16 less 0, u16 less 32768);
