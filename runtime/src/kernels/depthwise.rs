// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Depthwise convolution: each channel has a kernel of its own. Vectors hold neighbouring channels, and several output
//! pixels share each weight.
//!
//! Invariants: those of `conv`: bias first, then kernel row, kernel column; taps in the padding are skipped.
use super::super::arch::floats::{FloatCpu, FloatKernel, Floats};
use super::super::loops::channels::{Channels, One, Part, Pixels, RegionTaps, Vectors, add, start, wide};
use super::super::loops::finish::Finish;
use super::super::terms::conv2d::Conv2d;
use super::super::terms::epilogue::Bounds;
use super::super::terms::line::ROWS;
use super::super::terms::regions::{Places, Region, Regions, Tiles};
use super::super::terms::rows::each_row;
use super::super::terms::sizes::LANES;
use super::compact;

/// Computes a convolution whose `groups`, `in_c` and `out_c` are equal. Weights are `[kernel_h][kernel_w][channels]`;
/// `bias` has an element for each channel, or is empty for zeros.
#[inline]
pub fn depthwise2d<C: FloatCpu>(cpu: C, p: &Conv2d, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) {
    debug_assert!(p.in_c == p.groups && p.out_c == p.groups);
    debug_assert!(p.dilation_h > 0 && p.dilation_w > 0);
    debug_assert!(x.len() >= p.in_len() && y.len() >= p.out_len());
    debug_assert!(w.len() >= p.kernel_h * p.kernel_w * p.out_c);
    debug_assert!(bias.is_empty() || bias.len() >= p.out_c);
    cpu.run_floats(Convolution { p, x, w, bias, y });
}

struct Convolution<'a> {
    p: &'a Conv2d,
    x: &'a [f32],
    w: &'a [f32],
    bias: &'a [f32],
    y: &'a mut [f32],
}

impl FloatKernel for Convolution<'_> {
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Convolution { p, x, w, bias, y } = self;
        if I::COMPACT {
            compact::convolution(isa, p, true, (x, w, bias), y);
            return;
        }
        for batch in 0..p.batch {
            let maps = p.maps(batch * p.in_h * p.in_w * p.in_pitch, batch * p.out_h * p.out_w * p.out_pitch);
            for region in Regions::new(p.axes()) {
                let task = Task { x, bias, taps: taps(p, w, &region), p };
                if let Some(bounds) = p.epilogue.plan().clamp().filter(|_| isa.is_wide()) {
                    isa.run_floats(Wide { task: &task, tiles: Tiles::new(maps, region, isa.tile_rows()), bounds, y });
                    continue;
                }
                for places in Tiles::new(maps, region, I::TILE_ROWS) {
                    tile(isa, &task, &places, y);
                }
            }
        }
    }
}

/// The taps of a region's windows.
#[inline(always)]
fn taps<'a>(p: &Conv2d, w: &'a [f32], region: &Region) -> RegionTaps<'a> {
    let tap = region.row_taps.first * p.kernel_w + region.column_taps.first;
    RegionTaps {
        rows: region.row_taps.len(),
        row_inputs: p.dilation_h * p.in_w * p.in_pitch,
        row_weights: p.kernel_w * p.out_c,
        columns: region.column_taps.len(),
        column_inputs: p.dilation_w * p.in_pitch,
        column_weights: p.out_c,
        w: w.get(tap * p.out_c..).unwrap_or(&[]),
    }
}

/// The parameters that all tiles of a region share.
#[derive(Clone, Copy)]
struct Task<'a> {
    x: &'a [f32],
    bias: &'a [f32],
    taps: RegionTaps<'a>,
    p: &'a Conv2d,
}

/// Pixels for the instruction set's own loop.
struct Wide<'a> {
    task: &'a Task<'a>,
    tiles: Tiles,
    bounds: Bounds,
    y: &'a mut [f32],
}

impl FloatKernel for Wide<'_> {
    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Wide { task: Task { x, bias, taps, p }, tiles, bounds, y } = self;
        for Places { rows, x: x_at, y: y_at } in tiles {
            wide(isa, p.out_c, &Pixels { rows, x, x_at, y_at, bias, bounds }, taps, y);
        }
    }
}

/// Computes all channels of the pixels at `places`.
#[inline(always)]
fn tile<I: Floats>(isa: I, task: &Task<'_>, places: &Places, y: &mut [f32]) {
    // The guards are constant: instruction sets with small tiles get no code for large ones.
    match places.rows {
        1 => isa.run_floats(Tile::<1> { task, places, y }),
        2 if I::TILE_ROWS >= 2 => isa.run_floats(Tile::<2> { task, places, y }),
        3 if I::TILE_ROWS >= 3 => isa.run_floats(Tile::<3> { task, places, y }),
        4 if I::TILE_ROWS >= 4 => isa.run_floats(Tile::<4> { task, places, y }),
        5 if I::TILE_ROWS >= 5 => isa.run_floats(Tile::<5> { task, places, y }),
        6 if I::TILE_ROWS >= 6 => isa.run_floats(Tile::<6> { task, places, y }),
        _ => {}
    }
}

/// A tile of `R` pixels; each `R` is compiled to a function.
struct Tile<'a, const R: usize> {
    task: &'a Task<'a>,
    places: &'a Places,
    y: &'a mut [f32],
}

impl<const R: usize> FloatKernel for Tile<'_, R> {
    #[inline(always)]
    fn run<I: Floats>(mut self, isa: I) {
        // Most layers have only a clamp, which gets a body of its own.
        if self.task.p.epilogue.plan().clamp().is_some() {
            self.all::<I, true>(isa);
        } else {
            self.all::<I, false>(isa);
        }
    }
}

impl<const R: usize> Tile<'_, R> {
    /// Computes all channels.
    #[inline(always)]
    fn all<I: Floats, const CLAMP: bool>(&mut self, isa: I) {
        let p = self.task.p;
        let finish = Finish::new(isa, &p.epilogue.plan());
        let mut first = 0;
        while I::TILE_VECTORS >= 2 && first + 2 * LANES <= p.out_c {
            self.channels::<I, _, CLAMP>(isa, Vectors::<2>, first, &finish);
            first += 2 * LANES;
        }
        while first + LANES <= p.out_c {
            self.channels::<I, _, CLAMP>(isa, Vectors::<1>, first, &finish);
            first += LANES;
        }
        if I::TILE_VECTORS >= 2 {
            if first < p.out_c {
                self.channels::<I, _, CLAMP>(isa, Part(p.out_c - first), first, &finish);
            }
            return;
        }
        while first < p.out_c {
            self.channels::<I, _, CLAMP>(isa, One, first, &finish);
            first += 1;
        }
    }

    /// Computes the channels of a block from `first` on.
    #[inline(always)]
    fn channels<I: Floats, C: Channels, const CLAMP: bool>(
        &mut self,
        isa: I,
        block: C,
        first: usize,
        finish: &Finish<I>,
    ) {
        let Task { x, bias, taps, .. } = *self.task;
        let mut sums = [start(isa, block, first, bias); ROWS];
        add::<I, C, R>(isa, (block, first), &mut sums, (x, self.places.x), &taps);
        each_row!(R, ROW => {
            let y = self.y.get_mut(self.places.y.of(ROW) + first..).and_then(|y| y.get_mut(..block.width()));
            if let Some(y) = y {
                if CLAMP {
                    block.store(isa, sums[ROW], &finish.clamp, y);
                } else {
                    block.finish(sums[ROW], finish, y);
                }
            }
        });
    }
}
