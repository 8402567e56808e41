// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The tasks of loops for products of floats in assembly: pointers and steps.
use super::epilogue::Bounds;
use super::line::Line;

const SIZE: usize = size_of::<f32>();

/// A [`Line`] in memory; steps in bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pointers {
    /// The first row.
    pub first: *const f32,
    /// From row to row.
    pub step: usize,
    /// From the first row to the first row of the second half.
    pub second: usize,
}

impl Pointers {
    /// Pointers to `rows` rows from `first` on; the second half begins at row `rows - half`.
    #[inline(always)]
    pub fn new(first: *const f32, line: Line, rows: usize, half: usize) -> Self {
        Pointers {
            first: first.wrapping_add(line.first),
            step: line.step * SIZE,
            second: (line.of(rows - half) - line.first) * SIZE,
        }
    }
}

/// What a loop over panels reads; steps in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct Steps {
    /// The first input of each row.
    pub x: Pointers,
    /// What the sums of each row start from.
    pub start: Pointers,
    /// Where the results of each row are stored; they may be written through it.
    pub y: Pointers,
    /// The first weight.
    pub w: *const f32,
    /// From a panel to the next.
    pub panel: usize,
    /// From the weights of an input to those of the next in a panel.
    pub step: usize,
    /// Inputs in a run, at least 1.
    pub depth: usize,
    /// Runs, at least 1.
    pub outer: usize,
    /// From the end of a run of inputs to the start of the next.
    pub outer_step: usize,
    /// From the end of a run's weights to those of the next.
    pub gap: usize,
    /// The columns of the first panel, a bit for each.
    pub mask: u32,
    /// The bounds of the results.
    pub bounds: Bounds,
}
