// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized bytes: how they widen, and how sums become bytes again.
//!
//! Invariant: `y = clamp(round_half_even(f32(sum) * multiplier) + zero, lo, hi)`, the product rounded to f32 once.

/// 1.5 * 2^23: from 2^23 to 2^24 every f32 is an integer, so that a small number added to it is rounded to one, ties to
/// even; the low bits are that integer.
pub const ROUND: f32 = 12_582_912.0;

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
    /// The smallest result, within 65535 of `zero`.
    pub lo: i32,
    /// The largest result, within 65535 of `zero`.
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

    /// The bounds of the rounded sums before the zero point is added.
    #[inline(always)]
    pub fn bounds(&self) -> [f32; 2] {
        [self.range.lo, self.range.hi].map(|q| (q - self.range.zero) as f32)
    }
}
