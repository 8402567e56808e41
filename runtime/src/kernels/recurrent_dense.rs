// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Weights of recurrent layers as floats.
use super::super::arch::floats::{FloatCpu, FloatKernel, Floats};
use super::super::loops::panels::panels;
use super::super::loops::products::Runs;
use super::super::loops::tile::{Task, tile};
use super::super::terms::epilogue::Plan;
use super::super::terms::line::Line;
use super::super::terms::panels::Panels;
use super::super::terms::regions::Places;
use super::matmul_packed::{MatMulPacked, matmul_packed, matvec_packed};
use super::recurrent::{OfInputs, OfState, Rows, Split};

/// Weights as floats, packed as for `matmul_packed`.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a>(pub &'a [f32]);

impl<C: FloatCpu> OfInputs<C> for Dense<'_> {
    #[inline(always)]
    fn begin(&mut self, cpu: C, rows: &Rows, (x, bias): (&[f32], &[f32]), sums: &mut [f32]) {
        cpu.run_floats(Begin { rows, x, w: self.0, bias, sums });
    }
}

impl<C: FloatCpu> OfState<C> for Dense<'_> {
    #[inline(always)]
    fn add(&mut self, cpu: C, h: &[f32], sums: &mut [f32]) {
        cpu.run_floats(Add { h, w: self.0, sums });
    }
}

impl Split for Dense<'_> {
    #[inline(always)]
    fn split(self, depth: usize, columns: usize) -> (Self, Self) {
        let (first, last) = self.0.split_at_checked(depth * columns).unwrap_or((&[], &[]));
        (Dense(first), Dense(last))
    }
}

struct Begin<'a> {
    rows: &'a Rows,
    x: &'a [f32],
    w: &'a [f32],
    bias: &'a [f32],
    sums: &'a mut [f32],
}

impl FloatKernel for Begin<'_> {
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Begin { rows, x, w, bias, sums } = self;
        if I::COMPACT {
            for step in 0..rows.count {
                let (x, y) = rows.at(step, x, sums);
                panels(isa, Panels { x, w, bias: Some(bias), plan: Plan::NONE, y });
            }
            return;
        }
        let product = MatMulPacked::new(rows.count, rows.depth, rows.columns).pitch(rows.x_pitch, rows.pitch);
        if rows.count == 1 {
            matvec_packed(isa, &product, x, w, bias, sums);
        } else {
            matmul_packed(isa, &product, x, w, bias, sums);
        }
    }
}

struct Add<'a> {
    h: &'a [f32],
    w: &'a [f32],
    sums: &'a mut [f32],
}

impl FloatKernel for Add<'_> {
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Add { h, w, sums } = self;
        let (depth, columns) = (h.len(), sums.len());
        if I::COMPACT {
            panels(isa, Panels { x: h, w, bias: None, plan: Plan::NONE, y: sums });
            return;
        }
        let task = Task {
            x: h,
            w,
            depth,
            skip: 0,
            bias: &[],
            columns,
            runs: Runs::one(depth),
            plan: Plan::NONE,
            resume: true,
        };
        tile::<I, 1>(isa, &task, &Places { rows: 1, x: Line::one(1, 0), y: Line::one(1, 0) }, sums);
    }
}
