// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized depthwise convolution: each channel has a kernel of its own.
//!
//! Invariants: those of `qconv`.
use super::super::arch::isa::{Cpu, Isa, Kernel, LANES};
use super::qconv::QConv2d;
use super::quant::Byte;
use super::regions::{Region, Regions, Tiles};

/// Channels that are computed together.
const BLOCK: usize = 2 * LANES;

/// Computes a convolution whose `groups`, `in_c` and `out_c` are equal. Weights are `[kernel_h][kernel_w][channels]`;
/// `bias` and `multiplier` have an element for each channel.
#[inline]
pub fn qdepthwise2d<C: Cpu, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    bias: &[i32],
    multiplier: &[f32],
    y: &mut [Y],
) {
    debug_assert!(p.map.in_c == p.map.groups && p.map.out_c == p.map.groups);
    debug_assert!(x.len() >= p.map.in_len() && y.len() >= p.map.out_len());
    debug_assert!(bias.len() >= p.map.out_c && multiplier.len() >= p.map.out_c);
    cpu.run(Convolution { p, x, w, bias, multiplier, y });
}

struct Convolution<'a, X, Y> {
    p: &'a QConv2d,
    x: &'a [X],
    w: &'a [i8],
    bias: &'a [i32],
    multiplier: &'a [f32],
    y: &'a mut [Y],
}

impl<X: Byte, Y: Byte> Kernel for Convolution<'_, X, Y> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, _: I) {
        let m = &self.p.map;
        for batch in 0..m.batch {
            let maps = m.maps(batch * m.in_h * m.in_w * m.in_pitch, batch * m.out_h * m.out_w * m.out_pitch);
            for region in Regions::new(m.axes()) {
                for places in Tiles::new(maps, region, 1) {
                    self.pixel(&region, places.x[0], places.y[0]);
                }
            }
        }
    }
}

impl<X: Byte, Y: Byte> Convolution<'_, X, Y> {
    /// All channels of one pixel, whose window's first tap lies at `x`.
    #[inline(always)]
    fn pixel(&mut self, region: &Region, x: usize, y: usize) {
        let channels = self.p.map.out_c;
        let mut first = 0;
        while first < channels {
            let width = BLOCK.min(channels - first);
            if width == BLOCK {
                self.block::<BLOCK>(region, x, y, first, BLOCK);
            } else {
                // Rests of less than a block are computed eight at a time.
                let half = LANES.min(width);
                self.block::<LANES>(region, x, y, first, half);
                if width > LANES {
                    self.block::<LANES>(region, x, y, first + LANES, width - LANES);
                }
            }
            first += BLOCK;
        }
    }

    /// `width` channels, at most `N`.
    #[inline(always)]
    fn block<const N: usize>(&mut self, region: &Region, x: usize, y: usize, first: usize, width: usize) {
        let m = &self.p.map;
        let mut sums = [0; N];
        if let Some(bias) = self.bias.get(first..).and_then(|b| b.get(..width)) {
            for (sum, bias) in sums.iter_mut().zip(bias) {
                *sum = *bias;
            }
        }
        for row in 0..region.row_taps.len() {
            for column in 0..region.column_taps.len() {
                let tap = (region.row_taps.first + row) * m.kernel_w + region.column_taps.first + column;
                let at = x + (row * m.dilation_h * m.in_w + column * m.dilation_w) * m.in_pitch + first;
                let w = self.w.get(tap * m.out_c + first..);
                let (Some(x), Some(w)) = (self.x.get(at..), w) else { return };
                match (x.first_chunk::<N>(), w.first_chunk::<N>()) {
                    (Some(x), Some(w)) if width == N => self.add(&mut sums, x, w),
                    _ => self.add(&mut sums, x, w.get(..width).unwrap_or(&[])),
                }
            }
        }
        for (i, sums) in sums.as_chunks::<LANES>().0.iter().enumerate() {
            let first = first + i * LANES;
            let width = LANES.min(width.saturating_sub(i * LANES));
            let mut multiplier = [0.0; LANES];
            if let Some(m) = self.multiplier.get(first..).and_then(|m| m.get(..width)) {
                for (to, from) in multiplier.iter_mut().zip(m) {
                    *to = *from;
                }
            }
            if let Some(y) = self.y.get_mut(y + first..).and_then(|y| y.get_mut(..width)) {
                self.p.finish.store(sums, &multiplier, y);
            }
        }
    }

    /// Adds one tap.
    #[inline(always)]
    fn add(&self, sums: &mut [i32], x: &[X], w: &[i8]) {
        for ((sum, x), w) in sums.iter_mut().zip(x).zip(w) {
            *sum = sum.wrapping_add((x.wide() - self.p.zero) * i32::from(*w));
        }
    }
}
