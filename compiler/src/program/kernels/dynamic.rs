//! `dynamic_matmul`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::dynamic::{Columns, DynamicMatMul, dynamic_matmul};

use super::roles;
use crate::ir::Numerics;
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_cpu};

/// A product of numbers that are quantized as they come. Arguments: `x`, packed weights, their sums, multiplier, bias or nothing,
/// scratch, `y`.
#[derive(Clone, Debug)]
pub struct DynamicMatMulCall {
    /// The kernel's parameters.
    pub params: DynamicMatMul,
}

impl KernelCall for DynamicMatMulCall {
    fn name(&self) -> &'static str {
        "dynamic_matmul"
    }

    fn describe(&self) -> String {
        let p = &self.params;
        let products = if p.pairs { "products in pairs" } else { "products widened" };
        format!("{}x{}x{}, {products}", p.m, p.k, p.n)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "w", "sums", "multiplier", "bias", "scratch", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        vec!["kernels::dynamic::dynamic_matmul", "kernels::dynamic::DynamicMatMul", "kernels::dynamic::Columns"]
    }

    fn params(&self) -> Option<Params> {
        let p = &self.params;
        let value = fields!(DynamicMatMul, p, m, k, n, y_pitch, offset, pairs);
        Some(Params { ty: quote!(DynamicMatMul), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let [x, w, sums, multiplier, bias, scratch, y] = args else { unreachable!("there are seven roles") };
        quote!(dynamic_matmul(cpu, &P, #x, #w, Columns { sums: #sums, multiplier: #multiplier, bias: #bias }, #scratch, #y))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let (x, w) = (args.read(0), args.read(1));
        let columns = Columns { sums: args.read(2), multiplier: args.read(3), bias: args.read(4) };
        let (scratch, y) = (args.write(5), args.write(6));
        with_cpu!(numerics, cpu => dynamic_matmul(cpu, &self.params, x, w, columns, scratch, y));
        Ok(())
    }
}
