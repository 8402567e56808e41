// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The end of products with weights of few bits: sums times scales.
use super::super::arch::isa::Isa;
use super::super::terms::epilogue::Plan;
use super::super::terms::ternary::{Scales, TernaryMatMul};

/// How the sums of a row become results.
pub struct Scale<'a> {
    plan: Plan,
    scales: Scales<'a>,
    /// The scale of all columns, where they have one.
    uniform: f32,
    /// That of the row.
    row: Option<f32>,
}

impl<'a> Scale<'a> {
    /// Of a row of the product.
    #[inline(always)]
    pub fn of(p: &TernaryMatMul, scales: Scales<'a>, row: usize) -> Scale<'a> {
        let uniform = scales.scale.first().copied().unwrap_or(0.0);
        Scale { plan: p.epilogue.plan(), scales, uniform, row: scales.rows.get(row).copied() }
    }

    /// Stores the result of a sum in `y`, which holds the residual where there is one.
    #[inline(always)]
    pub fn store<I: Isa>(&self, isa: I, column: usize, sum: f32, y: &mut f32) {
        let scale = self.scales.scale.get(column).copied().unwrap_or(self.uniform);
        let scale = self.row.map_or(scale, |row| row * scale);
        let bias = self.scales.bias.get(column).copied().unwrap_or(0.0);
        self.plan.store(isa.mul_add1(sum, scale, bias), y);
    }
}
