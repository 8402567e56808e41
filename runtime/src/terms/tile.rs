// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What tiles of up to sixteen columns of four pixels are told.
use super::epilogue::Plan;
use super::sizes::LANES;

/// Pixels of a tile: with two vectors of sums each, all that a step needs is in registers.
pub const PIXELS: usize = 4;

/// The most columns of a tile.
pub const COLUMNS: usize = 2 * LANES;

/// The taps of a tile's windows: `rows * columns` of them, each of `depth` neighbouring inputs.
#[derive(Clone, Copy, Debug)]
pub struct TapGrid {
    /// Rows.
    pub rows: usize,
    /// Inputs between them.
    pub row_inputs: usize,
    /// Weights that are left out after each.
    pub row_gap: usize,
    /// Columns.
    pub columns: usize,
    /// Inputs between them.
    pub column_inputs: usize,
    /// Inputs of a tap.
    pub depth: usize,
    /// Weights from one input to the next, and from one tap to the next of a row.
    pub pitch: usize,
}

impl TapGrid {
    /// One tap of one input with one column.
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
    /// The weights, from the first that is used.
    pub w: &'a [f32],
    /// The bias of the columns, or too short, which stands for zeros.
    pub bias: &'a [f32],
    /// The output.
    pub y: &'a mut [f32],
    /// What is multiplied.
    pub taps: TapGrid,
    /// How many columns there are, at most [`COLUMNS`].
    pub width: usize,
    /// Whether each column has inputs of its own, side by side: a depthwise convolution.
    pub apart: bool,
    /// Whether the sums start from the output instead of the bias.
    pub resume: bool,
    /// What is done with the sums: the output is added where it is the residual, then the bounds are applied.
    pub plan: Plan,
    /// The pixels; those beyond `count` are like others.
    pub pixels: [Pixel; PIXELS],
    /// How many pixels there are.
    pub count: usize,
}

impl<'a> Tile<'a> {
    /// No pixel yet of products that start from zeros and that nothing is done with.
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

    /// Where the sums of a pixel start: as many elements as there are columns.
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
