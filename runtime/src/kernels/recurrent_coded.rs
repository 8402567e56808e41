// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Constant weights of recurrent layers in few bits, which become floats in the registers.
//!
//! Invariant: the bits are those of the layer with the floats that the weights stand for.
use super::super::arch::coded::{CodedCpu, CodedIsa, CodedKernel};
use super::super::terms::coding::{Coded, Coding, FOUR, Weights};
use super::super::terms::sizes::PANEL;
use super::copy::copy;
use super::recurrent::{OfInputs, OfState, Rows, Split};

/// Some columns of coded weights; panels have `P` columns.
#[derive(Clone, Copy, Debug)]
pub struct CodedMatrix<'a, const P: usize, W: Coding> {
    /// The shape of all columns.
    pub shape: &'a Coded,
    /// The weights of all columns.
    pub weights: Weights<'a, P, W>,
    /// The first column, which begins a panel.
    pub first: usize,
}

impl<'a, const P: usize, W: Coding> CodedMatrix<'a, P, W> {
    /// All columns.
    #[inline(always)]
    pub fn new(shape: &'a Coded, units: &'a [W::Unit], scales: &'a [f32], zeros: &'a [u8]) -> Self {
        CodedMatrix { shape, weights: Weights { units, scales, zeros }, first: 0 }
    }
}

impl<const P: usize, W: Coding> Split for CodedMatrix<'_, P, W> {
    /// The columns behind begin at the next panel.
    #[inline(always)]
    fn split(self, _depth: usize, columns: usize) -> (Self, Self) {
        (self, CodedMatrix { first: self.first + columns.div_ceil(P) * P, ..self })
    }
}

impl<const P: usize, W: Coding, C: CodedCpu> OfInputs<C> for CodedMatrix<'_, P, W> {
    #[inline(always)]
    fn begin(&mut self, cpu: C, rows: &Rows, (x, bias): (&[f32], &[f32]), sums: &mut [f32]) {
        let Some(bias) = bias.get(..rows.columns) else { return };
        for step in 0..rows.count {
            let (x, sums) = rows.at(step, x, sums);
            copy(bias, sums);
            cpu.run_coded(Add { matrix: *self, x, sums });
        }
    }
}

impl<const P: usize, W: Coding, C: CodedCpu> OfState<C> for CodedMatrix<'_, P, W> {
    #[inline(always)]
    fn add(&mut self, cpu: C, h: &[f32], sums: &mut [f32]) {
        cpu.run_coded(Add { matrix: *self, x: h, sums });
    }
}

struct Add<'a, const P: usize, W: Coding> {
    matrix: CodedMatrix<'a, P, W>,
    x: &'a [f32],
    sums: &'a mut [f32],
}

impl<const P: usize, W: Coding> CodedKernel for Add<'_, P, W> {
    #[inline(always)]
    fn run<I: CodedIsa>(self, isa: I) {
        let Add { matrix: CodedMatrix { shape, weights, first }, x, sums } = self;
        let mut column = first;
        for sums in sums.chunks_mut(P) {
            let blocks = weights.panel(shape, column);
            if P == FOUR {
                let mut four = [0.0; FOUR];
                four.iter_mut().zip(&*sums).for_each(|(to, from)| *to = *from);
                for block in blocks {
                    let x = x.get(block.depth..).and_then(|x| x.get(..block.len)).unwrap_or(&[]);
                    isa.add_four(x, &block, &mut four);
                }
                sums.iter_mut().zip(four).for_each(|(to, from)| *to = from);
            } else {
                let mut wide = [0.0; PANEL];
                wide.iter_mut().zip(&*sums).for_each(|(to, from)| *to = *from);
                for block in blocks {
                    let x = x.get(block.depth..).and_then(|x| x.get(..block.len)).unwrap_or(&[]);
                    isa.add_wide(x, &block, &mut wide);
                }
                sums.iter_mut().zip(wide).for_each(|(to, from)| *to = from);
            }
            column += P;
        }
    }
}
