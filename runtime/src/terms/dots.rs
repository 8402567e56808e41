// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The operands of tiles of quantized products, and the task of the loop in assembly that computes them.
use super::line::ROWS;
use super::sizes::QUAD;

/// The inputs of tiles: each row has `outer` runs of `quads * 4` bytes.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The bits of the bytes.
    pub x: &'a [u8],
    /// Exclusive or with it makes four bytes unsigned: [`Byte::FLIP`](super::super::arch::byte::Byte::FLIP) in each
    /// byte.
    pub flip: u32,
    /// Where each row of the first tile begins.
    pub at: [usize; ROWS],
    /// From a row of a tile to the same row of the next tile.
    pub next: usize,
    /// Runs in a row.
    pub outer: usize,
    /// Bytes between the starts of runs.
    pub outer_step: usize,
    /// Quads in a run.
    pub quads: usize,
}

/// The outputs of tiles.
#[derive(Debug)]
pub struct Outputs<'a> {
    /// The bits of the bytes.
    pub y: &'a mut [u8],
    /// Where the outputs of each row of the first tile begin.
    pub at: [usize; ROWS],
    /// From a row of a tile to the same row of the next tile.
    pub next: usize,
    /// Tiles, at least 1.
    pub tiles: usize,
}

/// Packed weights: panels of sixteen columns, `[depth / 4][16][4]`.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// The weights, from the first panel of the tile on.
    pub w: &'a [i8],
    /// From one panel to the next.
    pub panel: usize,
    /// Columns of the tile.
    pub width: usize,
}

/// How sums are requantized: `clamp(round_half_even(f32(sum + bias) * multiplier), lo, hi) + zero`.
#[derive(Clone, Copy, Debug)]
pub struct Scaling<'a> {
    /// The bias of the tile's columns.
    pub bias: &'a [i32],
    /// The multipliers of the tile's columns.
    pub multiplier: &'a [f32],
    /// `lo` and `hi`, which are integers.
    pub bounds: [f32; 2],
    /// The zero point, added after rounding.
    pub zero: i32,
}

/// What the loop reads; steps in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct Task {
    /// The first input of each row.
    pub rows: [*const u8; ROWS],
    /// The first output of each row.
    pub y: [*mut u8; ROWS],
    /// Sums `[row][panel][16]` to add to, instead of writing bytes; or null.
    pub sums: *mut i32,
    /// The first weight.
    pub w: *const i8,
    /// From one panel to the next.
    pub panel: usize,
    /// Quads of a run, at least 1.
    pub quads: usize,
    /// Runs, at least 1.
    pub outer: usize,
    /// From the start of one run to that of the next.
    pub outer_step: usize,
    /// From the inputs of a tile to those of the next.
    pub next: usize,
    /// From the outputs of a tile to those of the next.
    pub y_next: usize,
    /// Tiles, at least 1; exactly 1 if there are `sums`.
    pub tiles: usize,
    /// The bias of the columns.
    pub bias: *const i32,
    /// The multipliers of the columns.
    pub multiplier: *const f32,
    /// The columns of the last panel, a bit for each.
    pub mask: usize,
    /// The bounds of the rounded numbers.
    pub bounds: [f32; 2],
    /// [`ROUND`](super::quant::ROUND).
    pub round: f32,
    /// The zero point, added after rounding.
    pub zero: i32,
    /// Exclusive or with it makes four bytes unsigned.
    pub flip: u32,
}

impl Inputs<'_> {
    /// Bytes from the first to the last of a row, both included.
    #[inline(always)]
    pub fn span(&self) -> usize {
        self.outer.saturating_sub(1) * self.outer_step + self.quads * QUAD
    }

    /// The inputs of a run; empty if they lie outside `x`, which the callers rule out.
    #[inline(always)]
    pub fn run(&self, at: usize, outer: usize) -> &[[u8; QUAD]] {
        let from = at + outer * self.outer_step;
        self.x.get(from..).and_then(|x| x.get(..self.quads * QUAD)).map_or(&[], |x| x.as_chunks().0)
    }
}
