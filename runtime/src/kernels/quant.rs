// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized bytes: how they widen, and how sums become bytes again.
//!
//! Invariant: `y = clamp(round_half_even(f32(sum) * multiplier) + zero, lo, hi)`, the product rounded to f32 once.

use super::super::arch::dots::{ROUND, bits, bits_mut, signed};
use super::super::arch::isa::{Isa, LANES};

/// An 8-bit element.
pub trait Byte: Copy {
    /// The number.
    fn wide(self) -> i32;
    /// The number's low bits.
    fn narrow(v: i32) -> Self;
    /// Makes the bits of a byte the number above the least one, by exclusive or.
    const FLIP: u8;
    /// The bytes as bits.
    fn bits(x: &[Self]) -> &[u8];
    /// The bytes as bits, to be written.
    fn bits_mut(y: &mut [Self]) -> &mut [u8];
    /// Bits as bytes.
    fn of_bits(bits: &mut [u8]) -> &mut [Self];
    /// The number above the least one.
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

    /// The range with its numbers in vectors, for all sums of a layer. `flip` is [`Byte::FLIP`] of the output.
    #[inline(always)]
    pub fn prepare<I: Isa>(&self, isa: I, flip: u8) -> Ready<I> {
        let residual = match &self.residual {
            Some(r) => Some(ReadyResidual {
                // What `t` and the bits of `r`, made unsigned, are more than what they stand for.
                sum: (isa.splat((self.range.zero - r.sum.zero) as f32), isa.splat(r.sum.scale)),
                other: (isa.splat((r.other.zero + i32::from(flip)) as f32), isa.splat(r.other.scale)),
                flip,
                scale: isa.splat(r.scale),
                bounds: Bounds::new(isa, &r.range),
            }),
            None => None,
        };
        Ready { isa, bounds: Bounds::new(isa, &self.range), residual }
    }
}

/// A [`Range`] with its numbers in vectors.
#[derive(Clone, Copy)]
struct Bounds<V> {
    lo: V,
    hi: V,
    /// The bits of [`ROUND`] less the zero point.
    offset: i32,
}

impl<V> Bounds<V> {
    #[inline(always)]
    fn new<I: Isa<V = V>>(isa: I, range: &Range) -> Self {
        Bounds {
            lo: isa.splat((range.lo - range.zero) as f32),
            hi: isa.splat((range.hi - range.zero) as f32),
            offset: (ROUND.to_bits() as i32).wrapping_sub(range.zero),
        }
    }
}

/// A [`Residual`] with its numbers in vectors.
#[derive(Clone, Copy)]
struct ReadyResidual<V> {
    sum: (V, V),
    other: (V, V),
    flip: u8,
    scale: V,
    bounds: Bounds<V>,
}

/// A [`Finish`] with its numbers in vectors.
#[derive(Clone, Copy)]
pub struct Ready<I: Isa> {
    isa: I,
    bounds: Bounds<I::V>,
    residual: Option<ReadyResidual<I::V>>,
}

impl<I: Isa> Ready<I> {
    /// The number within its bounds, and [`ROUND`] on top: its low bits are the rounded number.
    #[inline(always)]
    fn rounded(&self, v: I::V, bounds: &Bounds<I::V>) -> I::V {
        let isa = self.isa;
        isa.add(isa.at_most(isa.at_least(v, bounds.lo), bounds.hi), isa.splat(ROUND))
    }

    /// Finishes the sums of eight neighbouring channels; `y` are the bits of bytes.
    #[inline(always)]
    pub fn store(&self, sums: &[i32; LANES], multiplier: &[f32; LANES], y: &mut [u8; LANES]) {
        let isa = self.isa;
        let v = self.rounded(isa.mul(isa.to_float(sums), isa.load(multiplier)), &self.bounds);
        *y = match &self.residual {
            None => isa.low_bytes(v, self.bounds.offset),
            Some(r) => {
                // All of these are whole numbers of a few hundred: exact.
                let t = isa.add(isa.sub(v, isa.splat(ROUND)), r.sum.0);
                let held = isa.sub(isa.number_bytes(y, r.flip), r.other.0);
                let sum = isa.add(isa.mul(held, r.other.1), isa.mul(t, r.sum.1));
                isa.low_bytes(self.rounded(isa.div(sum, r.scale), &r.bounds), r.bounds.offset)
            }
        };
    }

    /// Finishes the sums of eight channels, of which the bytes of those that `y` has are stored.
    #[inline(always)]
    pub fn store_some(&self, sums: &[i32; LANES], multiplier: &[f32; LANES], y: &mut [u8]) {
        if let Some(y) = y.first_chunk_mut() {
            self.store(sums, multiplier, y);
            return;
        }
        let mut all = [0; LANES];
        for (to, from) in all.iter_mut().zip(y.iter()) {
            *to = *from;
        }
        self.store(sums, multiplier, &mut all);
        for (to, from) in y.iter_mut().zip(&all) {
            *to = *from;
        }
    }

    /// Adds the bias of `width` channels, at most eight, and finishes the sums, all from the start of their slices on.
    #[inline(always)]
    pub fn store_from(&self, sums: &[i32; LANES], (bias, multiplier): (&[i32], &[f32]), width: usize, y: &mut [u8]) {
        let (whole, bias_chunk) = (width >= LANES, bias.first_chunk::<LANES>());
        let mut sums = *sums;
        match (bias_chunk, multiplier.first_chunk::<LANES>(), y.first_chunk_mut::<LANES>()) {
            (Some(bias), Some(multiplier), Some(y)) if whole => {
                sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum = sum.wrapping_add(*bias));
                self.store(&sums, multiplier, y);
            }
            _ => {
                let (Some(from), Some(y)) = (multiplier.get(..width), y.get_mut(..width)) else { return };
                let (mut multiplier, mut all) = ([0.0; LANES], [0; LANES]);
                sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum = sum.wrapping_add(*bias));
                multiplier.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                all.iter_mut().zip(y.iter()).for_each(|(to, from)| *to = *from);
                self.store(&sums, &multiplier, &mut all);
                y.iter_mut().zip(all).for_each(|(to, from)| *to = from);
            }
        }
    }
}
