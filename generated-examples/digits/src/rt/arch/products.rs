// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loops of matrix products and convolutions: sums in registers, inputs and weights by pointers.
//!
//! Invariant: all elements that a loop reads lie in the slices given, which is checked once, before the loop.
use super::super::kernels::epilogue::Bounds;
use super::super::kernels::rows::{ROWS, each_row};
use super::columns::{Columns, Full, PANEL};
use super::isa::Isa;

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

    /// Inputs from the first to the last; 0 where there is none.
    #[inline(always)]
    const fn inputs(&self) -> usize {
        if self.outer == 0 || self.inner == 0 || self.depth == 0 {
            return 0;
        }
        (self.outer - 1) * self.outer_step + (self.inner - 1) * self.inner_step + self.depth
    }

    /// Depth of the weights from the first to the last, where there are inputs.
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
    /// Where the inputs of each row begin.
    pub at: &'a [usize; ROWS],
    /// The weights, from the first that is used.
    pub w: &'a [f32],
    /// Weights between panels.
    pub panel: usize,
    /// The depth.
    pub runs: Runs,
}

/// What a loop over full panels reads that an instruction set has of its own; all steps in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct Steps {
    /// The first input of each row.
    pub rows: [*const f32; ROWS],
    /// The first weight.
    pub w: *const f32,
    /// From one panel to the next.
    pub panel: usize,
    /// Elements of a run, at least 1.
    pub depth: usize,
    /// Runs, at least 1.
    pub outer: usize,
    /// Inputs from the start of one run to that of the next.
    pub outer_step: usize,
    /// Weights that are left out between runs.
    pub gap: usize,
    /// Where the sums of each row begin: panels of 16.
    pub start: [*const f32; ROWS],
    /// Where they go in the end.
    pub y: [*mut f32; ROWS],
    /// What is done with them before.
    pub bounds: Bounds,
}

impl Products<'_> {
    /// The first inputs of `R` rows, where all that products with `block` read lies inside and is not nothing.
    #[inline(always)]
    fn rows<C: Columns, const R: usize>(&self, block: C) -> Option<[*const f32; ROWS]> {
        let (span, at) = (self.runs.inputs(), self.at);
        let mut last = 0;
        each_row!(R, ROW => { last = if at[ROW] > last { at[ROW] } else { last }; });
        if span == 0 {
            return None;
        }
        let weights = (block.panels() - 1) * self.panel + self.runs.weights() * block.columns();
        if last + span > self.x.len() || weights > self.w.len() {
            debug_assert!(false, "a tile lies outside");
            return None;
        }
        let mut rows = [self.x.as_ptr(); ROWS];
        // SAFETY: `at` is at most `last`, which lies in `x`.
        each_row!(R, ROW => { rows[ROW] = unsafe { self.x.as_ptr().add(at[ROW]) }; });
        Some(rows)
    }
}

/// Adds the products of `R` rows with the columns of `block` to the sums, in the order of the depth. Nothing is added
/// where an operand is too short, which it is not.
#[inline(always)]
pub fn add<I: Isa, C: Columns, const R: usize>(isa: I, block: C, sums: &mut [C::Sums<I>; ROWS], p: &Products<'_>) {
    let Some(rows) = p.rows::<C, R>(block) else { return };
    let Products { w, panel, runs, .. } = *p;
    let columns = block.columns();
    for outer in 0..runs.outer {
        // SAFETY: weights up to the depth `runs.weights()` lie in `w`.
        let mut w = unsafe { w.as_ptr().add(outer * runs.outer_depth * columns) };
        for inner in 0..runs.inner {
            let first = outer * runs.outer_step + inner * runs.inner_step;
            for k in first..first + runs.depth {
                // SAFETY: as above, in each panel; `k` is below `runs.inputs()`, so that every row's element lies in `x`.
                unsafe {
                    let weights = block.weights(isa, w, panel);
                    w = w.add(columns);
                    each_row!(R, ROW => { block.add(isa, &mut sums[ROW], *rows[ROW].add(k), weights); });
                }
            }
        }
    }
}

/// How the sums of a tile begin and end where a clamp is all that is done with them.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// The bias of the columns, or too short, which stands for zeros.
    pub bias: &'a [f32],
    /// Whether the sums start from the output instead.
    pub resume: bool,
    /// Where the outputs of each row begin.
    pub at: &'a [usize; ROWS],
    /// The first column of them.
    pub first: usize,
    /// What is done with the sums.
    pub bounds: Bounds,
}

/// Computes `R` rows of `P` full panels by the instruction set's own loop; [`Isa::is_wide`] for them. Nothing is done
/// where an operand is too short, which it is not.
#[inline(always)]
pub fn wide<I: Isa, const P: usize, const R: usize>(isa: I, p: &Products<'_>, ends: &Ends<'_>, y: &mut [f32]) {
    const SIZE: usize = size_of::<f32>();
    const ZEROS: [f32; 2 * PANEL] = [0.0; 2 * PANEL];
    let width = P * PANEL;
    let mut last = 0;
    each_row!(R, ROW => { last = if ends.at[ROW] > last { ends.at[ROW] } else { last }; });
    if width > ZEROS.len() || last + ends.first + width > y.len() {
        debug_assert!(false, "a tile lies outside");
        return;
    }
    let bias = if ends.bias.len() < width { ZEROS.as_ptr() } else { ends.bias.as_ptr() };
    let mut steps = Steps {
        rows: [bias; ROWS],
        w: p.w.as_ptr(),
        panel: p.panel * SIZE,
        depth: p.runs.depth,
        outer: 0,
        outer_step: 0,
        gap: 0,
        start: [bias; ROWS],
        y: [y.as_mut_ptr(); ROWS],
        bounds: Bounds::NONE,
    };
    // SAFETY: the row's outputs end before those of `last`, which lie in `y`.
    each_row!(R, ROW => { steps.y[ROW] = unsafe { steps.y[ROW].add(ends.at[ROW] + ends.first) }; });
    if ends.resume {
        each_row!(R, ROW => { steps.start[ROW] = steps.y[ROW]; });
    }
    let Some(rows) = p.rows::<Full<P>, R>(Full) else {
        // Without products: an empty loop is none of theirs.
        each_row!(R, ROW => {
            for i in 0..width {
                // SAFETY: both have `width` elements.
                unsafe { *steps.y[ROW].add(i) = ends.bounds.apply(*steps.start[ROW].add(i)) };
            }
        });
        return;
    };
    steps.rows = rows;
    // Runs whose inner steps are not joined: all but the last leave unfinished sums in `y`.
    let runs = p.runs;
    let calls = if runs.inner == 1 { 1 } else { runs.outer };
    if runs.inner == 1 {
        (steps.outer_step, steps.gap) =
            (runs.outer_step * SIZE, runs.outer_depth.saturating_sub(runs.depth) * PANEL * SIZE);
    } else {
        steps.outer_step = runs.inner_step * SIZE;
    }
    for call in 0..calls {
        steps.outer = if runs.inner == 1 { runs.outer } else { runs.inner };
        if call + 1 == calls {
            steps.bounds = ends.bounds;
        }
        // SAFETY: all that is read and written lies inside, as checked here and by `rows`.
        unsafe { isa.products([R, P], &mut steps) };
        each_row!(R, ROW => {
            steps.start[ROW] = steps.y[ROW];
            steps.rows[ROW] = steps.rows[ROW].wrapping_add(runs.outer_step);
        });
        steps.w = steps.w.wrapping_add(runs.outer_depth * PANEL);
    }
}
