// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of numbers with constant bytes, where the numbers are quantized on the way: numbers in, numbers out.
//!
//! Invariants: those of `qconv`; what is computed equals ONNX `DynamicQuantizeLinear`, `MatMulInteger`, and the
//! multiplications by the scales that follow, each rounded by itself.
use super::super::arch::bytes::{ByteCpu, ByteKernel, Bytes};
use super::super::loops::qsums::tile_sums;
use super::super::math::minmax::{max, min};
use super::super::terms::dots::{Inputs, Weights};
use super::super::terms::dynamic::{Columns, DynamicMatMul, Scale};
use super::super::terms::line::ROWS;
use super::super::terms::quant::ROUND;
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::terms::window::div_ceil;

/// Computes the product; `scratch` holds the bytes.
#[inline]
pub fn dynamic_matmul<C: ByteCpu>(
    cpu: C,
    p: &DynamicMatMul,
    x: &[f32],
    w: &[i8],
    columns: Columns<'_>,
    scratch: &mut [u8],
    y: &mut [f32],
) {
    debug_assert!(x.len() >= p.m * p.k && scratch.len() >= p.scratch());
    cpu.run_bytes(Product { p, x, w, columns, scratch, y });
}

struct Product<'a> {
    p: &'a DynamicMatMul,
    x: &'a [f32],
    w: &'a [i8],
    columns: Columns<'a>,
    scratch: &'a mut [u8],
    y: &'a mut [f32],
}

/// Rows that are computed together.
struct Rows {
    first: usize,
    count: usize,
    /// Where their bytes begin; missing rows repeat the last one.
    at: [usize; ROWS],
    /// What the offset of the weights adds to the sums of each row.
    more: [i32; ROWS],
}

/// The scale of some numbers.
#[inline(always)]
fn scale<I: Bytes>(isa: I, x: &[f32]) -> Scale {
    let (chunks, rest) = x.as_chunks::<LANES>();
    // Missing lanes are 0, which takes part anyway.
    let mut most = isa.load_part(rest);
    let mut least = most;
    for x in chunks {
        let x = isa.load(x);
        (most, least) = (isa.max(most, x), isa.min(least, x));
    }
    let most = isa.to_array(most).into_iter().fold(0.0, max);
    let least = isa.to_array(least).into_iter().fold(0.0, min);
    Scale::of([least, most])
}

/// Writes the bytes of a row; what lies behind them up to eight is the byte of 0.
#[inline(always)]
fn quantize<I: Bytes>(isa: I, s: Scale, x: &[f32], y: &mut [u8]) {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.split_at_mut_checked(chunks.len() * LANES).unwrap_or_default();
    for (x, y) in chunks.iter().zip(y.as_chunks_mut().0) {
        *y = bytes(isa, s, isa.load(x));
    }
    y_rest.iter_mut().zip(bytes(isa, s, isa.load_part(rest))).for_each(|(y, byte)| *y = byte);
}

/// The bytes of eight numbers.
#[inline(always)]
fn bytes<I: Bytes>(isa: I, s: Scale, x: I::V) -> [u8; LANES] {
    let zero = i32::from(s.zero);
    let (lo, hi) = (isa.splat(-(zero as f32)), isa.splat((255 - zero) as f32));
    // The bound where the quotient is not above it, so also where it is NaN.
    let v = isa.at_most(isa.at_least(lo, isa.div(x, isa.splat(s.scale))), hi);
    isa.low_bytes(isa.add(v, isa.splat(ROUND)), (ROUND.to_bits() as i32).wrapping_sub(zero))
}

impl ByteKernel for Product<'_> {
    #[inline(always)]
    fn run<I: Bytes>(mut self, isa: I) {
        let (p, depth) = (self.p, self.p.depth());
        let Some(x) = self.x.get(..p.m * p.k) else { return };
        let scale = scale(isa, x);
        for row in 0..p.m {
            let x = x.get(row * p.k..).and_then(|x| x.get(..p.k));
            let q = self.scratch.get_mut(row * depth..).and_then(|q| q.get_mut(..depth));
            let (Some(x), Some(q)) = (x, q) else { return };
            quantize(isa, scale, x, q);
        }
        let panels = div_ceil(p.n, PANEL);
        for first in (0..p.m).step_by(ROWS) {
            let count = ROWS.min(p.m - first);
            let mut at = [0; ROWS];
            for (row, at) in at.iter_mut().enumerate() {
                *at = (first + row.min(count - 1)) * depth;
            }
            let mut more = [0; ROWS];
            for (row, more) in more.iter_mut().enumerate().take(count) {
                *more = self.more(scale, first + row);
            }
            let rows = Rows { first, count, at, more };
            let mut panel = 0;
            // Eight columns are a panel of their own.
            let full = panels.saturating_sub(usize::from(p.n <= panels.saturating_sub(1) * PANEL + LANES));
            while panel < panels {
                panel += match full.saturating_sub(panel) {
                    8.. if isa.has_dots() && count == 1 => self.tile::<I, 8>(isa, scale, &rows, panel),
                    4.. if isa.has_dots() => self.tile::<I, 4>(isa, scale, &rows, panel),
                    _ => self.tile::<I, 1>(isa, scale, &rows, panel),
                };
            }
        }
    }
}

impl Product<'_> {
    /// `P` panels of a few rows; gives `P`.
    #[inline(always)]
    fn tile<I: Bytes, const P: usize>(&mut self, isa: I, scale: Scale, rows: &Rows, panel: usize) -> usize {
        let (p, depth) = (self.p, self.p.depth());
        let w = self.w.get(panel * PANEL * depth..).unwrap_or(&[]);
        let w = Weights { w, panel: PANEL * depth, width: p.n.saturating_sub(panel * PANEL) };
        let x = &*self.scratch;
        let inputs = Inputs { x, flip: 0, at: rows.at, next: 0, outer: 1, outer_step: 0, quads: depth / QUAD };
        let mut sums = [[[0; PANEL]; P]; ROWS];
        tile_sums::<I, P>(isa, &inputs, rows.count, (&w, p.pairs), &mut sums);
        for (row, (sums, more)) in sums.iter().zip(rows.more).enumerate().take(rows.count) {
            for (i, sums) in sums.as_flattened().as_chunks::<LANES>().0.iter().enumerate() {
                let column = panel * PANEL + i * LANES;
                let Some(width) = p.n.checked_sub(column).filter(|&width| width > 0) else { break };
                self.store(isa, scale, (sums, more), (rows.first + row, column), width.min(LANES));
            }
        }
        P
    }

    /// What the offset of the weights adds to the sums of a row.
    #[inline(always)]
    fn more(&self, scale: Scale, row: usize) -> i32 {
        let (p, depth) = (self.p, self.p.depth());
        if p.offset == 0 {
            return 0;
        }
        let q = self.scratch.get(row * depth..).and_then(|q| q.get(..p.k)).unwrap_or(&[]);
        let sum = q.iter().fold(0i32, |sum, &q| sum.wrapping_add(i32::from(q)));
        sum.wrapping_sub(i32::from(scale.zero).wrapping_mul(p.k as i32)).wrapping_mul(p.offset)
    }

    /// Turns the sums of a row and up to eight columns into numbers.
    #[inline(always)]
    fn store<I: Bytes>(
        &mut self,
        isa: I,
        scale: Scale,
        (sums, more): (&[i32; LANES], i32),
        (row, column): (usize, usize),
        width: usize,
    ) {
        let zero = i32::from(scale.zero);
        let mut sums = *sums;
        for (sum, weights) in sums.iter_mut().zip(self.columns.sums.get(column..).unwrap_or(&[])) {
            *sum = sum.wrapping_sub(zero.wrapping_mul(*weights)).wrapping_add(more);
        }
        let part = |x: &[f32]| match x.get(column..).map(|x| (x.first_chunk(), x)) {
            Some((Some(x), _)) => isa.load(x),
            Some((None, x)) => isa.load_part(x),
            None => isa.splat(0.0),
        };
        let factor = isa.mul(isa.splat(scale.scale), part(self.columns.multiplier));
        let mut v = isa.mul(isa.to_float(&sums), factor);
        if !self.columns.bias.is_empty() {
            v = isa.add(v, part(self.columns.bias));
        }
        let y = self.y.get_mut(row * self.p.y_pitch + column..).and_then(|y| y.get_mut(..width));
        let Some(y) = y else { return };
        match y.first_chunk_mut() {
            Some(y) => isa.store(v, y),
            None => isa.store_part(v, y),
        }
    }
}
