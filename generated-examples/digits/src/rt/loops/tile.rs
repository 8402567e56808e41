// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The register tile of matrix products and convolutions: up to [`ROWS`] rows, and all columns of some weight panels.
//!
//! Invariant: each sum starts from its bias and adds its products in the order of the depth, each by one
//! [`Isa::mul_add`](super::super::arch::isa::Isa::mul_add). So the shape of a tile never shows in the result.
use super::super::arch::floats::{FloatKernel, Floats};
use super::super::terms::epilogue::{Bounds, Plan};
use super::super::terms::line::{Line, PLACES, ROWS};
use super::super::terms::regions::Places;
use super::super::terms::rows::each_row;
use super::super::terms::sizes::{LANES, PANEL};
use super::columns::{Columns, Eight, Full, Narrow, One, Wide};
use super::finish::{Clamp, Finish};
use super::products::{Ends, Products, Runs, add, wide};

/// Bytes of weights that stay in the cache while all rows of an input pass.
pub const CACHED: usize = 192 << 10;

/// The parameters that the tiles of some columns share: whole panels, then at most one narrow one.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The input.
    pub x: &'a [f32],
    /// The weights of the columns, panel after panel.
    pub w: &'a [f32],
    /// Depth of a panel.
    pub depth: usize,
    /// The depth at which the sums begin.
    pub skip: usize,
    /// The bias of the columns; may be empty.
    pub bias: &'a [f32],
    /// The number of columns.
    pub columns: usize,
    /// The inputs of each sum.
    pub runs: Runs,
    /// The epilogue.
    pub plan: Plan,
    /// Whether the sums start from the output instead of the bias; the epilogue is only a clamp then.
    pub resume: bool,
}

/// How many columns of weights of this depth stay in the cache: a multiple of four panels.
#[inline(always)]
pub const fn cached_columns(depth: usize) -> usize {
    const STEP: usize = 4 * PANEL;
    match (CACHED / (4 * STEP)).checked_div(depth) {
        Some(0) => STEP,
        Some(steps) => steps * STEP,
        None => usize::MAX,
    }
}

/// Computes all columns of the tile at `places`. `MOST` is the largest number of rows of any tile of the kernel: code
/// is compiled for no more.
#[inline(always)]
pub fn tile<I: Floats, const MOST: usize>(isa: I, task: &Task<'_>, places: &Places, y: &mut [f32]) {
    if isa.is_wide() && (places.rows > 1 || task.columns >= 4 * PANEL) {
        isa.run_floats(WideTile::<MOST> { task, places, y });
        return;
    }
    let mut first = 0;
    while first < task.columns {
        let left = task.columns - first;
        let columns = if left < PANEL { left } else { PANEL };
        if I::TILE_VECTORS < 2 {
            let mut at = 0;
            while at + LANES <= columns {
                rows::<I, _, MOST>(isa, Eight { columns, first: at }, [first, at], task, places, y);
                at += LANES;
            }
            while at < columns {
                rows::<I, _, MOST>(isa, One { columns, first: at }, [first, at], task, places, y);
                at += 1;
            }
            first += columns;
        } else if left >= 4 * PANEL && places.rows == 1 {
            // With few rows, more columns at once hide the latency of the sums.
            run::<I, _, 1>(isa, Full::<4>, [first, 0], task, places, y);
            first += 4 * PANEL;
        } else if left >= 2 * PANEL && places.rows <= 3 {
            rows::<I, _, MOST>(isa, Full::<2>, [first, 0], task, places, y);
            first += 2 * PANEL;
        } else {
            if left >= PANEL {
                rows::<I, _, MOST>(isa, Full::<1>, [first, 0], task, places, y);
            } else if left > LANES {
                rows::<I, _, MOST>(isa, Wide { columns }, [first, 0], task, places, y);
            } else {
                rows::<I, _, MOST>(isa, Narrow { columns }, [first, 0], task, places, y);
            }
            first += columns;
        }
    }
}

/// Computes the columns `block` of a tile; `at` is where their panel begins, and where they begin in the panel.
#[inline(always)]
fn rows<I: Floats, C: Columns, const MOST: usize>(
    isa: I,
    block: C,
    at: [usize; 2],
    task: &Task<'_>,
    places: &Places,
    y: &mut [f32],
) {
    // The guards are constant: instruction sets with small tiles get no code for large ones.
    match places.rows {
        1 => run::<I, C, 1>(isa, block, at, task, places, y),
        2 if I::TILE_ROWS >= 2 && MOST >= 2 => run::<I, C, 2>(isa, block, at, task, places, y),
        3 if I::TILE_ROWS >= 3 && MOST >= 3 => run::<I, C, 3>(isa, block, at, task, places, y),
        4 if I::TILE_ROWS >= 4 && MOST >= 4 => run::<I, C, 4>(isa, block, at, task, places, y),
        5 if I::TILE_ROWS >= 5 && MOST >= 5 => run::<I, C, 5>(isa, block, at, task, places, y),
        6 if I::TILE_ROWS >= 6 && MOST >= 6 => run::<I, C, 6>(isa, block, at, task, places, y),
        _ => {}
    }
}

#[inline(always)]
fn run<I: Floats, C: Columns, const R: usize>(
    isa: I,
    block: C,
    [panel, at]: [usize; 2],
    task: &Task<'_>,
    places: &Places,
    y: &mut [f32],
) {
    isa.run_floats(Tile::<C, R> { block, panel, first: panel + at, task, places, y });
}

/// Some columns of a tile of `R` rows; each shape is compiled to a function.
struct Tile<'a, C, const R: usize> {
    block: C,
    /// The first column of the panel.
    panel: usize,
    /// The first column.
    first: usize,
    task: &'a Task<'a>,
    places: &'a Places,
    y: &'a mut [f32],
}

impl<C: Columns, const R: usize> FloatKernel for Tile<'_, C, R> {
    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Tile { block, panel, first, task, places, y } = self;
        let width = block.width();
        let bias = task.bias.get(first..first + width).unwrap_or(&[]);
        let w = task.w.get(panel * task.depth + task.skip * block.columns()..).unwrap_or(&[]);
        let products = Products { x: task.x, rows: R, at: places.x, w, panel: PANEL * task.depth, runs: task.runs };
        let outputs = Outputs { rows: places.rows, at: places.y, first, width };
        let clamp = task.plan.clamp();
        let mut sums = [block.start(isa, bias); ROWS];
        if task.resume {
            each_row!(R, ROW => { sums[ROW] = block.start(isa, outputs.of(ROW, y)); });
        }
        if R * block.panels() <= ROWS {
            add::<I, C, R>(isa, block, &mut sums, &products);
        } else {
            debug_assert!(false, "more sums than registers");
        }
        if let Some(bounds) = clamp {
            let clamp = Clamp::new(isa, bounds);
            each_row!(R, ROW => { block.store(isa, sums[ROW], &clamp, outputs.of(ROW, y)); });
            return;
        }
        // A copy that has an address, while the sums above stay in registers.
        let done = sums;
        let pitch = size_of::<C::Sums<I>>() / size_of::<f32>();
        isa.run_floats(Finishing { sums: block.numbers::<I>(&done), pitch, outputs, plan: &task.plan, y });
    }
}

/// All columns of a tile, for the instruction set's own loop.
struct WideTile<'a, const MOST: usize> {
    task: &'a Task<'a>,
    places: &'a Places,
    y: &'a mut [f32],
}

impl<const MOST: usize> FloatKernel for WideTile<'_, MOST> {
    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        const WIDTH: usize = 2 * PANEL;
        let WideTile { task, places, y } = self;
        let count = if MOST == 1 { 1 } else { places.rows };
        let mut first = 0;
        while first < task.columns {
            let left = task.columns - first;
            let is_row = count == 1 && task.runs.is_one();
            let width = if is_row && left >= 8 * PANEL {
                8 * PANEL
            } else if is_row && left >= 4 * PANEL {
                4 * PANEL
            } else if left >= WIDTH {
                WIDTH
            } else {
                left.min(PANEL)
            };
            let w = task.w.get(first * task.depth + task.skip * width.min(PANEL)..).unwrap_or(&[]);
            let products =
                Products { x: task.x, rows: count, at: places.x, w, panel: PANEL * task.depth, runs: task.runs };
            let bias = task.bias.get(first..).unwrap_or(&[]);
            if let Some(bounds) = task.plan.clamp() {
                let ends = Ends { bias, resume: task.resume, at: places.y, first, bounds };
                wide(isa, width, &products, &ends, y);
            } else {
                debug_assert!(!task.resume);
                let mut sums = [[0.0; WIDTH]; PLACES];
                let pitch = width.max(WIDTH);
                let ends = Ends { bias, resume: false, at: Line::one(PLACES, pitch), first: 0, bounds: Bounds::NONE };
                wide(isa, width, &products, &ends, sums.as_flattened_mut());
                let outputs = Outputs { rows: count, at: places.y, first, width };
                isa.run_floats(Finishing { sums: sums.as_flattened(), pitch, outputs, plan: &task.plan, y });
            }
            first += width;
        }
    }
}

/// Where the outputs of a tile lie.
#[derive(Clone, Copy, Debug)]
struct Outputs {
    /// The number of rows.
    rows: usize,
    /// Where each row begins.
    pub at: Line,
    /// The first column.
    first: usize,
    /// The number of columns.
    width: usize,
}

impl Outputs {
    /// The outputs of one row; empty if they lie outside, which the plan rules out.
    #[inline(always)]
    fn of<'y>(&self, row: usize, y: &'y mut [f32]) -> &'y mut [f32] {
        let at = self.at.of(row) + self.first;
        y.get_mut(at..).and_then(|y| y.get_mut(..self.width)).unwrap_or(&mut [])
    }
}

/// Applies an epilogue that is more than a clamp. One function for all shapes, because this would be most of the code
/// of each.
struct Finishing<'a> {
    sums: &'a [f32],
    /// Sums from a row to the next.
    pitch: usize,
    outputs: Outputs,
    plan: &'a Plan,
    y: &'a mut [f32],
}

impl FloatKernel for Finishing<'_> {
    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Finishing { sums, pitch, outputs, plan, y } = self;
        let finish = Finish::new(isa, plan);
        for row in 0..outputs.rows {
            let sums = sums.get(row * pitch..).and_then(|sums| sums.get(..pitch)).unwrap_or(&[]);
            let (chunks, rest) = outputs.of(row, y).as_chunks_mut::<LANES>();
            let (vectors, last) = sums.as_chunks::<LANES>();
            for (sums, y) in vectors.iter().zip(chunks.iter_mut()) {
                finish.store(isa.load(sums), y);
            }
            if let ([_, ..], Some(sums)) = (&*rest, vectors.get(chunks.len())) {
                finish.store_part(isa.load(sums), rest);
            } else if let ([y], [sum, ..]) = (rest, last) {
                finish.store1(*sum, y);
            }
        }
    }
}
