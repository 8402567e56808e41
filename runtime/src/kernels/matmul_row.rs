// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of one row and a matrix: an attention of one token. Each element of the matrix is read once, so nothing is
//! packed, and no working memory is needed.
//!
//! Invariant: the sums are those of `matmul`, to the bit.
use super::super::arch::floats::Floats;
use super::super::loops::compact::{compute, push};
use super::super::loops::finish::Finish;
use super::super::loops::row::Row;
use super::super::terms::matmul::MatMul;
use super::super::terms::sizes::LANES;
use super::super::terms::tile::{COLUMNS, Pixel, TapGrid, Tile};
use super::compact::rest;
use super::reduce_f32::load_columns;

/// Vectors of sums that are computed together if the rows of the matrix are dense: enough to hide the latency of
/// multiply-adds.
const VECTORS: usize = 4;

/// Whether the product has one row, and the rows or columns of the matrix are dense.
pub const fn fits(p: &MatMul) -> bool {
    p.m == 1 && p.y.col == 1 && (p.b.col == 1 || p.b.row == 1)
}

/// `y = epilogue(bias + a * b)` for one row.
#[inline(always)]
pub fn row<I: Floats>(isa: I, p: &MatMul, (a, b, bias): (&[f32], &[f32], &[f32]), y: &mut [f32]) {
    let finish = Finish::new(isa, &p.epilogue.plan());
    let Some(y) = y.get_mut(..p.n) else { return };
    let mut column = 0;
    while column < p.n {
        let Some(y) = y.get_mut(column..) else { return };
        let bias = bias.get(column..).unwrap_or(&[]);
        let b = b.get(column * p.b.col..).unwrap_or(&[]);
        column += if p.b.col != 1 {
            across(isa, p, (a, b, bias), (&finish, y))
        } else if y.len() >= VECTORS * LANES {
            along::<VECTORS, I>(isa, p, (a, b, bias), (&finish, y))
        } else {
            along::<1, I>(isa, p, (a, b, bias), (&finish, y))
        };
    }
}

/// The same for small code, with its single loop: the columns of the matrix are columns of a tile, or its pixels if
/// they are dense.
#[inline(never)]
pub fn compact<I: Floats>(isa: I, p: &MatMul, (a, b, bias): (&[f32], &[f32], &[f32]), y: &mut [f32]) {
    let plan = p.epilogue.plan();
    let Some(y) = y.get_mut(..p.n) else { return };
    if p.b.col == 1 && I::VECTORS {
        let (step, pitch) = (p.a.col, Some(p.b.row));
        Row { x: a, step, depth: p.k, w: b, panel: COLUMNS, pitch, bias, plan, y: &mut *y }.compute(isa);
        return rest(&plan, y, [1, p.n, p.n]);
    }
    let taps = if p.b.col == 1 {
        TapGrid { columns: p.k, column_inputs: p.a.col, pitch: p.b.row, ..TapGrid::ONE }
    } else {
        TapGrid { depth: p.k, column_inputs: p.k, pitch: p.a.col, ..TapGrid::ONE }
    };
    let (x, w) = if p.b.col == 1 { (a, b) } else { (b, a) };
    let mut tile = Tile { plan, ..Tile::new(x, w, &mut *y, taps, 1) };
    let mut column = 0;
    while column < p.n {
        tile.bias = bias.get(column..).unwrap_or(&[]);
        let left = p.n - column;
        if p.b.col == 1 {
            tile.w = b.get(column..).unwrap_or(&[]);
            tile.width = if left < COLUMNS { left } else { COLUMNS };
            push(isa, &mut tile, Pixel { x: 0, y: column });
        } else {
            push(isa, &mut tile, Pixel { x: column * p.b.col, y: column });
        }
        // All pixels of a tile share one bias, and the weights of one panel.
        if p.b.col == 1 || !bias.is_empty() {
            compute(isa, &mut tile);
        }
        column += tile.width;
    }
    compute(isa, &mut tile);
    rest(&plan, y, [1, p.n, p.n]);
}

/// Computes up to `V` vectors of columns, for dense rows of `b`; returns the number of columns.
#[inline(always)]
fn along<const V: usize, I: Floats>(
    isa: I,
    p: &MatMul,
    (a, b, bias): (&[f32], &[f32], &[f32]),
    (finish, y): (&Finish<I>, &mut [f32]),
) -> usize {
    let width = y.len().min(V * LANES);
    let mut sums = [isa.splat(0.0); V];
    for (v, sum) in sums.iter_mut().enumerate() {
        *sum = load_columns(isa, bias, v * LANES, LANES.min(width - v * LANES)).unwrap_or(*sum);
    }
    for k in 0..p.k {
        let (Some(x), Some(b)) = (a.get(k * p.a.col), b.get(k * p.b.row..)) else { break };
        let x = isa.splat(*x);
        for (v, sum) in sums.iter_mut().enumerate() {
            let Some(w) = load_columns(isa, b, v * LANES, LANES.min(width - v * LANES)) else { break };
            *sum = isa.mul_add(x, w, *sum);
        }
    }
    for (v, sum) in sums.into_iter().enumerate() {
        store(finish, sum, y.get_mut(v * LANES..width).unwrap_or(&mut []));
    }
    width
}

/// Computes up to eight columns, for dense columns of `b`: blocks of eight by eight are transposed in registers.
/// Returns the number of columns.
#[inline(always)]
fn across<I: Floats>(
    isa: I,
    p: &MatMul,
    (a, b, bias): (&[f32], &[f32], &[f32]),
    (finish, y): (&Finish<I>, &mut [f32]),
) -> usize {
    let width = y.len().min(LANES);
    let mut sum = isa.load_part(bias);
    let mut k = 0;
    while k < p.k {
        let depth = LANES.min(p.k - k);
        let mut block = [isa.splat(0.0); LANES];
        for (i, column) in block.iter_mut().enumerate().take(width) {
            let Some(x) = load_columns(isa, b, i * p.b.col + k, depth) else { break };
            *column = x;
        }
        for (i, w) in isa.transpose(block).into_iter().enumerate().take(depth) {
            let Some(x) = a.get((k + i) * p.a.col) else { break };
            sum = isa.mul_add(isa.splat(*x), w, sum);
        }
        k += LANES;
    }
    store(finish, sum, y.get_mut(..width).unwrap_or(&mut []));
    width
}

/// Finishes and stores as many sums as `y` has elements, at most eight.
#[inline(always)]
fn store<I: Floats>(finish: &Finish<I>, sum: I::V, y: &mut [f32]) {
    match y.first_chunk_mut() {
        Some(y) => finish.store(sum, y),
        None => finish.store_part(sum, y),
    }
}
