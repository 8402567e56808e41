// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Requantizes sums in vectors.
use super::super::arch::bytes::Bytes;
use super::super::terms::quant::{Finish, ROUND, Range};
use super::super::terms::sizes::LANES;

/// A [`Range`] with its numbers in vectors.
#[derive(Clone, Copy)]
struct Bounds<V> {
    lo: V,
    hi: V,
    /// The bits of [`ROUND`] minus the zero point.
    offset: i32,
}

impl<V> Bounds<V> {
    #[inline(always)]
    fn new<I: Bytes<V = V>>(isa: I, range: &Range) -> Self {
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
pub struct Ready<I: Bytes> {
    isa: I,
    bounds: Bounds<I::V>,
    residual: Option<ReadyResidual<I::V>>,
}

impl<I: Bytes> Ready<I> {
    /// Puts the numbers of `finish` into vectors, once for all sums of a layer. `flip` is
    /// [`Byte::FLIP`](super::super::arch::byte::Byte::FLIP) of the output.
    #[inline(always)]
    pub fn new(isa: I, finish: &Finish, flip: u8) -> Self {
        let residual = match &finish.residual {
            Some(r) => Some(ReadyResidual {
                // Besides the zero points: rounded sums lack that of `t`, and unsigned bits are `flip` too large.
                sum: (isa.splat((finish.range.zero - r.sum.zero) as f32), isa.splat(r.sum.scale)),
                other: (isa.splat((r.other.zero + i32::from(flip)) as f32), isa.splat(r.other.scale)),
                flip,
                scale: isa.splat(r.scale),
                bounds: Bounds::new(isa, &r.range),
            }),
            None => None,
        };
        Ready { isa, bounds: Bounds::new(isa, &finish.range), residual }
    }

    /// Clamps `v` and adds [`ROUND`]: the low bits are the rounded number then.
    #[inline(always)]
    fn rounded(&self, v: I::V, bounds: &Bounds<I::V>) -> I::V {
        let isa = self.isa;
        isa.add(isa.at_most(isa.at_least(v, bounds.lo), bounds.hi), isa.splat(ROUND))
    }

    /// Requantizes the sums of eight neighbouring channels; `y` holds the bits of bytes.
    #[inline(always)]
    pub fn store(&self, sums: &[i32; LANES], multiplier: &[f32; LANES], y: &mut [u8; LANES]) {
        let isa = self.isa;
        let v = self.rounded(isa.mul(isa.to_float(sums), isa.load(multiplier)), &self.bounds);
        *y = match &self.residual {
            None => isa.low_bytes(v, self.bounds.offset),
            Some(r) => {
                // All of these are integers of a few hundred, so this is exact.
                let t = isa.add(isa.sub(v, isa.splat(ROUND)), r.sum.0);
                let held = isa.sub(isa.number_bytes(y, r.flip), r.other.0);
                let sum = isa.add(isa.mul(held, r.other.1), isa.mul(t, r.sum.1));
                isa.low_bytes(self.rounded(isa.div(sum, r.scale), &r.bounds), r.bounds.offset)
            }
        };
    }

    /// Requantizes the sums of eight channels, and stores the first `y.len()` of them.
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

    /// Adds the bias of `width` channels (at most 8) to the sums and requantizes them. All slices begin at the first of
    /// these channels.
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
