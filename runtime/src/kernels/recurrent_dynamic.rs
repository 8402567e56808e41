// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Recurrent layers whose state is quantized at each step: its products with constant bytes are those of `dynamic`, added to the sums.
use super::super::arch::bytes::ByteCpu;
use super::super::terms::dynamic::{Columns, DynamicMatMul};
use super::dynamic::dynamic_matmul;
use super::recurrent::OfState;

/// Bytes that a state, quantized, is multiplied with.
#[derive(Debug)]
pub struct Quantized<'a> {
    /// The product of one row.
    pub p: &'a DynamicMatMul,
    /// The weights, as `dynamic_matmul` reads them.
    pub w: &'a [i8],
    /// Constants of the columns, without a bias.
    pub columns: Columns<'a>,
    /// Room for the bytes of a state.
    pub bytes: &'a mut [u8],
    /// Room for the products.
    pub products: &'a mut [f32],
}

impl<'a> Quantized<'a> {
    /// Of weights, with their sums and multipliers of each column.
    #[inline(always)]
    pub fn new(
        p: &'a DynamicMatMul,
        w: &'a [i8],
        (sums, multiplier): (&'a [i32], &'a [f32]),
        bytes: &'a mut [u8],
        products: &'a mut [f32],
    ) -> Self {
        Quantized { p, w, columns: Columns { sums, multiplier, bias: &[] }, bytes, products }
    }
}

impl<C: ByteCpu> OfState<C> for Quantized<'_> {
    #[inline(always)]
    fn add(&mut self, cpu: C, h: &[f32], sums: &mut [f32]) {
        dynamic_matmul(cpu, self.p, h, self.w, self.columns, self.bytes, self.products);
        for (sum, product) in sums.iter_mut().zip(&*self.products) {
            *sum += *product;
        }
    }
}
