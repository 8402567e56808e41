// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What the loops that an instruction set has of its own are told: pointers and steps, laid out for assembly.
use super::epilogue::Bounds;
use super::line::Line;

const SIZE: usize = size_of::<f32>();

/// A [`Line`] in memory; all steps in bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pointers {
    /// The first row.
    pub first: *const f32,
    /// From row to row.
    pub step: usize,
    /// From the first row to that which the second half begins with.
    pub second: usize,
}

impl Pointers {
    /// Those of `rows` rows from `first` on, the second half of which begins with the row `half` before the end.
    #[inline(always)]
    pub fn new(first: *const f32, line: Line, rows: usize, half: usize) -> Self {
        Pointers {
            first: first.wrapping_add(line.first),
            step: line.step * SIZE,
            second: (line.of(rows - half) - line.first) * SIZE,
        }
    }
}

/// What a loop over panels reads that an instruction set has of its own; all steps in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct Steps {
    /// The first input of each row.
    pub x: Pointers,
    /// Where the sums of each row begin.
    pub start: Pointers,
    /// Where they go in the end; what is written by it may be written.
    pub y: Pointers,
    /// The first weight.
    pub w: *const f32,
    /// From one panel to the next.
    pub panel: usize,
    /// Weights of a panel at one depth.
    pub step: usize,
    /// How many inputs a run has, at least one.
    pub depth: usize,
    /// Runs, at least 1.
    pub outer: usize,
    /// Inputs from the end of one run to the start of the next.
    pub outer_step: usize,
    /// Weights that are left out between runs.
    pub gap: usize,
    /// A bit for each column of the first panel.
    pub mask: u32,
    /// What is done with the sums before they go.
    pub bounds: Bounds,
}

/// What a loop over windows reads that an instruction set has of its own; all steps in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct Windows {
    /// The first input of each pixel.
    pub x: Pointers,
    /// Where the results of each go; what is written by it may be written.
    pub y: Pointers,
    /// The sums' start.
    pub bias: *const f32,
    /// The first weight.
    pub w: *const f32,
    /// From the end of a row of taps to the next.
    pub row_inputs: usize,
    /// Weights between the same.
    pub row_weights: usize,
    /// From tap to tap of a row.
    pub column_inputs: usize,
    /// Weights between the same.
    pub column_weights: usize,
    /// Rows of taps, at least one.
    pub rows: u32,
    /// Taps of each, at least one.
    pub columns: u32,
    /// A bit for each channel.
    pub mask: u32,
    /// What is done with the sums.
    pub bounds: Bounds,
}
