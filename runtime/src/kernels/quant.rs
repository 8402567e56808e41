// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized bytes: how they widen, and how sums become bytes again.
//!
//! Invariant: `y = clamp(round_half_even(f32(sum) * multiplier) + zero, lo, hi)`, the product rounded to f32 once.

use super::super::arch::dots::bits;
use super::super::arch::isa::{Isa, LANES};

/// 1.5 * 2^23: from 2^23 to 2^24 every f32 is an integer, so that a small number added to it is rounded to one, ties to
/// even; the low bits are that integer.
const ROUND: f32 = 12_582_912.0;

/// An 8-bit element.
pub trait Byte: Copy {
    /// The number.
    fn wide(self) -> i32;
    /// The number's low bits.
    fn narrow(v: i32) -> Self;
    /// The number above the least one.
    fn unsigned(self) -> u8;
    /// The bytes themselves, where they are unsigned.
    fn as_unsigned(x: &[Self]) -> Option<&[u8]>;
    /// The bytes as bits.
    fn as_bits(y: &mut [Self]) -> &mut [u8];
    /// Sixteen numbers, less `zero`.
    fn lanes<I: Isa>(isa: I, x: &[Self; 2 * LANES], zero: i16) -> I::Wide;
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

    #[inline(always)]
    fn unsigned(self) -> u8 {
        self
    }

    #[inline(always)]
    fn as_unsigned(x: &[u8]) -> Option<&[u8]> {
        Some(x)
    }

    #[inline(always)]
    fn as_bits(y: &mut [u8]) -> &mut [u8] {
        y
    }

    #[inline(always)]
    fn lanes<I: Isa>(isa: I, x: &[u8; 2 * LANES], zero: i16) -> I::Wide {
        isa.wide_u8(x, zero)
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

    #[inline(always)]
    fn unsigned(self) -> u8 {
        self as u8 ^ 0x80
    }

    #[inline(always)]
    fn as_unsigned(_: &[i8]) -> Option<&[u8]> {
        None
    }

    #[inline(always)]
    fn as_bits(y: &mut [i8]) -> &mut [u8] {
        bits(y)
    }

    #[inline(always)]
    fn lanes<I: Isa>(isa: I, x: &[i8; 2 * LANES], zero: i16) -> I::Wide {
        isa.wide_i8(x, zero)
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

    /// The range with its numbers in vectors, for all sums of a layer.
    #[inline(always)]
    pub fn prepare<I: Isa>(&self, isa: I) -> Ready<I> {
        let vectors = |range: &Range| Bounds {
            lo: isa.splat((range.lo - range.zero) as f32),
            hi: isa.splat((range.hi - range.zero) as f32),
            zero: range.zero,
        };
        Ready { isa, bounds: vectors(&self.range), residual: self.residual.map(|r| (r, vectors(&r.range))) }
    }
}

/// A [`Range`] with its numbers in vectors.
#[derive(Clone, Copy)]
struct Bounds<V> {
    lo: V,
    hi: V,
    zero: i32,
}

/// A [`Finish`] with its numbers in vectors.
#[derive(Clone, Copy)]
pub struct Ready<I: Isa> {
    isa: I,
    bounds: Bounds<I::V>,
    residual: Option<(Residual, Bounds<I::V>)>,
}

impl<I: Isa> Ready<I> {
    /// [`Range::round`] of eight numbers.
    #[inline(always)]
    fn round(&self, v: I::V, bounds: &Bounds<I::V>) -> [i32; LANES] {
        let isa = self.isa;
        let v = isa.at_most(isa.at_least(v, bounds.lo), bounds.hi);
        let offset = (ROUND.to_bits() as i32).wrapping_sub(bounds.zero);
        isa.to_array(isa.add(v, isa.splat(ROUND))).map(|v| (v.to_bits() as i32).wrapping_sub(offset))
    }

    /// Finishes the sums of eight neighbouring channels.
    #[inline(always)]
    pub fn store<Y: Byte>(&self, sums: &[i32; LANES], multiplier: &[f32; LANES], y: &mut [Y; LANES]) {
        let isa = self.isa;
        let mut v = self.round(isa.mul(isa.to_float(sums), isa.load(multiplier)), &self.bounds);
        if let Some((residual, bounds)) = &self.residual {
            let mut sum = [0.0; LANES];
            for ((sum, v), y) in sum.iter_mut().zip(&v).zip(y.iter()) {
                *sum = residual.other.real(y.wide()) + residual.sum.real(*v);
            }
            v = self.round(isa.div(isa.load(&sum), isa.splat(residual.scale)), bounds);
        }
        for (y, v) in y.iter_mut().zip(v) {
            *y = Y::narrow(v);
        }
    }

    /// Finishes the sums of `width` channels, at most eight, from the start of `multiplier` and `y` on.
    #[inline(always)]
    pub fn store_from<Y: Byte>(&self, sums: &[i32; LANES], multiplier: &[f32], width: usize, y: &mut [Y]) {
        match (multiplier.first_chunk::<LANES>(), y.first_chunk_mut::<LANES>()) {
            (Some(multiplier), Some(y)) if width >= LANES => self.store(sums, multiplier, y),
            _ => {
                let (Some(from), Some(y)) = (multiplier.get(..width), y.get_mut(..width)) else { return };
                let (mut multiplier, mut all) = ([0.0; LANES], [Y::narrow(0); LANES]);
                multiplier.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                all.iter_mut().zip(y.iter()).for_each(|(to, from)| *to = *from);
                self.store(sums, &multiplier, &mut all);
                y.iter_mut().zip(all).for_each(|(to, from)| *to = from);
            }
        }
    }
}
