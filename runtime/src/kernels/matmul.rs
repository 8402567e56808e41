// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products of two operands that are known only at run time, with any strides: transposed views, heads of an
//! attention, broadcast batches.
//!
//! Invariant: `y[i, j]` starts from `bias[j]` and adds `a[i, k] * b[k, j]` with `k` ascending, each by one
//! multiply-add. Sums stay in a block of working memory while `k` advances in steps; each step packs a piece of `b`
//! like constant weights. Storing and reloading a sum does not change it.
use super::super::arch::floats::{FloatCpu, FloatKernel, Floats};
use super::super::loops::compact::{compute, push};
use super::super::loops::finish::Finish;
use super::super::loops::products::Runs;
use super::super::loops::tile::{Task, tile};
use super::super::terms::epilogue::Plan;
use super::super::terms::line::{Line, PLACES, ROWS};
use super::super::terms::matmul::MatMul;
use super::super::terms::regions::{Places, even};
use super::super::terms::sizes::{LANES, PANEL};
use super::super::terms::tile::{Pixel, TapGrid, Tile};
use super::matmul_row::{compact, fits, row};

/// Rows that share a packed piece of `b`.
const BLOCK_ROWS: usize = 4 * ROWS;

/// Depth of a packed piece. With it a block takes at most 4.3 KB, and packing costs less than the products.
const BLOCK_DEPTH: usize = 32;

impl MatMul {
    /// Elements of working memory: the sums of a block, a packed piece of `b`, and a packed piece of `a` if its rows
    /// are not dense.
    pub const fn scratch(&self) -> usize {
        let [sums, b, a] = self.pieces();
        sums + b + a
    }

    const fn pieces(&self) -> [usize; 3] {
        if fits(self) {
            return [0; 3];
        }
        let depth = least(self.k, BLOCK_DEPTH);
        let a = if self.a.col == 1 { 0 } else { least(self.m, ROWS) * depth };
        [least(self.m, BLOCK_ROWS) * PANEL, depth * PANEL, a]
    }
}

/// The smaller number; `min` is not const.
const fn least(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

/// Computes the products. `bias` has `n` elements, or is empty for zeros; `scratch` has [`MatMul::scratch`] elements
/// with any values.
#[inline]
pub fn matmul<C: FloatCpu>(cpu: C, p: &MatMul, a: &[f32], b: &[f32], bias: &[f32], scratch: &mut [f32], y: &mut [f32]) {
    debug_assert!(scratch.len() >= p.scratch());
    debug_assert!(a.len() >= p.a.end(p.batch, p.m, p.k) && b.len() >= p.b.end(p.batch, p.k, p.n));
    debug_assert!(y.len() >= p.y.end(p.batch, p.m, p.n));
    debug_assert!(bias.is_empty() || bias.len() >= p.n);
    cpu.run_floats(Products { p, a, b, bias, scratch, y });
}

struct Products<'a> {
    p: &'a MatMul,
    a: &'a [f32],
    b: &'a [f32],
    bias: &'a [f32],
    scratch: &'a mut [f32],
    y: &'a mut [f32],
}

impl FloatKernel for Products<'_> {
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Products { p, a, b, bias, scratch, y } = self;
        let [sums, packed_b, _] = p.pieces();
        let Some((sums, packed)) = scratch.split_at_mut_checked(sums) else { return };
        let Some((packed_b, packed_a)) = packed.split_at_mut_checked(packed_b) else { return };
        for i in 0..p.batch[0] {
            for j in 0..p.batch[1] {
                for k in 0..p.batch[2] {
                    let batch = [i, j, k];
                    let a = a.get(p.a.matrix(batch)..).unwrap_or(&[]);
                    let b = b.get(p.b.matrix(batch)..).unwrap_or(&[]);
                    let y = y.get_mut(p.y.matrix(batch)..).unwrap_or(&mut []);
                    if fits(p) && I::COMPACT {
                        compact(isa, p, (a, b, bias), y);
                        continue;
                    }
                    if fits(p) {
                        row(isa, p, (a, b, bias), y);
                        continue;
                    }
                    let sums = sums.as_chunks_mut().0;
                    let block = Block { rows: 0, columns: 0, sums, packed: [&mut *packed_a, &mut *packed_b] };
                    product(isa, p, (a, b, bias), block, y);
                }
            }
        }
    }
}

/// Computes one matrix product.
#[inline(always)]
fn product<I: Floats>(isa: I, p: &MatMul, (a, b, bias): (&[f32], &[f32], &[f32]), mut block: Block<'_>, y: &mut [f32]) {
    let mut column = 0;
    while column < p.n {
        let columns = PANEL.min(p.n - column);
        let bias = bias.get(column..).and_then(|bias| bias.get(..columns)).unwrap_or(&[]);
        let mut row = 0;
        while row < p.m {
            let rows = BLOCK_ROWS.min(p.m - row);
            (block.rows, block.columns) = (rows, columns);
            block.start(bias);
            let a = a.get(row * p.a.row..).unwrap_or(&[]);
            let b = b.get(column * p.b.col..).unwrap_or(&[]);
            block.add(isa, p, a, b);
            let y = y.get_mut(row * p.y.row + column * p.y.col..).unwrap_or(&mut []);
            block.finish(isa, p, y);
            row += rows;
        }
        column += columns;
    }
}

/// Sums of some rows and of the columns of one panel.
struct Block<'a> {
    rows: usize,
    columns: usize,
    sums: &'a mut [[f32; PANEL]],
    /// Where pieces of `a` and `b` are packed.
    packed: [&'a mut [f32]; 2],
}

impl Block<'_> {
    #[inline(always)]
    fn start(&mut self, bias: &[f32]) {
        for row in self.sums.iter_mut().take(self.rows) {
            *row = [0.0; PANEL];
            for (sum, bias) in row.iter_mut().zip(bias) {
                *sum = *bias;
            }
        }
    }

    /// Adds all products; `a` and `b` begin at the block's first row and column.
    #[inline(always)]
    fn add<I: Floats>(&mut self, isa: I, p: &MatMul, a: &[f32], b: &[f32]) {
        let mut first = 0;
        while first < p.k {
            let depth = BLOCK_DEPTH.min(p.k - first);
            let b = b.get(first * p.b.row..).unwrap_or(&[]);
            pack(self.packed[1], b, [depth, self.columns], [p.b.row, p.b.col]);
            let a = a.get(first * p.a.col..).unwrap_or(&[]);
            self.add_piece(isa, p, a, depth);
            first += depth;
        }
    }

    #[inline(always)]
    fn add_piece<I: Floats>(&mut self, isa: I, p: &MatMul, a: &[f32], depth: usize) {
        let [packed, w] = &mut self.packed;
        let mut row = 0;
        while row < self.rows {
            // A packed piece of `a` has few rows.
            let limit = if p.a.col == 1 { isa.tile_rows() } else { I::TILE_ROWS };
            let rows = even(self.rows - row, limit);
            let a = a.get(row * p.a.row..).unwrap_or(&[]);
            let (x, pitch) = if p.a.col == 1 {
                (a, p.a.row)
            } else {
                pack(packed, a, [rows, depth], [p.a.row, p.a.col]);
                (&**packed, depth)
            };
            if I::COMPACT {
                let taps = TapGrid { depth, pitch: self.columns, ..TapGrid::ONE };
                let mut tile =
                    Tile { resume: true, ..Tile::new(x, w, self.sums.as_flattened_mut(), taps, self.columns) };
                for i in 0..rows {
                    push(isa, &mut tile, Pixel { x: i * pitch, y: (row + i) * PANEL });
                }
                compute(isa, &mut tile);
                row += rows;
                continue;
            }
            let task = Task {
                x,
                w,
                depth,
                skip: 0,
                bias: &[],
                columns: self.columns,
                runs: Runs::one(depth),
                plan: Plan::NONE,
                resume: true,
            };
            let y = Line { first: row * PANEL, ..Line::one(rows, PANEL) };
            let places = Places { rows, x: Line::one(rows, pitch), y };
            tile::<I, PLACES>(isa, &task, &places, self.sums.as_flattened_mut());
            row += rows;
        }
    }

    /// Stores the results; `y` begins at the block's first row and column.
    #[inline(always)]
    fn finish<I: Floats>(&self, isa: I, p: &MatMul, y: &mut [f32]) {
        let finish = Finish::new(isa, &p.epilogue.plan());
        for (i, sums) in self.sums.iter().take(self.rows).enumerate() {
            let Some(y) = y.get_mut(i * p.y.row..) else { return };
            let sums = sums.get(..self.columns).unwrap_or(&[]);
            if p.y.col == 1 {
                let (sums, sums_rest) = sums.as_chunks::<LANES>();
                let (y, y_rest) = y.get_mut(..self.columns).unwrap_or(&mut []).as_chunks_mut::<LANES>();
                for (sums, y) in sums.iter().zip(y) {
                    finish.store(isa.load(sums), y);
                }
                finish.store_part(isa.load_part(sums_rest), y_rest);
            } else {
                for (j, sum) in sums.iter().enumerate() {
                    if let Some(y) = y.get_mut(j * p.y.col) {
                        finish.store1(*sum, y);
                    }
                }
            }
        }
    }
}

/// Copies `rows * columns` elements of `x`, row by row without gaps.
#[inline(always)]
fn pack(packed: &mut [f32], x: &[f32], [rows, columns]: [usize; 2], [row_step, column_step]: [usize; 2]) {
    for i in 0..rows {
        let packed = packed.get_mut(i * columns..).and_then(|packed| packed.get_mut(..columns)).unwrap_or(&mut []);
        let x = x.get(i * row_step..).unwrap_or(&[]);
        if column_step == 1 {
            for (packed, x) in packed.iter_mut().zip(x) {
                *packed = *x;
            }
        } else {
            for (j, packed) in packed.iter_mut().enumerate() {
                *packed = x.get(j * column_step).copied().unwrap_or(0.0);
            }
        }
    }
}
