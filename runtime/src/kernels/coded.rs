// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products and convolutions with constant weights in few bits, which become floats a few columns at a time; and
//! products of one row, where they never leave the registers.
//!
//! Invariant: the bits are those of `matmul_packed` and `conv2d` with the floats that the weights stand for.
use super::super::arch::coded::{CodedCpu, CodedIsa, CodedKernel};
use super::super::arch::floats::FloatCpu;
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::loops::finish::Finish;
use super::super::terms::coding::{Block, Coded, Coding, FOUR, Weights};
use super::super::terms::conv2d::Conv2d;
use super::super::terms::sizes::{LANES, PANEL};
use super::conv::conv2d;
use super::matmul_packed::{MatMulPacked, matmul_packed};

/// Computes the product of one row (`m` is 1); panels have `P` columns. `bias` has `n` elements, or is empty
/// for zeros.
#[inline(never)]
pub fn coded_matvec<const P: usize, W: Coding, C: CodedCpu>(
    cpu: C,
    (p, coded): (&MatMulPacked, &Coded),
    a: &[f32],
    w: Weights<'_, P, W>,
    bias: &[f32],
    y: &mut [f32],
) {
    debug_assert!(a.len() >= p.k && y.len() >= p.n && p.m == 1);
    debug_assert!(w.units.len() >= p.k.div_ceil(W::CODES) * p.n && (bias.is_empty() || bias.len() >= p.n));
    cpu.run_coded(Row { p, coded, a, w, bias, y });
}

/// Computes the product of some rows; panels have `P` columns. `bias` has `n` elements, or is empty for zeros;
/// `floats` has room for some whole panels, or for all columns.
#[inline(never)]
pub fn coded_matmul<const P: usize, W: Coding, C: FloatCpu>(
    cpu: C,
    (p, coded): (&MatMulPacked, &Coded),
    a: &[f32],
    w: Weights<'_, P, W>,
    bias: &[f32],
    floats: &mut [f32],
    y: &mut [f32],
) {
    let mut parts = Parts { coded, w, at: 0 };
    while let Some((first, columns)) = parts.next(cpu, floats) {
        let p = MatMulPacked { n: columns, ..*p };
        let (bias, y) = (bias.get(first..).unwrap_or(&[]), y.get_mut(first..).unwrap_or(&mut []));
        matmul_packed(cpu, &p, a, floats, bias, y);
    }
}

/// Computes the convolution, of one group; `bias` and `floats` as of [`coded_matmul`].
#[inline(never)]
pub fn coded_conv2d<const P: usize, W: Coding, C: FloatCpu>(
    cpu: C,
    (p, coded): (&Conv2d, &Coded),
    x: &[f32],
    w: Weights<'_, P, W>,
    bias: &[f32],
    floats: &mut [f32],
    y: &mut [f32],
) {
    let mut parts = Parts { coded, w, at: 0 };
    while let Some((first, columns)) = parts.next(cpu, floats) {
        let p = Conv2d { out_c: columns, ..*p };
        let (bias, y) = (bias.get(first..).unwrap_or(&[]), y.get_mut(first..).unwrap_or(&mut []));
        conv2d(cpu, &p, x, floats, bias, y);
    }
}

/// The columns of coded weights, some at a time.
struct Parts<'a, const P: usize, W: Coding> {
    coded: &'a Coded,
    w: Weights<'a, P, W>,
    at: usize,
}

impl<const P: usize, W: Coding> Parts<'_, P, W> {
    /// Makes floats of as many columns as there is room for. Gives the first one, and how many.
    #[inline(always)]
    fn next<C: Cpu>(&mut self, cpu: C, floats: &mut [f32]) -> Option<(usize, usize)> {
        let room = floats.len().checked_div(self.coded.depth)?;
        let (first, left) = (self.at, self.coded.columns.checked_sub(self.at)?);
        // Floats lie in panels of sixteen columns, or are one that is narrower.
        let room = if room < PANEL { room / P * P } else { room / PANEL * PANEL };
        let columns = if left < room { left } else { room };
        if columns == 0 {
            return None;
        }
        cpu.run(Unpack { coded: self.coded, w: self.w, first, columns, floats });
        self.at += columns;
        Some((first, columns))
    }
}

/// Weights of some columns as floats: panels of `[depth][columns of the panel]`.
struct Unpack<'a, const P: usize, W: Coding> {
    coded: &'a Coded,
    w: Weights<'a, P, W>,
    first: usize,
    columns: usize,
    floats: &'a mut [f32],
}

impl<const P: usize, W: Coding> Kernel for Unpack<'_, P, W> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        let Unpack { coded, w, first, columns, floats } = self;
        let mut column = 0;
        while column < columns {
            let panel = column / PANEL * PANEL;
            let pitch = if columns - panel < PANEL { columns - panel } else { PANEL };
            let left = columns - column;
            let width = if left < P { left } else { P };
            let to = floats.get_mut(panel * coded.depth + column - panel..).unwrap_or(&mut []);
            let mut rows = Rows { to, pitch, width };
            for block in w.panel(coded, first + column) {
                if P == FOUR {
                    for (at, units) in block.units.as_chunks::<FOUR>().0.iter().enumerate() {
                        for place in 0..codes::<W>(&block, at) {
                            rows.push(&block.numbers(W::fours(*units, place)));
                        }
                    }
                } else {
                    for (at, units) in block.units.as_chunks::<PANEL>().0.iter().enumerate() {
                        for place in 0..codes::<W>(&block, at) {
                            rows.push(&block.numbers(W::floats(*units, place)));
                        }
                    }
                }
            }
            column += P;
        }
    }
}

/// Codes in the units at a place of a block.
#[inline(always)]
fn codes<W: Coding>(block: &Block<'_, W>, at: usize) -> usize {
    let left = block.len - at * W::CODES;
    if left < W::CODES { left } else { W::CODES }
}

/// Rows of floats, of which the first `width` of each `pitch` are written.
struct Rows<'a> {
    to: &'a mut [f32],
    pitch: usize,
    width: usize,
}

impl Rows<'_> {
    /// Writes the first numbers to the next row.
    #[inline(always)]
    fn push<const P: usize>(&mut self, numbers: &[f32; P]) {
        match self.to.first_chunk_mut() {
            Some(row) if self.width == P => *row = *numbers,
            _ => self.to.iter_mut().zip(numbers).take(self.width).for_each(|(to, number)| *to = *number),
        }
        self.to = core::mem::take(&mut self.to).get_mut(self.pitch..).unwrap_or(&mut []);
    }
}

struct Row<'a, const P: usize, W: Coding> {
    p: &'a MatMulPacked,
    coded: &'a Coded,
    a: &'a [f32],
    w: Weights<'a, P, W>,
    bias: &'a [f32],
    y: &'a mut [f32],
}

impl<const P: usize, W: Coding> CodedKernel for Row<'_, P, W> {
    #[inline(always)]
    fn run<I: CodedIsa>(self, isa: I) {
        let plan = self.p.epilogue.plan();
        let finish = Finish::new(isa, &plan);
        let Some(y) = self.y.get_mut(..self.p.n) else { return };
        let mut first = 0;
        for y in y.chunks_mut(P) {
            let bias = self.bias.get(first..).unwrap_or(&[]);
            let blocks = self.w.panel(self.coded, first);
            if P == FOUR {
                let mut sums = [0.0; FOUR];
                sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum = *bias);
                for block in blocks {
                    isa.add_four(inputs(self.a, &block), &block, &mut sums);
                }
                y.iter_mut().zip(sums).for_each(|(y, sum)| plan.store(sum, y));
            } else {
                let mut sums = [0.0; PANEL];
                sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum = *bias);
                for block in blocks {
                    isa.add_wide(inputs(self.a, &block), &block, &mut sums);
                }
                let (low, high) = sums.split_at(LANES);
                let [low, high] = [low, high].map(|sums| isa.load_part(sums));
                match y.split_first_chunk_mut() {
                    Some((first, rest)) => {
                        finish.store(low, first);
                        match rest.first_chunk_mut() {
                            Some(rest) => finish.store(high, rest),
                            None => finish.store_part(high, rest),
                        }
                    }
                    None => finish.store_part(low, y),
                }
            }
            first += P;
        }
    }
}

/// The inputs that meet the weights of a block.
#[inline(always)]
fn inputs<'a, W: Coding>(a: &'a [f32], block: &Block<'_, W>) -> &'a [f32] {
    a.get(block.depth..).and_then(|a| a.get(..block.len)).unwrap_or(&[])
}
