// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized products in small code: one body of each, which kernels call by [`Bytes::dispatch_bytes`].
//!
//! Invariant: the bits are those of `qconv`, whose invariants hold here too.
use super::super::arch::bytes::{ByteKernel, Bytes};
use super::super::terms::dots::{Inputs, Weights};
use super::super::terms::each_quad_row::each_quad_row;
use super::super::terms::line::ROWS;
use super::super::terms::quads::{MOST, Rows, Step, alike};
use super::super::terms::quant::Finish;
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::terms::taps::Pixels;
use super::ready::Ready;

/// The sums of a panel of some rows.
type Ints = [[[i32; LANES]; 2]; MOST];

/// How the sums of some columns are requantized.
#[derive(Clone, Copy)]
pub struct Ends<'a> {
    /// The range of the results, and the residual.
    pub finish: &'a Finish,
    /// Exclusive or with it makes the bytes of the output unsigned.
    pub flip: u8,
    /// The bias of the columns.
    pub bias: &'a [i32],
    /// The multiplier of the columns.
    pub multiplier: &'a [f32],
}

/// Bias and multipliers of the columns of a panel; zeros past the last column.
struct Panel {
    bias: [[i32; LANES]; 2],
    multiplier: [[f32; LANES]; 2],
}

impl Ends<'_> {
    /// Bias and multipliers of `width` columns (at most 16) from `first` on.
    #[inline(always)]
    fn panel(&self, first: usize, width: usize) -> Panel {
        let mut panel = Panel { bias: [[0; LANES], [0; LANES]], multiplier: [[0.0; LANES], [0.0; LANES]] };
        let (bias, multiplier) = (self.bias.get(first..), self.multiplier.get(first..));
        let (Some(bias), Some(multiplier)) = (bias, multiplier) else { return panel };
        let to = panel.bias.as_flattened_mut().iter_mut().zip(panel.multiplier.as_flattened_mut());
        for ((to, factor), (from, other)) in to.zip(bias.iter().zip(multiplier)).take(width) {
            (*to, *factor) = (*from, *other);
        }
        panel
    }
}

/// Unfinished sums, if the depth is computed in pieces.
pub struct Carry<'a> {
    /// The sums of each row.
    pub sums: &'a mut [[i32; PANEL]; ROWS],
    /// Whether this is the first piece: the sums start from 0.
    pub is_first: bool,
    /// Whether this is the last piece: the sums are finished after it.
    pub is_last: bool,
}

/// Tiles of up to six rows, and all columns of the weights.
pub struct Tiles<'a, 'b> {
    /// The inputs of the tiles.
    pub inputs: Inputs<'a>,
    /// Rows of each tile.
    pub count: usize,
    /// The number of tiles.
    pub tiles: usize,
    /// The packed weights.
    pub w: Weights<'a>,
    /// As in `QConv2d`.
    pub pairs: bool,
    /// How sums are requantized.
    pub ends: Ends<'a>,
    /// The outputs, from the first column on.
    pub y: &'b mut [u8],
    /// Where the outputs of each row of the first tile begin.
    pub at: [usize; ROWS],
    /// From a row of a tile to the same row of the next tile.
    pub next: usize,
    /// Unfinished sums to add to, if this is a piece of the depth; all columns then form one panel.
    pub carry: Option<Carry<'b>>,
}

impl ByteKernel for Tiles<'_, '_> {
    #[inline(always)]
    fn run<I: Bytes>(mut self, isa: I) {
        let ready = Ready::new(isa, self.ends.finish, self.ends.flip);
        let (mut column, mut w) = (0, self.w.w);
        while column < self.w.width {
            let left = self.w.width - column;
            let width = if left < PANEL { left } else { PANEL };
            let panel = self.ends.panel(column, width);
            let mut tile = 0;
            while tile < self.tiles {
                let mut row = 0;
                while row < self.count {
                    let several = I::TILE_VECTORS >= 2 && self.count - row > 1;
                    let at = [tile, row];
                    let (rows, sums) = match (several, width > LANES) {
                        (true, true) => (MOST, self.sums::<I, MOST, 2>(isa, w, &panel, at)),
                        (true, false) => (MOST, self.sums::<I, MOST, 1>(isa, w, &panel, at)),
                        (false, true) => (1, self.sums::<I, 1, 2>(isa, w, &panel, at)),
                        (false, false) => (1, self.sums::<I, 1, 1>(isa, w, &panel, at)),
                    };
                    self.finish(&ready, &panel, at, (rows, &sums), [column, width]);
                    row += rows;
                }
                tile += 1;
            }
            column += PANEL;
            w = w.get(self.w.panel..).unwrap_or(&[]);
        }
    }
}

impl Tiles<'_, '_> {
    /// Computes the sums of `R` rows and `H * 8` columns.
    #[inline(always)]
    fn sums<I: Bytes, const R: usize, const H: usize>(
        &self,
        isa: I,
        w: &[i8],
        panel: &Panel,
        [tile, row]: [usize; 2],
    ) -> Ints {
        let inputs = &self.inputs;
        let at = |row: usize| inputs.at.get(row).copied().unwrap_or(0) + tile * inputs.next;
        let starts = self.carry.as_ref().is_none_or(|carry| carry.is_first);
        let none = isa.sums(&[0; LANES]);
        let start = if starts { [isa.sums(&panel.bias[0]), isa.sums(&panel.bias[1])] } else { [none, none] };
        let mut sums = alike(start);
        let (mut outer, mut w) = (0, w.as_chunks::<{ QUAD * LANES }>().0.as_chunks::<H>().0);
        while outer < inputs.outer {
            let Some((steps, rest)) = w.split_at_checked(inputs.quads) else { break };
            let steps: &[Step<H>] = steps;
            let mut x: Rows<'_> = [&[], &[], &[]];
            each_quad_row!(R, ROW => { x[ROW] = inputs.run(at(row + ROW), outer); });
            sums = isa.quads::<R, H>(self.pairs, (x, inputs.flip), steps, sums);
            w = rest;
            outer += 1;
        }
        // Copies that have addresses, while the sums above stay in registers.
        let [[a, b], [c, d], [e, f]] = sums;
        let first = [isa.to_ints(a), isa.to_ints(b)];
        if R > 1 { [first, [isa.to_ints(c), isa.to_ints(d)], [isa.to_ints(e), isa.to_ints(f)]] } else { alike(first) }
    }

    /// Requantizes the sums of some rows, or carries them over to the next piece.
    #[inline(always)]
    fn finish<I: Bytes>(
        &mut self,
        ready: &Ready<I>,
        panel: &Panel,
        [tile, row]: [usize; 2],
        (rows, sums): (usize, &Ints),
        [column, width]: [usize; 2],
    ) {
        let mut next = 0;
        while let (true, Some(sums), Some(at)) = (next < rows, sums.get(next), self.at.get(row + next)) {
            if row + next >= self.count {
                return;
            }
            let mut sums = *sums;
            if let Some(carry) = &mut self.carry
                && let Some(carried) = carry.sums.get_mut(row + next)
            {
                if !carry.is_first {
                    for (sum, carried) in sums.as_flattened_mut().iter_mut().zip(carried.iter()) {
                        *sum = sum.wrapping_add(*carried);
                    }
                }
                carried.copy_from_slice(sums.as_flattened());
                if !carry.is_last {
                    next += 1;
                    continue;
                }
            }
            let from = at + tile * self.next + column;
            let Some(y) = self.y.get_mut(from..).and_then(|y| y.get_mut(..width)) else { return };
            store(ready, &sums, &panel.multiplier, y);
            next += 1;
        }
    }
}

/// Requantizes the sums of a row, 8 or 16 columns.
#[inline(always)]
fn store<I: Bytes>(ready: &Ready<I>, sums: &[[i32; LANES]; 2], multiplier: &[[f32; LANES]; 2], mut y: &mut [u8]) {
    let mut half = 0;
    while let (Some(sums), Some(multiplier)) = (sums.get(half), multiplier.get(half)) {
        if y.is_empty() {
            return;
        }
        let width = if y.len() < LANES { y.len() } else { LANES };
        let Some((some, rest)) = y.split_at_mut_checked(width) else { return };
        ready.store_some(sums, multiplier, some);
        y = rest;
        half += 1;
    }
}

/// Pixels of up to sixteen channels of a quantized depthwise convolution.
pub struct Lanes<'a, 'b> {
    /// The inputs of the pixels.
    pub pixels: &'a Pixels<'a>,
    /// The packed weights.
    pub w: &'a [i8],
    /// As in `QConv2d`.
    pub pairs: bool,
    /// How sums are requantized.
    pub ends: Ends<'a>,
    /// The outputs, from the first pixel and channel on.
    pub y: &'b mut [u8],
    /// From a pixel to the next, and to the pixel below.
    pub steps: [usize; 2],
    /// Channels, at most sixteen.
    pub width: usize,
}

impl ByteKernel for Lanes<'_, '_> {
    #[inline(always)]
    fn run<I: Bytes>(self, isa: I) {
        let ready = Ready::new(isa, self.ends.finish, self.ends.flip);
        let panel = self.ends.panel(0, self.width);
        let bias = [isa.sums(&panel.bias[0]), isa.sums(&panel.bias[1])];
        let mut row = 0;
        while row < self.pixels.count[1] {
            let mut column = 0;
            while column < self.pixels.count[0] {
                let at = column * self.pixels.steps[0] + row * self.pixels.steps[1];
                let Some(x) = self.pixels.x.get(at..) else { return };
                let pixel = Pixels { x, ..*self.pixels };
                let mut added = isa.no_lanes();
                let (mut tap, weights) = (0, self.w.as_chunks().0);
                while let (Some(taps), Some(w)) = (pixel.taps.get(tap), weights.get(tap)) {
                    let Some(x) = pixel.quad(taps) else { return };
                    added = isa.add_lanes(self.pairs, added, x, pixel.flip, w);
                    tap += 1;
                }
                let sums = isa.lane_sums(self.pairs, added);
                let [low, high] = sums.as_chunks().0 else { return };
                let low = isa.to_ints(isa.add_sums(isa.sums(low), bias[0]));
                let high = isa.to_ints(isa.add_sums(isa.sums(high), bias[1]));
                let to = column * self.steps[0] + row * self.steps[1];
                let Some(y) = self.y.get_mut(to..).and_then(|y| y.get_mut(..self.width)) else { return };
                store(&ready, &[low, high], &panel.multiplier, y);
                column += 1;
            }
            row += 1;
        }
    }
}
