// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of one row and a matrix: an attention of one token. Each element of the matrix is read once, so nothing is
//! packed, and no working memory is needed.
//!
//! Invariant: the sums are those of `matmul`, to the bit.
use super::super::arch::floats::Floats;
use super::super::loops::compact::{compute, push};
use super::super::loops::finish::Finish;
use super::super::loops::row::Row;
use super::super::loops::scores::add;
use super::super::terms::epilogue::Residual;
use super::super::terms::matmul::MatMul;
use super::super::terms::scores::Scores;
use super::super::terms::sizes::LANES;
use super::super::terms::tile::{COLUMNS, Pixel, TapGrid, Tile};
use super::compact::rest;
use super::reduce_f32::load_columns;

/// Vectors of sums that are computed together if the rows of the matrix are dense: enough to hide the latency of
/// multiply-adds.
const VECTORS: usize = 4;

/// Columns whose sums are computed together if the columns of the matrix are dense.
const SUMS: usize = 4 * LANES;

/// Whether the product has one row, and the rows of the matrix are dense, or its columns and the row.
pub const fn fits(p: &MatMul) -> bool {
    p.m == 1 && p.y.col == 1 && (p.b.col == 1 || (p.b.row == 1 && p.a.col == 1))
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
    let mut column = 0;
    while column < p.n {
        let Some(y) = y.get_mut(column..) else { return };
        let (bias, b) = (bias.get(column..).unwrap_or(&[]), b.get(column * p.b.col..).unwrap_or(&[]));
        if p.b.col == 1 {
            let width = if y.len() < COLUMNS { y.len() } else { COLUMNS };
            let taps = TapGrid { columns: p.k, column_inputs: p.a.col, pitch: p.b.row, ..TapGrid::ONE };
            let mut tile = Tile { plan, bias, ..Tile::new(a, b, y, taps, width) };
            push(isa, &mut tile, Pixel { x: 0, y: 0 });
            compute(isa, &mut tile);
            column += width;
            continue;
        }
        let (sums, width) = sums(isa, p, (a, b, bias), y.len());
        for (y, sum) in y.iter_mut().zip(sums) {
            let sum = if plan.residual == Residual::Accumulate { sum + *y } else { sum };
            *y = plan.bounds.apply(sum);
        }
        column += width;
    }
    rest(&plan, y, [1, p.n, p.n]);
}

/// Sums of some columns that are dense, and how many they are.
#[inline(always)]
fn sums<I: Floats>(isa: I, p: &MatMul, (a, b, bias): (&[f32], &[f32], &[f32]), columns: usize) -> ([f32; SUMS], usize) {
    let mut sums = [0.0; SUMS];
    let width = if columns < SUMS { columns } else { SUMS };
    for (sum, bias) in sums.iter_mut().zip(bias).take(width) {
        *sum = *bias;
    }
    if let (Some(x), Some(y)) = (a.get(..p.k), sums.get_mut(..width)) {
        add(isa, Scores { x, w: b, pitch: p.b.col, y });
    }
    (sums, width)
}

/// Computes up to [`SUMS`] columns, for dense columns of `b`. Returns the number of columns.
#[inline(always)]
fn across<I: Floats>(
    isa: I,
    p: &MatMul,
    operands: (&[f32], &[f32], &[f32]),
    (finish, y): (&Finish<I>, &mut [f32]),
) -> usize {
    let (sums, width) = sums(isa, p, operands, y.len());
    let (sums, _) = sums.as_chunks::<LANES>();
    let mut rest = y.get_mut(..width).unwrap_or(&mut []);
    for sums in sums {
        // Without a division, which small code would guard.
        let some = if rest.len() < LANES { rest.len() } else { LANES };
        let Some((y, others)) = core::mem::take(&mut rest).split_at_mut_checked(some).filter(|(y, _)| !y.is_empty())
        else {
            break;
        };
        store(finish, isa.load(sums), y);
        rest = others;
    }
    width
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
        if let Some(b) = b.get(..V * LANES).filter(|_| width == V * LANES) {
            for (sum, w) in sums.iter_mut().zip(b.as_chunks::<LANES>().0) {
                *sum = isa.mul_add(x, isa.load(w), *sum);
            }
            continue;
        }
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

/// Finishes and stores as many sums as `y` has elements, at most eight.
#[inline(always)]
fn store<I: Floats>(finish: &Finish<I>, sum: I::V, y: &mut [f32]) {
    match y.first_chunk_mut() {
        Some(y) => finish.store(sum, y),
        None => finish.store_part(sum, y),
    }
}
