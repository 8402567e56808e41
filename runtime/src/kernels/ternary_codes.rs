// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products of bytes with constant weights of -1, 0 and 1 in two bits each, for CPUs that multiply bytes: the products of
//! inputs and codes, which are weights plus 1, less the sum of the inputs.
//!
//! Weights are panels of sixteen columns, each of them blocks of sixteen inputs: see `terms::codes`.
use super::super::arch::codes::{Codes, CodesCpu, CodesKernel, ROWS};
use super::super::loops::wide_scale::WideScale;
use super::super::terms::codes::{BLOCK, BLOCK_BYTES, blocks};
use super::super::terms::sizes::{LANES, PANEL};
use super::super::terms::ternary::{Scales, TernaryMatMul, inputs, results};

/// Rows from which on it takes less time to compute [`ROWS`] of them than one after the other.
const MANY: usize = 3;

/// Bytes of scratch: the rows of inputs that are computed at once, in whole blocks.
pub const fn scratch(p: &TernaryMatMul) -> usize {
    let rows = if p.m < MANY { 1 } else { ROWS };
    rows * blocks(p.k) * BLOCK
}

/// Computes the product; `padded` has [`scratch`] bytes. Not inlined: layers share it.
#[inline(never)]
pub fn ternary_matmul_codes<C: CodesCpu>(
    cpu: C,
    p: &TernaryMatMul,
    x: &[i8],
    w: &[u8],
    scales: Scales<'_>,
    padded: &mut [i8],
    y: &mut [f32],
) {
    debug_assert!(x.len() >= p.m * p.k && padded.len() >= scratch(p));
    debug_assert!(p.m == 0 || y.len() >= (p.m - 1) * p.y_pitch + p.n);
    debug_assert!(w.len() >= p.n.div_ceil(PANEL) * blocks(p.k) * BLOCK_BYTES);
    cpu.run_codes(Product { p, x, w, scales, padded, y });
}

struct Product<'a> {
    p: &'a TernaryMatMul,
    x: &'a [i8],
    w: &'a [u8],
    scales: Scales<'a>,
    padded: &'a mut [i8],
    y: &'a mut [f32],
}

impl CodesKernel for Product<'_> {
    #[inline(always)]
    fn run<I: Codes>(mut self, isa: I) {
        let mut row = 0;
        while row < self.p.m {
            let rows = (self.p.m - row).min(ROWS);
            if rows < MANY {
                self.rows::<I, 1>(isa, row, 1);
                row += 1;
            } else {
                self.rows::<I, ROWS>(isa, row, rows);
                row += rows;
            }
        }
    }
}

impl Product<'_> {
    /// Computes `rows` rows, at most `R`.
    #[inline(always)]
    fn rows<I: Codes, const R: usize>(&mut self, isa: I, first: usize, rows: usize) {
        let p = self.p;
        let mut more = [0i32; R];
        for (row, more) in more.iter_mut().enumerate().take(rows) {
            let x = inputs(p, self.x, first + row);
            pad::<R>(x, self.padded.as_chunks_mut().0.get_mut(row..).unwrap_or(&mut []));
            *more = x.iter().fold(0, |sum, x| sum - i32::from(*x));
        }
        let scales: [_; R] = core::array::from_fn(|row| WideScale::of(isa, p, self.scales, first + row));
        let (mut column, mut w) = (0, self.w);
        while column < p.n {
            let (panel, rest) = w.split_at_checked(blocks(p.k) * BLOCK_BYTES).unwrap_or((&[], &[]));
            let sums: [_; R] = isa.dots(self.padded, rows, panel);
            for (row, ((sums, more), scale)) in sums.iter().zip(more).zip(&scales).enumerate().take(rows) {
                let y = results(p, self.y, first + row);
                for (half, sums) in sums.as_chunks::<LANES>().0.iter().enumerate() {
                    let column = column + half * LANES;
                    let sums = sums.map(|sum| sum.wrapping_add(more) as f32);
                    scale.store(column, isa.load(&sums), y.get_mut(column..).unwrap_or(&mut []));
                }
            }
            column += PANEL;
            w = rest;
        }
    }
}

/// Copies a row to every `R`-th block, with zeros behind its last input.
#[inline(always)]
fn pad<const R: usize>(x: &[i8], to: &mut [[i8; BLOCK]]) {
    let (mut x, mut left) = (x, to);
    while let (false, Some((to, _))) = (x.is_empty(), left.split_first_mut()) {
        match x.first_chunk() {
            Some(x) => *to = *x,
            None => {
                *to = [0; BLOCK];
                to.iter_mut().zip(x).for_each(|(to, x)| *to = *x);
            }
        }
        x = x.get(BLOCK..).unwrap_or(&[]);
        left = left.get_mut(R..).unwrap_or(&mut []);
    }
}
