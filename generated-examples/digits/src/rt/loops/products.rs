// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loops of matrix products and convolutions: sums in registers, inputs and weights by pointers.
//!
//! Invariant: everything that a loop reads lies inside its slices, which is checked once, before the loop.
use super::super::arch::floats::Floats;
use super::super::terms::epilogue::Bounds;
use super::super::terms::line::{Line, ROWS};
use super::super::terms::rows::each_row;
use super::super::terms::sizes::PANEL;
use super::super::terms::steps::{Pointers, Steps};
use super::columns::Columns;

const SIZE: usize = size_of::<f32>();

/// The inputs of a sum: `outer * inner` runs of `depth` neighbouring elements. Their weights follow each other, with a
/// gap after each outer step.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// Outer steps.
    pub outer: usize,
    /// Inputs between neighbouring outer steps.
    pub outer_step: usize,
    /// Depth of the weights between neighbouring outer steps.
    pub outer_depth: usize,
    /// Inner steps.
    pub inner: usize,
    /// Inputs between neighbouring inner steps.
    pub inner_step: usize,
    /// Length of a run.
    pub depth: usize,
}

impl Runs {
    /// One run.
    pub const fn one(depth: usize) -> Self {
        Runs { outer: 1, outer_step: 0, outer_depth: depth, inner: 1, inner_step: 0, depth }
    }

    /// Whether there is one run.
    #[inline(always)]
    pub const fn is_one(&self) -> bool {
        self.outer == 1 && self.inner == 1
    }

    /// Joins runs that touch.
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

    /// Inputs from the first to the last, both included; 0 if there are none.
    #[inline(always)]
    const fn inputs(&self) -> usize {
        if self.outer == 0 || self.inner == 0 || self.depth == 0 {
            return 0;
        }
        (self.outer - 1) * self.outer_step + (self.inner - 1) * self.inner_step + self.depth
    }

    /// Depth of the weights from the first to the last, both included, if there are inputs.
    #[inline(always)]
    const fn weights(&self) -> usize {
        (self.outer - 1) * self.outer_depth + self.inner * self.depth
    }
}

/// The operands of a tile's products.
#[derive(Clone, Copy, Debug)]
pub struct Products<'a> {
    /// The input.
    pub x: &'a [f32],
    /// The number of rows.
    pub rows: usize,
    /// Where the inputs of each row begin.
    pub at: Line,
    /// The weights, from the first one used on.
    pub w: &'a [f32],
    /// Weights between panels.
    pub panel: usize,
    /// The inputs of each sum.
    pub runs: Runs,
}

impl Products<'_> {
    /// The first input of each of `R` rows; none if there are no products, or if an operand is too short.
    #[inline(always)]
    fn rows<C: Columns, const R: usize>(&self, block: C) -> Option<[*const f32; ROWS]> {
        let span = self.runs.inputs();
        let last = self.at.last(R);
        if span == 0 {
            return None;
        }
        let weights = (block.panels() - 1) * self.panel + self.runs.weights() * block.columns();
        if last + span > self.x.len() || weights > self.w.len() {
            debug_assert!(false, "a tile lies outside");
            return None;
        }
        let mut rows = [self.x.as_ptr(); ROWS];
        // SAFETY: no row begins after `last`, which lies in `x`.
        each_row!(R, ROW => { rows[ROW] = unsafe { self.x.as_ptr().add(self.at.of(ROW)) }; });
        Some(rows)
    }
}

/// Adds the products of `R` rows and the columns of `block` to the sums, in the order of the depth. Returns early if an
/// operand is too short; the plan rules that out.
#[inline(always)]
pub fn add<I: Floats, C: Columns, const R: usize>(isa: I, block: C, sums: &mut [C::Sums<I>; ROWS], p: &Products<'_>) {
    let Some(rows) = p.rows::<C, R>(block) else { return };
    let Products { w, panel, runs, .. } = *p;
    let columns = block.columns();
    for outer in 0..runs.outer {
        // SAFETY: the weights up to the depth `runs.weights()` lie in `w`.
        let mut w = unsafe { w.as_ptr().add(outer * runs.outer_depth * columns) };
        for inner in 0..runs.inner {
            let first = outer * runs.outer_step + inner * runs.inner_step;
            for k in first..first + runs.depth {
                // SAFETY: as above, in each panel; `k` is below `runs.inputs()`, so every row's input lies in `x`.
                unsafe {
                    let weights = block.weights(isa, w, panel);
                    w = w.add(columns);
                    each_row!(R, ROW => { block.add(isa, &mut sums[ROW], *rows[ROW].add(k), weights); });
                }
            }
        }
    }
}

/// How the sums of a tile begin and end if the epilogue is a clamp.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// The bias of the columns. If it is too short, the sums start from 0.
    pub bias: &'a [f32],
    /// Whether the sums start from the output instead of the bias.
    pub resume: bool,
    /// Where the outputs of each row begin.
    pub at: Line,
    /// The first column of the outputs.
    pub first: usize,
    /// The bounds of the results.
    pub bounds: Bounds,
}

/// Computes the columns of one panel or of two full ones (for one row also of four or eight) by the instruction set's
/// own loop, which needs [`Floats::is_wide`]. Returns early if an operand is too short; the plan rules that out.
#[inline(always)]
pub fn wide<I: Floats>(isa: I, columns: usize, p: &Products<'_>, ends: &Ends<'_>, y: &mut [f32]) {
    const ZEROS: [f32; 8 * PANEL] = [0.0; 8 * PANEL];
    let rows = p.rows;
    let (panels, step) = if columns > PANEL { (columns / PANEL, PANEL) } else { (1, columns) };
    // If the number of rows is odd, the halves share a row, which is computed twice.
    let half = rows - rows / 2;
    let span = p.runs.inputs();
    let is_inside = span == 0
        || (p.at.last(rows) + span <= p.x.len() && (panels - 1) * p.panel + p.runs.weights() * step <= p.w.len());
    let is_even = p.at.is_even(rows) && ends.at.is_even(rows);
    let is_inside =
        is_inside && is_even && columns <= ZEROS.len() && ends.at.last(rows) + ends.first + columns <= y.len();
    if !is_inside {
        debug_assert!(false, "a tile lies outside");
        return;
    }
    if span == 0 {
        // There are no products, and the loops need at least one.
        for row in 0..rows {
            let y = y.get_mut(ends.at.of(row) + ends.first..).and_then(|y| y.get_mut(..columns)).unwrap_or(&mut []);
            for (i, y) in y.iter_mut().enumerate() {
                let bias = ends.bias.get(i).copied().unwrap_or(0.0);
                *y = ends.bounds.apply(if ends.resume { *y } else { bias });
            }
        }
        return;
    }
    let y = Pointers::new(y.as_mut_ptr().wrapping_add(ends.first), ends.at, rows, half);
    let bias = if ends.bias.len() < columns { ZEROS.as_ptr() } else { ends.bias.as_ptr() };
    let mut steps = Steps {
        x: Pointers::new(p.x.as_ptr(), p.at, rows, half),
        start: if ends.resume { y } else { Pointers { first: bias, step: 0, second: 0 } },
        y,
        w: p.w.as_ptr(),
        panel: p.panel * SIZE,
        step: step * SIZE,
        depth: p.runs.depth,
        outer: 0,
        outer_step: 0,
        gap: 0,
        mask: (1 << step) - 1,
        bounds: Bounds::NONE,
    };
    // SAFETY: everything that is read or written lies inside, as checked above.
    unsafe { run(isa, [half, panels], &mut steps, &p.runs, ends.bounds) };
}

/// Calls the loop as often as the runs need.
///
/// # Safety
/// The conditions of [`Floats::products`] hold for all of `runs`.
#[inline(always)]
unsafe fn run<I: Floats>(isa: I, shape: [usize; 2], steps: &mut Steps, runs: &Runs, bounds: Bounds) {
    // If inner steps could not be joined, each outer step is a call, and all but the last leave unfinished sums in `y`.
    let calls = if runs.inner == 1 { 1 } else { runs.outer };
    // Neighbouring runs of inputs may overlap; the step is negative then.
    let between = if runs.inner == 1 { runs.outer_step } else { runs.inner_step };
    steps.outer_step = between.wrapping_sub(runs.depth).wrapping_mul(SIZE);
    if runs.inner == 1 {
        steps.gap = runs.outer_depth.saturating_sub(runs.depth) * steps.step;
    }
    for call in 0..calls {
        steps.outer = if runs.inner == 1 { runs.outer } else { runs.inner };
        if call + 1 == calls {
            steps.bounds = bounds;
        }
        // SAFETY: the caller's promise.
        unsafe { isa.products(shape, steps) };
        steps.start = steps.y;
        steps.x.first = steps.x.first.wrapping_add(runs.outer_step);
        steps.w = steps.w.wrapping_byte_add(runs.outer_depth * steps.step);
    }
}
