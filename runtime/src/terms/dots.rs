// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What tiles of quantized products are told: where inputs, weights and outputs lie, and the task that a loop in assembly reads.
use super::line::ROWS;
use super::sizes::QUAD;

/// Where the inputs of tiles lie: in each row `outer` runs of `quads * 4` bytes.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The bits of the bytes.
    pub x: &'a [u8],
    /// What makes the bits of four bytes unsigned, the least as 0: [`Byte::FLIP`](super::super::arch::byte::Byte::FLIP)
    /// of each.
    pub flip: u32,
    /// Where the inputs of each row of the first tile begin.
    pub at: [usize; ROWS],
    /// From a row of a tile to the same of the next.
    pub next: usize,
    /// Runs.
    pub outer: usize,
    /// Bytes between the starts of runs.
    pub outer_step: usize,
    /// Depth of a run, by four.
    pub quads: usize,
}

/// Where the bytes of tiles go.
#[derive(Debug)]
pub struct Outputs<'a> {
    /// The bits of the bytes.
    pub y: &'a mut [u8],
    /// Where the first byte of each row of the first tile goes.
    pub at: [usize; ROWS],
    /// From a row of a tile to the same of the next.
    pub next: usize,
    /// Tiles, at least 1.
    pub tiles: usize,
}

/// Packed weights: panels of sixteen columns, `[depth / 4][16][4]`.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// The first panel and those that follow.
    pub w: &'a [i8],
    /// From one panel to the next.
    pub panel: usize,
    /// Columns that are there.
    pub width: usize,
}

/// What becomes of a tile's sums: `clamp(round_half_even(f32(sum + bias) * multiplier), lo, hi) + zero`.
#[derive(Clone, Copy, Debug)]
pub struct Scaling<'a> {
    /// The bias of the tile's columns.
    pub bias: &'a [i32],
    /// Their multipliers.
    pub multiplier: &'a [f32],
    /// The bounds, which are whole numbers.
    pub bounds: [f32; 2],
    /// Added after rounding.
    pub zero: i32,
}

/// What the loop reads; all steps in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct Task {
    /// The first input of each row.
    pub rows: [*const u8; ROWS],
    /// Where the bytes of each row go.
    pub y: [*mut u8; ROWS],
    /// Sums to be added to instead of writing bytes, `[row][panel][16]`; or null.
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
    /// From a tile's inputs to the next one's.
    pub next: usize,
    /// From a tile's bytes to the next one's.
    pub y_next: usize,
    /// Tiles, at least 1; one alone where sums are added to.
    pub tiles: usize,
    /// The bias of the columns.
    pub bias: *const i32,
    /// Their multipliers.
    pub multiplier: *const f32,
    /// Columns of the last panel that are there, a bit each.
    pub mask: usize,
    /// The bounds of the rounded numbers.
    pub bounds: [f32; 2],
    /// [`ROUND`](super::quant::ROUND).
    pub round: f32,
    /// Added after rounding.
    pub zero: i32,
    /// What makes four bytes unsigned.
    pub flip: u32,
}

impl Inputs<'_> {
    /// Bytes from the first to the last of a row.
    #[inline(always)]
    pub fn span(&self) -> usize {
        self.outer.saturating_sub(1) * self.outer_step + self.quads * QUAD
    }

    /// A run's inputs of a row; nothing where they lie outside, which they do not.
    #[inline(always)]
    pub fn run(&self, at: usize, outer: usize) -> &[[u8; QUAD]] {
        let from = at + outer * self.outer_step;
        self.x.get(from..).and_then(|x| x.get(..self.quads * QUAD)).map_or(&[], |x| x.as_chunks().0)
    }
}
