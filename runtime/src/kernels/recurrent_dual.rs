// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! States that are quantized at each step, for CPUs that multiply two pairs of 16-bit numbers at once.
//!
//! Invariants: those of `dynamic`, with equal bits.
use super::super::arch::dynamic::Dynamic;
use super::super::terms::dynamic::{Columns, DynamicMatMul};
use super::dynamic_dual::dynamic_matmul_dual;
use super::recurrent::OfState;

/// Bytes that a state, quantized, is multiplied with.
#[derive(Debug)]
pub struct QuantizedDual<'a> {
    /// The product of one row.
    pub p: &'a DynamicMatMul,
    /// The weights, as `dynamic_matmul_dual` reads them.
    pub w: &'a [i8],
    /// Constants of the columns, without a bias.
    pub columns: Columns<'a>,
    /// Room for the bytes of a state, widened.
    pub words: &'a mut [u32],
    /// Room for the products.
    pub products: &'a mut [f32],
}

impl<'a> QuantizedDual<'a> {
    /// Of weights, with their sums and multipliers of each column.
    #[inline(always)]
    pub fn new(
        p: &'a DynamicMatMul,
        w: &'a [i8],
        (sums, multiplier): (&'a [i32], &'a [f32]),
        words: &'a mut [u32],
        products: &'a mut [f32],
    ) -> Self {
        QuantizedDual { p, w, columns: Columns { sums, multiplier, bias: &[] }, words, products }
    }
}

impl<C: Dynamic> OfState<C> for QuantizedDual<'_> {
    #[inline(always)]
    fn add(&mut self, cpu: C, h: &[f32], sums: &mut [f32]) {
        dynamic_matmul_dual(cpu, self.p, h, self.w, self.columns, self.words, self.products);
        for (sum, product) in sums.iter_mut().zip(&*self.products) {
            *sum += *product;
        }
    }
}
