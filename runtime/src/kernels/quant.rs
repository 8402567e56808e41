// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized bytes: how they widen, and how sums become bytes again.
//!
//! Invariant: `y = clamp(round_half_even(f32(sum) * multiplier) + zero, lo, hi)`, the product rounded to f32 once.

use super::super::arch::isa::LANES;

/// An 8-bit element.
pub trait Byte: Copy {
    /// The number.
    fn wide(self) -> i32;
    /// The number's low bits.
    fn narrow(v: i32) -> Self;
}

impl Byte for u8 {
    #[inline(always)]
    fn wide(self) -> i32 {
        i32::from(self)
    }

    #[inline(always)]
    fn narrow(v: i32) -> u8 {
        v as u8
    }
}

impl Byte for i8 {
    #[inline(always)]
    fn wide(self) -> i32 {
        i32::from(self)
    }

    #[inline(always)]
    fn narrow(v: i32) -> i8 {
        v as i8
    }
}

/// Bytes as real numbers: `(q - zero) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// The byte that stands for 0.
    pub zero: i32,
    /// The distance of neighbouring bytes; positive and finite.
    pub scale: f32,
}

/// Where rounded numbers go: `clamp(round_half_even(v) + zero, lo, hi)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Added after rounding.
    pub zero: i32,
    /// The smallest result, within 255 of `zero`.
    pub lo: i32,
    /// The largest result, within 255 of `zero`.
    pub hi: i32,
}

/// A residual: the finished byte `t` of a product and the byte `r` that the output held become
/// `range((real(r) + real(t)) / scale)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// What `t` stands for.
    pub sum: Affine,
    /// What `r` stands for.
    pub other: Affine,
    /// The result's scale.
    pub scale: f32,
    /// The result's range.
    pub range: Range,
}

/// What is done with the sums of a quantized product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finish {
    /// Where the sum times its multiplier goes.
    pub range: Range,
    /// What is added afterwards.
    pub residual: Option<Residual>,
}

impl Affine {
    /// The real number of a byte.
    #[inline(always)]
    pub fn real(self, q: i32) -> f32 {
        (q - self.zero) as f32 * self.scale
    }
}

impl Range {
    /// The rounded number in its place. NaN gives the smallest result.
    #[inline(always)]
    pub fn round(self, v: f32) -> i32 {
        // 1.5 * 2^23: from 2^23 to 2^24 every f32 is an integer, so that the sum is rounded to one, ties to even; its
        // low bits are that integer. The bounds lie far inside.
        const ROUND: f32 = 12_582_912.0;
        let (lo, hi) = ((self.lo - self.zero) as f32, (self.hi - self.zero) as f32);
        let v = if v > lo { v } else { lo };
        let v = if v < hi { v } else { hi };
        ((v + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32).wrapping_add(self.zero)
    }
}

impl Finish {
    /// The range alone.
    pub const fn new(zero: i32, lo: i32, hi: i32) -> Self {
        Finish { range: Range { zero, lo, hi }, residual: None }
    }

    /// The same, with a residual added.
    pub const fn residual(self, residual: Residual) -> Self {
        Finish { residual: Some(residual), ..self }
    }

    /// Finishes the sums of up to eight neighbouring channels and stores them in `y`.
    #[inline(always)]
    pub fn store<Y: Byte>(&self, sums: &[i32; LANES], multiplier: &[f32; LANES], y: &mut [Y]) {
        let mut v = [0; LANES];
        for ((v, sum), multiplier) in v.iter_mut().zip(sums).zip(multiplier) {
            *v = self.range.round(*sum as f32 * multiplier);
        }
        if let Some(residual) = &self.residual {
            let mut others = [0; LANES];
            for (other, y) in others.iter_mut().zip(y.iter()) {
                *other = y.wide();
            }
            for (v, other) in v.iter_mut().zip(others) {
                let sum = residual.other.real(other) + residual.sum.real(*v);
                *v = residual.range.round(sum / residual.scale);
            }
        }
        for (y, v) in y.iter_mut().zip(v) {
            *y = Y::narrow(v);
        }
    }
}
