// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The end of products with weights of few bits in vectors: sums times scales. The same bits as `scale`.
use super::super::arch::isa::Isa;
use super::super::terms::sizes::LANES;
use super::super::terms::ternary::{Scales, TernaryMatMul};
use super::finish::Finish;

/// How the sums of a row become results.
pub struct WideScale<'a, I: Isa> {
    isa: I,
    finish: Finish<I>,
    scales: Scales<'a>,
    /// The scale of all columns, where they have one.
    uniform: I::V,
    /// That of the row.
    row: Option<I::V>,
}

impl<'a, I: Isa> WideScale<'a, I> {
    /// Of a row of the product.
    #[inline(always)]
    pub fn of(isa: I, p: &TernaryMatMul, scales: Scales<'a>, row: usize) -> Self {
        let uniform = isa.splat(scales.scale.first().copied().unwrap_or(0.0));
        let row = scales.rows.get(row).map(|row| isa.splat(*row));
        WideScale { isa, finish: Finish::new(isa, &p.epilogue.plan()), scales, uniform, row }
    }

    /// Stores the results of eight sums from a column on in `y`, which holds the residual where there is one; of so many as it has
    /// elements.
    #[inline(always)]
    pub fn store(&self, column: usize, sums: I::V, y: &mut [f32]) {
        let isa = self.isa;
        let part = |x: &[f32]| match x.get(column..).map(|x| (x.first_chunk(), x)) {
            Some((Some(x), _)) => isa.load(x),
            Some((None, x)) => isa.load_part(x),
            None => isa.splat(0.0),
        };
        let scale = if self.scales.scale.len() > 1 { part(self.scales.scale) } else { self.uniform };
        let scale = self.row.map_or(scale, |row| isa.mul(row, scale));
        let v = isa.mul_add(sums, scale, part(self.scales.bias));
        match y.first_chunk_mut::<LANES>() {
            Some(y) => self.finish.store(v, y),
            None => self.finish.store_part(v, y),
        }
    }
}
