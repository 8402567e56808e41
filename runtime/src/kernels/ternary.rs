// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products with constant weights of -1, 0 and 1 times a scale, without a multiplication in the sums.
//!
//! Invariant: a sum starts from +0 and adds, for every five neighbouring inputs in ascending order, `(x0 + x1) + ((x2 + x3) + x4)`,
//! each input with its weight: `-x`, +0 or `x`. Inputs beyond the last are +0.
use super::super::arch::fives::{Fives, FivesCpu, FivesKernel};
use super::super::terms::epilogue::{Epilogue, Residual};
use super::super::terms::fives::{FIVE, Parts, Table};

/// `y[m, n] = epilogue(sum(x[m, k] * w[k, n]) * scale[n] + bias[n])`, the last by one multiply-add.
///
/// `w` is `[k / 5, rounded up][n]` bytes of five weights each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TernaryMatMul {
    /// Rows of `x` and `y`.
    pub m: usize,
    /// Columns of `x`, rows of `w`.
    pub k: usize,
    /// Columns of `w` and `y`.
    pub n: usize,
    /// Elements between the starts of neighbouring rows of `y`.
    pub y_pitch: usize,
    /// What is done with the finished sums.
    pub epilogue: Epilogue,
}

/// Columns from which on a table of all sums of five inputs, 252 additions, takes less time than to add two partial sums for each column.
const TABLE_COLUMNS: usize = 40;

impl TernaryMatMul {
    /// Whether the sums of five inputs are in a table.
    pub const fn has_table(&self) -> bool {
        self.n >= TABLE_COLUMNS
    }

    /// Elements of scratch: the table, and the sums of a row where the result holds a residual.
    pub const fn scratch(&self) -> usize {
        let table = if self.has_table() { size_of::<Table>() / size_of::<f32>() } else { 0 };
        table
            + match self.epilogue.residual {
                Residual::None => 0,
                Residual::Accumulate => self.n,
            }
    }
}

/// Constants of the columns.
#[derive(Clone, Copy, Debug)]
pub struct Scales<'a> {
    /// What sums are multiplied by: one number, or one for each column.
    pub scale: &'a [f32],
    /// What is added then, or nothing.
    pub bias: &'a [f32],
}

/// Computes the product; `scratch` has [`TernaryMatMul::scratch`] elements.
#[inline]
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
    debug_assert!(w.len() >= p.k.div_ceil(FIVE) * p.n && scratch.len() >= p.scratch());
    cpu.run_fives(Product { p, x, w, scales, scratch, y });
}

struct Product<'a> {
    p: &'a TernaryMatMul,
    x: &'a [f32],
    w: &'a [u8],
    scales: Scales<'a>,
    scratch: &'a mut [f32],
    y: &'a mut [f32],
}

impl FivesKernel for Product<'_> {
    #[inline(always)]
    fn run<I: Fives>(self, isa: I) {
        let Product { p, x, w, scales, scratch, y } = self;
        let (mut table, rest) = match scratch.split_first_chunk_mut::<{ size_of::<Table>() / 4 }>() {
            Some((table, rest)) if p.has_table() => (Some(table), rest),
            _ => (None, scratch),
        };
        for row in 0..p.m {
            let x = x.get(row * p.k..).and_then(|x| x.get(..p.k)).unwrap_or(&[]);
            let y = y.get_mut(row * p.y_pitch..).and_then(|y| y.get_mut(..p.n)).unwrap_or(&mut []);
            match p.epilogue.residual {
                Residual::None => sums(isa, p, x, w, &mut table, y),
                Residual::Accumulate => sums(isa, p, x, w, &mut table, rest),
            }
            finish(isa, p, scales, rest, y);
        }
    }
}

/// The sums of a row.
#[inline(always)]
fn sums<I: Fives>(isa: I, p: &TernaryMatMul, x: &[f32], w: &[u8], table: &mut Option<&mut Table>, sums: &mut [f32]) {
    sums.fill(0.0);
    let (fives, last) = x.as_chunks::<FIVE>();
    let mut w = w;
    let mut add = |x: [f32; FIVE]| {
        let Some((bytes, rest)) = w.split_at_checked(p.n) else { return };
        isa.add_fives(&Parts::new(x), table.as_deref_mut(), bytes, sums);
        w = rest;
    };
    fives.iter().for_each(|x| add(*x));
    if !last.is_empty() {
        let mut x = [0.0; FIVE];
        x.iter_mut().zip(last).for_each(|(x, last)| *x = *last);
        add(x);
    }
}

/// Turns the sums of a row, in `y` or beside its residual, into results.
#[inline(always)]
fn finish<I: Fives>(isa: I, p: &TernaryMatMul, scales: Scales<'_>, sums: &[f32], y: &mut [f32]) {
    let plan = p.epilogue.plan();
    let uniform = scales.scale.first().copied().unwrap_or(0.0);
    for (column, y) in y.iter_mut().enumerate() {
        let sum = match p.epilogue.residual {
            Residual::None => *y,
            Residual::Accumulate => sums.get(column).copied().unwrap_or(0.0),
        };
        let scale = scales.scale.get(column).copied().unwrap_or(uniform);
        let bias = scales.bias.get(column).copied().unwrap_or(0.0);
        plan.store(isa.mul_add1(sum, scale, bias), y);
    }
}
