// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Constant weights in few bits, and how they become floats again: each is `(code - zero) * scale`, rounded once, or a
//! float of 16 bits widened.
//!
//! Weights are panels of sixteen columns, or of four; a panel is `[depth / CODES, rounded up][columns]` units of
//! [`Coding::CODES`] neighbours in depth each. Scales are `[panels][blocks of depth][columns]`, and so are zero points, where
//! they are not all the same. Behind the last column anything stands.
use super::sizes::PANEL;

/// How weights are written.
pub trait Coding: Copy {
    /// What codes lie in.
    type Unit: Copy + core::fmt::Debug;
    /// Codes in a unit, neighbours in depth.
    const CODES: usize;
    /// Whether there are scales and zero points.
    const SCALED: bool;
    /// Which one it is.
    const KIND: Kind;
    /// The codes at a place in their units, as floats.
    fn floats(units: [Self::Unit; PANEL], at: usize) -> [f32; PANEL];
    /// The same of a narrow panel, whose units are a word or two.
    fn fours(units: [Self::Unit; FOUR], at: usize) -> [f32; FOUR];
}

/// The codings, for instruction sets that have loops for some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Trits`].
    Trits,
    /// [`Bits2`].
    Bits2,
    /// [`Bits4`].
    Bits4,
    /// [`Bits8`].
    Bits8,
    /// [`Half`].
    Half,
    /// [`Brain`].
    Brain,
}

/// Columns of a panel for CPUs whose vectors are words.
pub const FOUR: usize = 4;

/// The four bytes of a word.
#[inline(always)]
fn bytes(word: u32) -> [f32; FOUR] {
    word.to_le_bytes().map(|byte| i32::from(byte) as f32)
}

/// Five codes of three values in a byte: the digits of a fraction to base 3, in 256ths, rounded up. Multiplied by 3 it
/// gives the first digit, and leaves the fraction of the others.
#[derive(Clone, Copy, Debug)]
pub struct Trits;

/// Four codes of two bits in a byte, the first in the low bits.
#[derive(Clone, Copy, Debug)]
pub struct Bits2;

/// Two codes of four bits in a byte, the first in the low bits.
#[derive(Clone, Copy, Debug)]
pub struct Bits4;

/// A code in a byte.
#[derive(Clone, Copy, Debug)]
pub struct Bits8;

/// IEEE 754 binary16, finite.
#[derive(Clone, Copy, Debug)]
pub struct Half;

/// The upper half of an f32.
#[derive(Clone, Copy, Debug)]
pub struct Brain;

/// 3 to the power of a place.
const POWERS: [u8; 5] = [1, 3, 9, 27, 81];

impl Coding for Trits {
    type Unit = u8;
    const CODES: usize = 5;
    const SCALED: bool = true;
    const KIND: Kind = Kind::Trits;

    #[inline(always)]
    fn floats(units: [u8; PANEL], at: usize) -> [f32; PANEL] {
        let power = POWERS.get(at).copied().unwrap_or(0);
        units.map(|unit| ((u32::from(unit.wrapping_mul(power)) * 3) >> 8) as i32 as f32)
    }

    #[inline(always)]
    fn fours(units: [u8; FOUR], at: usize) -> [f32; FOUR] {
        // Every second byte, with room for products.
        const BYTES: u32 = 0x00ff_00ff;
        let (word, power) = (u32::from_le_bytes(units), u32::from(POWERS.get(at).copied().unwrap_or(0)));
        let digits = |bytes: u32| (((((bytes & BYTES) * power) & BYTES) * 3) >> 8) & BYTES;
        bytes(digits(word) | digits(word >> 8) << 8)
    }
}

/// The bits of a code.
#[inline(always)]
fn bits<const BITS: u32>(units: [u8; PANEL], at: usize) -> [f32; PANEL] {
    units.map(|unit| ((u32::from(unit) >> (BITS * at as u32)) & ((1 << BITS) - 1)) as i32 as f32)
}

/// The same of four units.
#[inline(always)]
fn fours<const BITS: u32>(units: [u8; FOUR], at: usize) -> [f32; FOUR] {
    bytes((u32::from_le_bytes(units) >> (BITS * at as u32)) & (((1 << BITS) - 1) * 0x0101_0101))
}

impl Coding for Bits2 {
    type Unit = u8;
    const CODES: usize = 4;
    const SCALED: bool = true;
    const KIND: Kind = Kind::Bits2;

    #[inline(always)]
    fn floats(units: [u8; PANEL], at: usize) -> [f32; PANEL] {
        bits::<2>(units, at)
    }

    #[inline(always)]
    fn fours(units: [u8; FOUR], at: usize) -> [f32; FOUR] {
        fours::<2>(units, at)
    }
}

impl Coding for Bits4 {
    type Unit = u8;
    const CODES: usize = 2;
    const SCALED: bool = true;
    const KIND: Kind = Kind::Bits4;

    #[inline(always)]
    fn floats(units: [u8; PANEL], at: usize) -> [f32; PANEL] {
        bits::<4>(units, at)
    }

    #[inline(always)]
    fn fours(units: [u8; FOUR], at: usize) -> [f32; FOUR] {
        fours::<4>(units, at)
    }
}

impl Coding for Bits8 {
    type Unit = u8;
    const CODES: usize = 1;
    const SCALED: bool = true;
    const KIND: Kind = Kind::Bits8;

    #[inline(always)]
    fn floats(units: [u8; PANEL], _at: usize) -> [f32; PANEL] {
        units.map(|unit| i32::from(unit) as f32)
    }

    #[inline(always)]
    fn fours(units: [u8; FOUR], _at: usize) -> [f32; FOUR] {
        bytes(u32::from_le_bytes(units))
    }
}

/// 2 to the power of 112: what the exponents of binary16 and binary32 differ by.
const REBIAS: f32 = f32::from_bits((127 + 112) << 23);

/// A half as a float.
#[inline(always)]
fn half(unit: u16) -> f32 {
    // The sign fills all bits above the magnitude, of which one is kept.
    f32::from_bits((i32::from(unit as i16) << 13) as u32 & 0x8fff_e000) * REBIAS
}

impl Coding for Half {
    type Unit = u16;
    const CODES: usize = 1;
    const SCALED: bool = false;
    const KIND: Kind = Kind::Half;

    #[inline(always)]
    fn floats(units: [u16; PANEL], _at: usize) -> [f32; PANEL] {
        units.map(half)
    }

    #[inline(always)]
    fn fours(units: [u16; FOUR], _at: usize) -> [f32; FOUR] {
        units.map(half)
    }
}

/// The upper half of a float as a float.
#[inline(always)]
fn brain(unit: u16) -> f32 {
    f32::from_bits(u32::from(unit) << 16)
}

impl Coding for Brain {
    type Unit = u16;
    const CODES: usize = 1;
    const SCALED: bool = false;
    const KIND: Kind = Kind::Brain;

    #[inline(always)]
    fn floats(units: [u16; PANEL], _at: usize) -> [f32; PANEL] {
        units.map(brain)
    }

    #[inline(always)]
    fn fours(units: [u16; FOUR], _at: usize) -> [f32; FOUR] {
        units.map(brain)
    }
}

/// The shape of coded weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coded {
    /// Weights of a column.
    pub depth: usize,
    /// Columns.
    pub columns: usize,
    /// Neighbours in depth that share a scale: a multiple of [`Coding::CODES`], or at least the depth.
    pub block: usize,
    /// The code of 0, where there are no zero points.
    pub zero: u8,
}

impl Coded {
    /// Blocks of a column.
    #[inline(always)]
    pub const fn blocks(&self) -> usize {
        // A block of 0 is none: there is one for all.
        match self.depth.checked_div(self.block) {
            Some(whole) => whole + (whole * self.block < self.depth) as usize,
            None => 1,
        }
    }
}

/// Coded weights in panels of `P` columns: sixteen, or [`FOUR`]. What is empty is not there.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a, const P: usize, C: Coding> {
    /// The codes.
    pub units: &'a [C::Unit],
    /// The scales.
    pub scales: &'a [f32],
    /// The zero points.
    pub zeros: &'a [u8],
}

impl<'a, const P: usize, C: Coding> Weights<'a, P, C> {
    /// The blocks of the panel with a column.
    #[inline(always)]
    pub fn panel(self, p: &'a Coded, column: usize) -> Blocks<'a, P, C> {
        let first = column / P * P;
        let from = |rows: usize| first * rows;
        let w = Weights {
            units: self.units.get(from(p.depth.div_ceil(C::CODES))..).unwrap_or(&[]),
            scales: self.scales.get(from(p.blocks())..).unwrap_or(&[]),
            zeros: self.zeros.get(from(p.blocks())..).unwrap_or(&[]),
        };
        Blocks { p, w, depth: 0 }
    }
}

/// The blocks of a panel, in the order of depth.
#[derive(Debug)]
pub struct Blocks<'a, const P: usize, C: Coding> {
    p: &'a Coded,
    w: Weights<'a, P, C>,
    depth: usize,
}

/// Weights of a panel that share scales.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a, C: Coding> {
    /// The first depth.
    pub depth: usize,
    /// Weights of a column.
    pub len: usize,
    /// The codes.
    pub units: &'a [C::Unit],
    scales: &'a [f32],
    zeros: &'a [u8],
    zero: u8,
}

impl<'a, const P: usize, C: Coding> Iterator for Blocks<'a, P, C> {
    type Item = Block<'a, C>;

    #[inline(always)]
    fn next(&mut self) -> Option<Block<'a, C>> {
        let left = self.p.depth.checked_sub(self.depth).filter(|left| *left > 0)?;
        let len = if left < self.p.block { left } else { self.p.block };
        let (units, rest) = self.w.units.split_at_checked(len.div_ceil(C::CODES) * P)?;
        let (scales, more) = self.w.scales.split_at_checked(P).unwrap_or((&[], &[]));
        let (zeros, others) = self.w.zeros.split_at_checked(P).unwrap_or((&[], &[]));
        let block = Block { depth: self.depth, len, units, scales, zeros, zero: self.p.zero };
        self.w = Weights { units: rest, scales: more, zeros: others };
        self.depth += len;
        Some(block)
    }
}

impl<C: Coding> Block<'_, C> {
    /// What follows some units.
    #[inline(always)]
    pub fn behind(self, units: usize) -> Self {
        Block { units: self.units.get(units..).unwrap_or(&[]), ..self }
    }

    /// The scales of the columns.
    #[inline(always)]
    pub fn scales<const P: usize>(&self) -> [f32; P] {
        self.scales.first_chunk().copied().unwrap_or([1.0; P])
    }

    /// The zero points of the columns.
    #[inline(always)]
    pub fn zeros<const P: usize>(&self) -> [f32; P] {
        match self.zeros.first_chunk::<P>() {
            Some(zeros) => zeros.map(f32::from),
            None => [f32::from(self.zero); P],
        }
    }

    /// The numbers of codes.
    #[inline(always)]
    pub fn numbers<const P: usize>(&self, mut codes: [f32; P]) -> [f32; P] {
        if C::SCALED {
            let (scales, zeros) = (self.scales::<P>(), self.zeros::<P>());
            for ((code, scale), zero) in codes.iter_mut().zip(scales).zip(zeros) {
                *code = (*code - zero) * scale;
            }
        }
        codes
    }
}
