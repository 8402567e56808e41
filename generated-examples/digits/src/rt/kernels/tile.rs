// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The register tile of matrix products and convolutions: up to [`ROWS`] rows times some columns of a weight panel.
//!
//! Invariant: each sum starts from its bias and adds its products in the order of the depth, each by one
//! [`Isa::mul_add`]. So the shape of a tile never shows in the result.
use super::super::arch::isa::{Isa, Kernel, LANES};
use super::columns::{Columns, Eight, Full, Narrow, One, PANEL, Wide};
use super::epilogue::Epilogue;
use super::regions::Places;
use super::rows::{ROWS, each_row};

/// Where the depth of a tile's sums lies in the input: `outer * inner` runs of `depth` neighbouring elements. The
/// weights of all of them follow each other, but for a gap after each outer step.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// Outer steps.
    pub outer: usize,
    /// Inputs between them.
    pub outer_step: usize,
    /// Depth of the weights between them.
    pub outer_depth: usize,
    /// Inner steps.
    pub inner: usize,
    /// Inputs between them.
    pub inner_step: usize,
    /// Length of a run.
    pub depth: usize,
}

impl Runs {
    /// One run.
    pub const fn one(depth: usize) -> Self {
        Runs { outer: 1, outer_step: 0, outer_depth: depth, inner: 1, inner_step: 0, depth }
    }

    /// The same with runs that follow each other joined.
    #[inline(always)]
    pub const fn joined(mut self) -> Self {
        if self.inner == 1 || self.inner_step == self.depth {
            self.depth *= self.inner;
            self.inner = 1;
            if self.outer == 1 || (self.outer_step == self.depth && self.outer_depth == self.depth) {
                self.depth *= self.outer;
                self.outer = 1;
            }
        }
        self
    }
}

/// What every tile of one panel shares.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The input.
    pub x: &'a [f32],
    /// The weights of the panel, from the first that is used.
    pub w: &'a [f32],
    /// The bias of the panel's columns, or empty.
    pub bias: &'a [f32],
    /// How many columns the panel has.
    pub columns: usize,
    /// The depth.
    pub runs: Runs,
    /// What is done with the sums.
    pub epilogue: Epilogue,
    /// Whether the sums start from the output instead of the bias.
    pub resume: bool,
}

/// Computes the tile at `places`, all columns of the panel.
#[inline(always)]
pub fn tile<I: Isa>(isa: I, task: &Task<'_>, places: &Places, y: &mut [f32]) {
    let columns = task.columns;
    if I::TILE_VECTORS >= 2 {
        if columns == PANEL {
            tile_columns(isa, Full, 0, task, places, y);
        } else if columns > LANES {
            tile_columns(isa, Wide { columns }, 0, task, places, y);
        } else {
            tile_columns(isa, Narrow { columns }, 0, task, places, y);
        }
        return;
    }
    let mut first = 0;
    while first + LANES <= columns {
        tile_columns(isa, Eight { columns, first }, first, task, places, y);
        first += LANES;
    }
    while first < columns {
        tile_columns(isa, One { columns, first }, first, task, places, y);
        first += 1;
    }
}

/// Computes the columns `block` of a tile, which start at column `first` of the panel.
#[inline(always)]
pub fn tile_columns<I: Isa, C: Columns>(
    isa: I,
    block: C,
    first: usize,
    task: &Task<'_>,
    places: &Places,
    y: &mut [f32],
) {
    // The guards are constant: an instruction set with small tiles has no bodies of large ones.
    match places.rows {
        1 => isa.run(Tile::<C, 1> { block, first, task, places, y }),
        2 if I::TILE_ROWS >= 2 => isa.run(Tile::<C, 2> { block, first, task, places, y }),
        3 if I::TILE_ROWS >= 3 => isa.run(Tile::<C, 3> { block, first, task, places, y }),
        4 if I::TILE_ROWS >= 4 => isa.run(Tile::<C, 4> { block, first, task, places, y }),
        5 if I::TILE_ROWS >= 5 => isa.run(Tile::<C, 5> { block, first, task, places, y }),
        6 if I::TILE_ROWS >= 6 => isa.run(Tile::<C, 6> { block, first, task, places, y }),
        _ => {}
    }
}

/// Some columns of a tile of `R` rows: a function of its own for each shape.
struct Tile<'a, C, const R: usize> {
    block: C,
    first: usize,
    task: &'a Task<'a>,
    places: &'a Places,
    y: &'a mut [f32],
}

impl<C: Columns, const R: usize> Kernel for Tile<'_, C, R> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Tile { block, first, task, places, y } = self;
        let width = block.width();
        let bias = task.bias.get(first..first + width).unwrap_or(&[]);
        let mut sums = [block.start(isa, bias); ROWS];
        if task.resume {
            each_row!(R, ROW => {
                sums[ROW] = block.start(isa, outputs(y, places.y[ROW] + first, width));
            });
        }
        let runs = task.runs;
        for outer in 0..runs.outer {
            for inner in 0..runs.inner {
                let x = outer * runs.outer_step + inner * runs.inner_step;
                let w = outer * runs.outer_depth + inner * runs.depth;
                let w = task.w.get(w * task.columns..).unwrap_or(&[]);
                let x = task.x.get(x..).unwrap_or(&[]);
                add_run::<I, C, R>(isa, block, &mut sums, (x, &places.x, runs.depth), w);
            }
        }
        // A copy that a loop may index, while the sums above stay in registers. The loop has the body of all epilogues
        // once, not for each row: it would be most of the code.
        let done = sums;
        let finish = task.epilogue.prepare(isa);
        for row in 0..places.rows {
            if let (Some(sums), Some(at)) = (done.get(row), places.y.get(row)) {
                block.finish(*sums, &finish, outputs(y, at + first, width));
            }
        }
    }
}

/// The outputs of one row; none where they lie outside, which they do not.
#[inline(always)]
fn outputs(y: &mut [f32], at: usize, width: usize) -> &mut [f32] {
    y.get_mut(at..).and_then(|y| y.get_mut(..width)).unwrap_or(&mut [])
}

/// Adds one run to the sums: `depth` inputs from `at` for each row, times the weights at the start of `w`.
#[inline(always)]
fn add_run<I: Isa, C: Columns, const R: usize>(
    isa: I,
    block: C,
    sums: &mut [C::Sums<I>; ROWS],
    (x, at, depth): (&[f32], &[usize; ROWS], usize),
    w: &[f32],
) {
    let Some(panel) = block.panel(w, depth) else { return };
    let mut rows: [&[f32]; ROWS] = [&[]; ROWS];
    each_row!(R, ROW => {
        // All slices have the same length, so that the checks in the loop below are seen to hold.
        let Some(row) = x.get(at[ROW]..).and_then(|x| x.get(..depth)) else { return };
        rows[ROW] = row;
    });
    for k in 0..depth {
        let weights = block.weights(isa, panel, k);
        each_row!(R, ROW => {
            let x = rows[ROW].get(k).copied().unwrap_or(0.0);
            block.add(isa, &mut sums[ROW], x, weights);
        });
    }
}
