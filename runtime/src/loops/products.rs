// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loops of matrix products and convolutions: sums in registers, inputs and weights by pointers.
//!
//! Invariant: all elements that a loop reads lie in the slices given, which is checked once, before the loop.
use super::super::arch::floats::Floats;
use super::super::terms::epilogue::Bounds;
use super::super::terms::line::{Line, ROWS};
use super::super::terms::rows::each_row;
use super::super::terms::sizes::PANEL;
use super::super::terms::steps::{Pointers, Steps};
use super::columns::Columns;

const SIZE: usize = size_of::<f32>();

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

    /// Whether there is one run.
    #[inline(always)]
    pub const fn is_one(&self) -> bool {
        self.outer == 1 && self.inner == 1
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
    /// How many rows there are.
    pub rows: usize,
    /// Where the inputs of each begin.
    pub at: Line,
    /// The weights, from the first that is used.
    pub w: &'a [f32],
    /// Weights between panels.
    pub panel: usize,
    /// The depth.
    pub runs: Runs,
}

impl Products<'_> {
    /// The first inputs of `R` rows, where all that products with `block` read lies inside and is not nothing.
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
        // SAFETY: no row begins behind `last`, which lies in `x`.
        each_row!(R, ROW => { rows[ROW] = unsafe { self.x.as_ptr().add(self.at.of(ROW)) }; });
        Some(rows)
    }
}

/// Adds the products of `R` rows with the columns of `block` to the sums, in the order of the depth. Nothing is added
/// where an operand is too short, which it is not.
#[inline(always)]
pub fn add<I: Floats, C: Columns, const R: usize>(isa: I, block: C, sums: &mut [C::Sums<I>; ROWS], p: &Products<'_>) {
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
    pub at: Line,
    /// The first column of them.
    pub first: usize,
    /// What is done with the sums.
    pub bounds: Bounds,
}

/// Computes some columns, those of one panel or of two full ones, for one row also of four or eight, by the instruction set's own loop;
/// [`Floats::is_wide`] for them. Nothing is done where an operand is too short, which it is not.
#[inline(always)]
pub fn wide<I: Floats>(isa: I, columns: usize, p: &Products<'_>, ends: &Ends<'_>, y: &mut [f32]) {
    const ZEROS: [f32; 8 * PANEL] = [0.0; 8 * PANEL];
    let rows = p.rows;
    let (panels, step) = if columns > PANEL { (columns / PANEL, PANEL) } else { (1, columns) };
    // Where the rows are odd, the halves share one, which is computed twice.
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
        // Without products: an empty loop is none of theirs.
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
    // SAFETY: all that is read and written lies inside, as checked above.
    unsafe { run(isa, [half, panels], &mut steps, &p.runs, ends.bounds) };
}

/// Runs the loop as often as the runs need.
///
/// # Safety
/// As [`Floats::products`] says, for all of `runs`.
#[inline(always)]
unsafe fn run<I: Floats>(isa: I, shape: [usize; 2], steps: &mut Steps, runs: &Runs, bounds: Bounds) {
    // Runs whose inner steps are not joined: all but the last call leave unfinished sums in `y`.
    let calls = if runs.inner == 1 { 1 } else { runs.outer };
    // The inputs of neighbouring runs may overlap: the step is back then.
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
