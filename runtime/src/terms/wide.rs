// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Convolutions of 16-bit numbers with 8-bit weights: their parameters, and how sums become numbers again.
//!
//! Invariant: a result is `clamp(round_half_even((sum * 2^lead * multiplier + bias) / 2^shift) + zero, lo, hi)`, computed in integers
//! to the last bit.
use super::conv2d::Conv2d;
use super::quant::Range;
use super::window::div_ceil;

/// Pixels that are computed together.
pub const ROWS: usize = 4;
/// Output channels of a panel of weights.
pub const COLUMNS: usize = 8;
/// Bytes of a quad of weights of all columns of a panel.
pub const QUADS: usize = 4 * COLUMNS;

/// A convolution of numbers of 16 bits, or of one of 16 bits and one of 8. A matrix product is one of a map of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wide2d {
    /// The maps and the window.
    pub map: Conv2d,
    /// The input that stands for 0.
    pub zero: i32,
    /// Where rounded sums go.
    pub range: Range,
    /// Quads of the depth whose products add up to a number of 32 bits in every channel: the whole depth where that is true times
    /// `2^lead` as well. 0 counts as 1.
    pub chunk: usize,
    /// How far sums are shifted to the left, so that multipliers are below 1/4: at most 30.
    pub lead: u8,
}

impl Wide2d {
    /// Inputs of a window.
    pub const fn depth(&self) -> usize {
        match self.map.in_c.checked_div(self.map.groups) {
            Some(inputs) => self.map.kernel_h * self.map.kernel_w * inputs,
            None => 0,
        }
    }

    /// The same by four, the last ones filled up.
    pub const fn quads(&self) -> usize {
        div_ceil(self.depth(), 4)
    }

    /// Pixels of the output.
    pub const fn pixels(&self) -> usize {
        self.map.batch * self.map.out_h * self.map.out_w
    }

    /// Pixels that are computed together: [`ROWS`], or one where there are fewer.
    pub const fn together(&self) -> usize {
        if self.pixels() < ROWS { 1 } else { ROWS }
    }

    /// Numbers of 16 bits of scratch: the windows of pixels that are computed together.
    pub const fn scratch(&self) -> usize {
        4 * self.quads() * self.together()
    }
}

/// What is done with the sums of a channel: they are multiplied by `2^lead * multiplier / 2^shift`, and `bias / 2^shift` is added. No
/// finished sum reaches `2^62` before it is shifted, so that a rounded one has 30 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Added to the product; half of `2^shift` is in it, for rounding.
    pub bias: i64,
    /// From `2^30` on where the factor is not tiny.
    pub multiplier: i32,
    /// The position of the binary point: 33 to 62.
    pub shift: u8,
}

/// A sum of products.
pub trait Sum: Copy {
    /// The sum times `2^lead` and the multiplier.
    fn times(self, lead: u8, multiplier: i32) -> i64;
}

impl Sum for i32 {
    #[inline(always)]
    fn times(self, lead: u8, multiplier: i32) -> i64 {
        i64::from(self.wrapping_shl(lead.into())) * i64::from(multiplier)
    }
}

impl Sum for i64 {
    #[inline(always)]
    fn times(self, lead: u8, multiplier: i32) -> i64 {
        self.wrapping_shl(lead.into()).wrapping_mul(i64::from(multiplier))
    }
}

impl Ends {
    /// The finished sum, rounded to the nearest integer, ties to even.
    #[inline(always)]
    pub fn round<S: Sum>(self, sum: S, lead: u8) -> i32 {
        let v = sum.times(lead, self.multiplier).wrapping_add(self.bias);
        let (low, high) = (v as u32, (v >> 32) as i32);
        let shift = u32::from(self.shift.wrapping_sub(32));
        let rounded = high.wrapping_shr(shift);
        // Halfway between two integers it went up: to the odd one, if the bits below are all 0.
        let cut = 1i32.wrapping_shl(shift).wrapping_sub(1);
        if low == 0 && high & cut == 0 { rounded & !1 } else { rounded }
    }
}

impl Range {
    /// A rounded number of 30 bits in its place.
    #[inline(always)]
    pub fn place(self, v: i32) -> i32 {
        let v = v.wrapping_add(self.zero);
        let v = if v > self.lo { v } else { self.lo };
        if v < self.hi { v } else { self.hi }
    }
}
