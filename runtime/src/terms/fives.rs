// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sums of five inputs whose weights are -1, 0 or 1, and the byte that says which weights.
//!
//! A byte is `28 * (3 * d0 + d1) + (9 * d2 + 3 * d3 + d4)`, where a digit `d` is a weight plus 1. Three digits count to 27 only; with
//! 28 the sums of each first two digits begin at a whole word of a table of 16-bit sums.

use core::ops::{Add, Neg, Sub};

/// Inputs of a group, and weights in a byte.
pub const FIVE: usize = 5;

/// What the first two digits are multiplied by.
pub const TWOS: usize = 28;

/// The sums of every group that a byte can name, by the byte.
pub type Table = [f32; 256];

/// The same of bytes, two sums to a word, the lower byte's in the low half.
pub type WordTable = [u32; 128];

/// What inputs and their sums are.
pub trait Term: Copy + Default + Add<Output = Self> + Sub<Output = Self> + Neg<Output = Self> {}

impl Term for f32 {}

impl Term for i16 {}

/// The sums that two inputs of a group have, and those of the other three: a group's sum is one of each, added.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(4))]
pub struct Parts<T> {
    /// By the first two digits.
    pub two: [T; 16],
    /// By the other three.
    pub three: [T; 32],
}

impl<T: Term> Parts<T> {
    /// The sums of five inputs: `x0 + x1` and `(x2 + x3) + x4`, each input with its weight. Spelled out, so that it is straight code
    /// where loops are not unrolled. The sign of a zero does not matter: it is added to a sum that is +0 or none.
    #[inline(always)]
    #[rustfmt::skip]
    pub fn new([x0, x1, x2, x3, x4]: [T; FIVE]) -> Self {
        let o = T::default();
        let (s, d) = (x0 + x1, x0 - x1);
        let (p, m) = (x2 + x3, x2 - x3);
        // The differences, then the sums with the last one.
        let (p0, m0, a0, b0) = (p - x4, m - x4, x2 - x4, x3 - x4);
        let (p1, m1, a1, b1) = (p + x4, m + x4, x2 + x4, x3 + x4);
        Parts {
            two: [
                -s, -x0, -d, -x1, o, x1, d, x0, s,
                o, o, o, o, o, o, o,
            ],
            three: [
                -p1, -p, -p0, -a1, -x2, -a0, -m1, -m, -m0, -b1, -x3, -b0, -x4,
                o,
                x4, b0, x3, b1, m0, m, m1, a0, x2, a1, p0, p, p1,
                o, o, o, o, o,
            ],
        }
    }

    /// The sum that a byte names.
    #[inline(always)]
    pub fn sum(&self, byte: u8) -> T {
        // A division by 28 of all that a byte can be.
        let two = (usize::from(byte) * 293) >> 13;
        self.two[two & 15] + self.three[(usize::from(byte) - TWOS * two) & 31]
    }
}

impl Parts<f32> {
    /// The sums of all bytes.
    #[inline(always)]
    pub fn fill(&self, table: &mut Table) {
        let Some(three) = self.three.first_chunk::<TWOS>() else { return };
        for (table, two) in table.as_chunks_mut::<TWOS>().0.iter_mut().zip(self.two) {
            *table = three.map(|three| two + three);
        }
    }
}

impl Parts<i16> {
    /// The sums of all bytes.
    #[inline(always)]
    pub fn fill(&self, table: &mut WordTable) {
        let (pairs, _) = self.three.as_chunks::<2>();
        for (table, two) in table.as_chunks_mut::<{ TWOS / 2 }>().0.iter_mut().zip(self.two) {
            for (word, [low, high]) in table.iter_mut().zip(pairs) {
                *word = u32::from((two + low) as u16) | u32::from((two + high) as u16) << 16;
            }
        }
    }
}

/// The sum that a byte names.
#[inline(always)]
pub fn entry(table: &WordTable, byte: u8) -> i32 {
    let word = table[usize::from(byte / 2)];
    i32::from((word >> (16 * u32::from(byte % 2))) as i16)
}

/// Five neighbouring inputs, with zeros for those beyond the last.
#[inline(always)]
pub fn group<T: Copy + Default>(x: &[T], group: usize) -> [T; FIVE] {
    let x = x.get(group * FIVE..).unwrap_or(&[]);
    if let Some(five) = x.first_chunk() {
        return *five;
    }
    let mut five = [T::default(); FIVE];
    five.iter_mut().zip(x).for_each(|(five, x)| *five = *x);
    five
}

/// Groups of so many inputs.
#[inline(always)]
pub const fn groups(inputs: usize) -> usize {
    inputs.div_ceil(FIVE)
}
