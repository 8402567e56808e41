// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters of a tile of up to sixteen columns and four pixels, for small code.
use super::epilogue::Plan;
use super::sizes::LANES;

/// Pixels of a tile. With two vectors of sums for each, everything that a step needs fits in registers.
pub const PIXELS: usize = 4;

/// The most columns of a tile.
pub const COLUMNS: usize = 2 * LANES;

/// The taps of a window: `rows * columns` taps of `depth` neighbouring inputs each.
#[derive(Clone, Copy, Debug)]
pub struct TapGrid {
    /// Rows of taps.
    pub rows: usize,
    /// Inputs between neighbouring rows.
    pub row_inputs: usize,
    /// Weights to skip after each row.
    pub row_gap: usize,
    /// Taps in a row.
    pub columns: usize,
    /// Inputs between neighbouring taps of a row.
    pub column_inputs: usize,
    /// Inputs of a tap.
    pub depth: usize,
    /// Weights from an input to the next, and from the last input of a tap to the first of the next tap.
    pub pitch: usize,
}

impl TapGrid {
    /// One tap with one input, and one column.
    pub const ONE: Self =
        TapGrid { rows: 1, row_inputs: 0, row_gap: 0, columns: 1, column_inputs: 0, depth: 1, pitch: 1 };
}

/// A pixel of a tile.
#[derive(Clone, Copy, Debug)]
pub struct Pixel {
    /// Where its inputs begin: the first of its first tap.
    pub x: usize,
    /// Where its outputs begin.
    pub y: usize,
}

/// A tile: `y = bounds(start + x * w)` for its pixels and columns.
#[derive(Debug)]
pub struct Tile<'a> {
    /// The input.
    pub x: &'a [f32],
    /// The weights, from the first of the tile on.
    pub w: &'a [f32],
    /// The bias of the columns. If it is shorter than `width`, the sums start from 0.
    pub bias: &'a [f32],
    /// The output.
    pub y: &'a mut [f32],
    /// The taps of each window.
    pub taps: TapGrid,
    /// The number of columns, at most [`COLUMNS`].
    pub width: usize,
    /// Depthwise: each column has inputs of its own, side by side.
    pub apart: bool,
    /// Whether the sums start from the output instead of from the bias.
    pub resume: bool,
    /// The epilogue: the residual is added if it is in the output, then the bounds are applied.
    pub plan: Plan,
    /// The pixels; those from `count` on are valid but unused.
    pub pixels: [Pixel; PIXELS],
    /// The number of pixels.
    pub count: usize,
}

impl<'a> Tile<'a> {
    /// A tile without pixels, bias and epilogue.
    #[inline(always)]
    pub const fn new(x: &'a [f32], w: &'a [f32], y: &'a mut [f32], taps: TapGrid, width: usize) -> Self {
        Tile {
            x,
            w,
            bias: &[],
            y,
            taps,
            width,
            apart: false,
            resume: false,
            plan: Plan::NONE,
            pixels: [Pixel { x: 0, y: 0 }; PIXELS],
            count: 0,
        }
    }

    /// What the sums of a pixel start from, an element for each column; `y` is its output.
    #[inline(always)]
    pub fn start(&self, y: *const f32) -> *const f32 {
        const ZEROS: [f32; COLUMNS] = [0.0; COLUMNS];
        if self.resume {
            y
        } else if self.bias.len() < self.width {
            ZEROS.as_ptr()
        } else {
            self.bias.as_ptr()
        }
    }
}
