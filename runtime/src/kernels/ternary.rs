// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products with constant weights of -1, 0 and 1 times a scale, without a multiplication in the sums.
//!
//! Invariant: a sum of floats starts from +0 and adds, for every five neighbouring inputs in ascending order,
//! `(x0 + x1) + ((x2 + x3) + x4)`, each input with its weight: `-x`, +0 or `x`. Inputs beyond the last are +0. A sum of bytes is exact.
//!
//! Weights are `[k / 5, rounded up][n]` bytes of five each.
use super::super::arch::fives::{Fives, FivesCpu, FivesKernel, ROWS};
use super::super::loops::scale::Scale;
use super::super::loops::wide_scale::WideScale;
use super::super::terms::epilogue::Residual;
use super::super::terms::fives::{Table, WordTable, group, groups};
use super::super::terms::sizes::LANES;
use super::super::terms::ternary::{Scales, TernaryMatMul, inputs, results};

/// Computes the product of floats; `scratch` has [`TernaryMatMul::scratch`] elements. Not inlined: layers share it.
#[inline(never)]
pub fn ternary_matmul<C: FivesCpu>(
    cpu: C,
    p: &TernaryMatMul,
    x: &[f32],
    w: &[u8],
    scales: Scales<'_>,
    scratch: &mut [f32],
    y: &mut [f32],
) {
    debug_assert!(x.len() >= p.m * p.k);
    debug_assert!(p.m == 0 || y.len() >= (p.m - 1) * p.y_pitch + p.n);
    debug_assert!(w.len() >= groups(p.k) * p.n && scratch.len() >= p.scratch());
    cpu.run_fives(Product { p, x, w, scales, scratch, y });
}

/// Computes the product of bytes; `tables` has [`TernaryMatMul::tables`] words, and `sums` one for each column. Not
/// inlined: layers share it.
#[inline(never)]
pub fn ternary_matmul_bytes<C: FivesCpu>(
    cpu: C,
    p: &TernaryMatMul,
    x: &[i8],
    w: &[u8],
    scales: Scales<'_>,
    (tables, sums): (&mut [u32], &mut [i32]),
    y: &mut [f32],
) {
    debug_assert!(x.len() >= p.m * p.k && sums.len() >= p.n && tables.len() >= p.tables());
    debug_assert!(p.m == 0 || y.len() >= (p.m - 1) * p.y_pitch + p.n);
    debug_assert!(w.len() >= groups(p.k) * p.n);
    cpu.run_fives(ByteProduct { p, x, w, scales, tables, sums, y });
}

struct Product<'a> {
    p: &'a TernaryMatMul,
    x: &'a [f32],
    w: &'a [u8],
    scales: Scales<'a>,
    scratch: &'a mut [f32],
    y: &'a mut [f32],
}

struct ByteProduct<'a> {
    p: &'a TernaryMatMul,
    x: &'a [i8],
    w: &'a [u8],
    scales: Scales<'a>,
    tables: &'a mut [u32],
    sums: &'a mut [i32],
    y: &'a mut [f32],
}

impl FivesKernel for Product<'_> {
    #[inline(always)]
    fn run<I: Fives>(self, isa: I) {
        let Product { p, x, w, scales, scratch, y } = self;
        let (mut table, rest) = match scratch.split_first_chunk_mut::<{ size_of::<Table>() / size_of::<f32>() }>() {
            Some((table, rest)) if p.has_table() => (Some(table), rest),
            _ => (None, scratch),
        };
        let beside = p.epilogue.residual == Residual::Accumulate;
        let mut row = 0;
        while row < p.m {
            let rows = if isa.has_rows() && !beside && p.m - row >= ROWS { ROWS } else { 1 };
            if rows == ROWS {
                sums_of_rows(isa, p, (x, w), row, y);
            } else {
                let sums_of_row = if beside { &mut *rest } else { results(p, y, row) };
                sums(isa, p, inputs(p, x, row), w, &mut table, sums_of_row);
            }
            for row in row..row + rows {
                let sums = if beside { &*rest } else { &[] };
                if I::TILE_VECTORS > 1 {
                    finish_wide(isa, (p, scales), row, sums, results(p, y, row));
                    continue;
                }
                let scale = Scale::of(p, scales, row);
                for (column, y) in results(p, y, row).iter_mut().enumerate() {
                    let sum = if beside { sums.get(column).copied().unwrap_or(0.0) } else { *y };
                    scale.store(isa, column, sum, y);
                }
            }
            row += rows;
        }
    }
}

impl FivesKernel for ByteProduct<'_> {
    #[inline(always)]
    fn run<I: Fives>(self, isa: I) {
        let ByteProduct { p, x, w, scales, tables, sums, y } = self;
        let sums = sums.get_mut(..p.n).unwrap_or(&mut []);
        let mut tables = tables.as_chunks_mut::<{ size_of::<WordTable>() / size_of::<u32>() }>().0.first_chunk_mut();
        for row in 0..p.m {
            sums.fill(0);
            isa.add_byte_fives(inputs(p, x, row), w, tables.as_deref_mut(), sums);
            let scale = Scale::of(p, scales, row);
            for (column, (y, sum)) in results(p, y, row).iter_mut().zip(&*sums).enumerate() {
                scale.store(isa, column, *sum as f32, y);
            }
        }
    }
}

/// Multiplies the sums of a row by their scales, eight at a time: those beside the results, or in their place.
#[inline(always)]
fn finish_wide<I: Fives>(isa: I, (p, scales): (&TernaryMatMul, Scales<'_>), row: usize, beside: &[f32], y: &mut [f32]) {
    let scale = WideScale::of(isa, p, scales, row);
    let (mut left, mut column) = (y, 0);
    while !left.is_empty() {
        let sums = if p.epilogue.residual == Residual::None { &*left } else { beside.get(column..).unwrap_or(&[]) };
        let sums = match sums.first_chunk() {
            Some(sums) => isa.load(sums),
            None => isa.load_part(sums),
        };
        scale.store(column, sums, left);
        column += LANES;
        left = left.get_mut(LANES..).unwrap_or(&mut []);
    }
}

/// The sums of a row of floats.
#[inline(always)]
fn sums<I: Fives>(isa: I, p: &TernaryMatMul, x: &[f32], w: &[u8], table: &mut Option<&mut Table>, sums: &mut [f32]) {
    sums.fill(0.0);
    let mut w = w;
    for at in 0..groups(p.k) {
        let Some((bytes, rest)) = w.split_at_checked(p.n) else { return };
        isa.add_fives(group(x, at), table.as_deref_mut(), bytes, sums);
        w = rest;
    }
}

/// The sums of some rows of floats, in their results.
#[inline(always)]
fn sums_of_rows<I: Fives>(isa: I, p: &TernaryMatMul, (x, w): (&[f32], &[u8]), first: usize, y: &mut [f32]) {
    (first..first + ROWS).for_each(|row| results(p, y, row).fill(0.0));
    let y = y.get_mut(first * p.y_pitch..).and_then(|y| y.get_mut(..(ROWS - 1) * p.y_pitch + p.n)).unwrap_or(&mut []);
    let mut w = w;
    for at in 0..groups(p.k) {
        let Some((bytes, rest)) = w.split_at_checked(p.n) else { return };
        let x = [0, 1, 2, 3].map(|row| group(inputs(p, x, first + row), at));
        isa.add_fives_rows(x, bytes, y, p.y_pitch);
        w = rest;
    }
}
