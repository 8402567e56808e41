//! `dynamic_matmul`.

use zant_runtime::kernels::dynamic::{Columns, DynamicMatMul};

use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::Params;

/// A product of numbers that are quantized as they come, by packed weights and the sums of those. Without a bias, that is empty.
#[derive(Clone, Debug)]
pub struct DynamicMatMulCall {
    /// The kernel's parameters.
    pub params: DynamicMatMul,
}

impl Kernel for DynamicMatMulCall {
    fn describe(&self) -> String {
        let p = &self.params;
        let products = if p.pairs { "products in pairs" } else { "products widened" };
        format!("{}x{}x{}, {products}", p.m, p.k, p.n)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::dynamic, DynamicMatMul { m, k, n, y_pitch, offset, pairs }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        let bound = bind!(kernels::dynamic:
            |x: &[f32], w: &[i8], sums: &[i32], multiplier: &[f32], bias: &[f32], scratch: &mut [u8], y: &mut [f32]|
            dynamic_matmul(cpu, &p, x, w, Columns { sums, multiplier, bias }, scratch, y));
        bound.using("kernels::dynamic::Columns")
    }
}
