// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Depthwise convolution: each channel has a kernel of its own. Vectors lie along the channels, and several output
//! pixels share each weight.
//!
//! Invariants: those of `conv`: bias first, then kernel row, kernel column; taps in the padding are skipped.
use super::super::arch::isa::{Cpu, Isa, Kernel, LANES};
use super::conv2d::Conv2d;
use super::epilogue::Finish;
use super::regions::{Places, Region, Regions, Tiles};
use super::rows::{ROWS, each_row};

/// Computes a convolution whose `groups`, `in_c` and `out_c` are equal. Weights are
/// `[kernel_h][kernel_w][channels]`; `bias` has an element for each channel or none, which are zeros.
#[inline]
pub fn depthwise2d<C: Cpu>(cpu: C, p: &Conv2d, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) {
    debug_assert!(p.in_c == p.groups && p.out_c == p.groups);
    debug_assert!(p.dilation_h > 0 && p.dilation_w > 0);
    debug_assert!(x.len() >= p.in_len() && y.len() >= p.out_len());
    debug_assert!(w.len() >= p.kernel_h * p.kernel_w * p.out_c);
    debug_assert!(bias.is_empty() || bias.len() >= p.out_c);
    cpu.run(Convolution { p, x, w, bias, y });
}

struct Convolution<'a> {
    p: &'a Conv2d,
    x: &'a [f32],
    w: &'a [f32],
    bias: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Convolution<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Convolution { p, x, w, bias, y } = self;
        for batch in 0..p.batch {
            let maps = p.maps(batch * p.in_h * p.in_w * p.in_pitch, batch * p.out_h * p.out_w * p.out_pitch);
            for region in Regions::new(p.axes()) {
                let task = Task { x, bias, taps: Taps::new(p, w, &region), p };
                for places in Tiles::new(maps, region, I::TILE_ROWS) {
                    tile(isa, &task, &places, y);
                }
            }
        }
    }
}

/// The taps of a region's windows: inputs from a window's first tap on, weights from that of the first channel on.
#[derive(Clone, Copy)]
struct Taps<'a> {
    rows: usize,
    row_inputs: usize,
    row_weights: usize,
    columns: usize,
    column_inputs: usize,
    column_weights: usize,
    /// Inputs from the first channel of a window's first tap to the last channel of its last tap.
    span: usize,
    w: &'a [f32],
}

impl<'a> Taps<'a> {
    #[inline(always)]
    fn new(p: &Conv2d, w: &'a [f32], region: &Region) -> Self {
        let tap = region.row_taps.first * p.kernel_w + region.column_taps.first;
        let (rows, columns) = (region.row_taps.len(), region.column_taps.len());
        let (row_inputs, column_inputs) = (p.dilation_h * p.in_w * p.in_pitch, p.dilation_w * p.in_pitch);
        let is_empty = rows == 0 || columns == 0;
        Taps {
            rows,
            row_inputs,
            row_weights: p.kernel_w * p.out_c,
            columns,
            column_inputs,
            column_weights: p.out_c,
            span: if is_empty { 0 } else { (rows - 1) * row_inputs + (columns - 1) * column_inputs + p.out_c },
            w: w.get(tap * p.out_c..).unwrap_or(&[]),
        }
    }
}

/// What every tile of a region shares.
#[derive(Clone, Copy)]
struct Task<'a> {
    x: &'a [f32],
    bias: &'a [f32],
    taps: Taps<'a>,
    p: &'a Conv2d,
}

/// Neighbouring channels, as a tile holds those of one pixel.
trait Channels: Copy {
    type V<I: Isa>: Copy;
    /// The channels at `at`; zeros where they lie outside `x`.
    fn load<I: Isa>(self, isa: I, x: &[f32], at: usize) -> Self::V<I>;
    fn mul_add<I: Isa>(self, isa: I, a: Self::V<I>, b: Self::V<I>, c: Self::V<I>) -> Self::V<I>;
    fn finish<I: Isa>(self, sum: Self::V<I>, finish: &Finish<I>, y: &mut [f32], at: usize);
}

/// Sixteen channels.
#[derive(Clone, Copy)]
struct Sixteen;

/// Eight channels.
#[derive(Clone, Copy)]
struct Eight;

/// So many channels, fewer than eight.
#[derive(Clone, Copy)]
struct Part(usize);

/// One channel.
#[derive(Clone, Copy)]
struct One;

impl Channels for Sixteen {
    type V<I: Isa> = [I::V; 2];

    #[inline(always)]
    fn load<I: Isa>(self, isa: I, x: &[f32], at: usize) -> [I::V; 2] {
        match x.get(at..).map(|x| x.as_chunks::<LANES>().0) {
            Some([a, b, ..]) => [isa.load(a), isa.load(b)],
            Some([] | [_]) | None => [isa.splat(0.0); 2],
        }
    }

    #[inline(always)]
    fn mul_add<I: Isa>(self, isa: I, a: [I::V; 2], b: [I::V; 2], c: [I::V; 2]) -> [I::V; 2] {
        [isa.mul_add(a[0], b[0], c[0]), isa.mul_add(a[1], b[1], c[1])]
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sum: [I::V; 2], finish: &Finish<I>, y: &mut [f32], at: usize) {
        if let Some([a, b, ..]) = y.get_mut(at..).map(|y| y.as_chunks_mut::<LANES>().0) {
            finish.store(sum[0], a);
            finish.store(sum[1], b);
        }
    }
}

impl Channels for Eight {
    type V<I: Isa> = I::V;

    #[inline(always)]
    fn load<I: Isa>(self, isa: I, x: &[f32], at: usize) -> I::V {
        match x.get(at..).and_then(|x| x.first_chunk()) {
            Some(x) => isa.load(x),
            None => isa.splat(0.0),
        }
    }

    #[inline(always)]
    fn mul_add<I: Isa>(self, isa: I, a: I::V, b: I::V, c: I::V) -> I::V {
        isa.mul_add(a, b, c)
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sum: I::V, finish: &Finish<I>, y: &mut [f32], at: usize) {
        if let Some(y) = y.get_mut(at..).and_then(|y| y.first_chunk_mut::<LANES>()) {
            finish.store(sum, y);
        }
    }
}

impl Channels for Part {
    type V<I: Isa> = I::V;

    #[inline(always)]
    fn load<I: Isa>(self, isa: I, x: &[f32], at: usize) -> I::V {
        isa.load_part(x.get(at..).and_then(|x| x.get(..self.0)).unwrap_or(&[]))
    }

    #[inline(always)]
    fn mul_add<I: Isa>(self, isa: I, a: I::V, b: I::V, c: I::V) -> I::V {
        isa.mul_add(a, b, c)
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sum: I::V, finish: &Finish<I>, y: &mut [f32], at: usize) {
        if let Some(y) = y.get_mut(at..).and_then(|y| y.get_mut(..self.0)) {
            finish.store_part(sum, y);
        }
    }
}

impl Channels for One {
    type V<I: Isa> = f32;

    #[inline(always)]
    fn load<I: Isa>(self, _isa: I, x: &[f32], at: usize) -> f32 {
        x.get(at).copied().unwrap_or(0.0)
    }

    #[inline(always)]
    fn mul_add<I: Isa>(self, isa: I, a: f32, b: f32, c: f32) -> f32 {
        isa.mul_add1(a, b, c)
    }

    #[inline(always)]
    fn finish<I: Isa>(self, sum: f32, finish: &Finish<I>, y: &mut [f32], at: usize) {
        if let Some(y) = y.get_mut(at) {
            finish.store1(sum, y);
        }
    }
}

/// All channels of the pixels at `places`.
#[inline(always)]
fn tile<I: Isa>(isa: I, task: &Task<'_>, places: &Places, y: &mut [f32]) {
    // The guards are constant: an instruction set with small tiles has no bodies of large ones.
    match places.rows {
        1 => isa.run(Tile::<1> { task, places, y }),
        2 if I::TILE_ROWS >= 2 => isa.run(Tile::<2> { task, places, y }),
        3 if I::TILE_ROWS >= 3 => isa.run(Tile::<3> { task, places, y }),
        4 if I::TILE_ROWS >= 4 => isa.run(Tile::<4> { task, places, y }),
        5 if I::TILE_ROWS >= 5 => isa.run(Tile::<5> { task, places, y }),
        6 if I::TILE_ROWS >= 6 => isa.run(Tile::<6> { task, places, y }),
        _ => {}
    }
}

/// `R` pixels: a function of its own for each number.
struct Tile<'a, const R: usize> {
    task: &'a Task<'a>,
    places: &'a Places,
    y: &'a mut [f32],
}

impl<const R: usize> Kernel for Tile<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let Task { x, taps, p, .. } = *self.task;
        let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
        each_row!(R, ROW => {
            // All slices have the same length, so that a check of one is seen to hold for all.
            // Windows without taps may lie outside.
            let at = if taps.span == 0 { 0 } else { self.places.x[ROW] };
            let Some(row) = x.get(at..).and_then(|x| x.get(..taps.span)) else { return };
            rows[ROW] = row;
        });
        let finish = p.epilogue.prepare(isa);
        let mut first = 0;
        while I::TILE_VECTORS >= 2 && first + 2 * LANES <= p.out_c {
            self.channels(isa, Sixteen, first, (&rows, &finish));
            first += 2 * LANES;
        }
        while first + LANES <= p.out_c {
            self.channels(isa, Eight, first, (&rows, &finish));
            first += LANES;
        }
        if I::TILE_VECTORS >= 2 {
            if first < p.out_c {
                self.channels(isa, Part(p.out_c - first), first, (&rows, &finish));
            }
            return;
        }
        while first < p.out_c {
            self.channels(isa, One, first, (&rows, &finish));
            first += 1;
        }
    }
}

impl<const R: usize> Tile<'_, R> {
    /// The channels from `first` on.
    #[inline(always)]
    fn channels<I: Isa, C: Channels>(
        &mut self,
        isa: I,
        block: C,
        first: usize,
        (rows, finish): (&[&[f32]; ROWS], &Finish<I>),
    ) {
        let Task { bias, taps, .. } = *self.task;
        let mut sums = [block.load(isa, bias, first); ROWS];
        for row in 0..taps.rows {
            for column in 0..taps.columns {
                let inputs = first + row * taps.row_inputs + column * taps.column_inputs;
                let weights = first + row * taps.row_weights + column * taps.column_weights;
                let weights = block.load(isa, taps.w, weights);
                each_row!(R, ROW => {
                    let x = block.load(isa, rows[ROW], inputs);
                    sums[ROW] = block.mul_add(isa, x, weights, sums[ROW]);
                });
            }
        }
        each_row!(R, ROW => {
            let at = self.places.y[ROW] + first;
            block.finish(sums[ROW], finish, self.y, at);
        });
    }
}
