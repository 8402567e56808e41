//! `matmul_packed`, `matmul`, `matmul_int`, `matmul_bytes` and `dynamic_matmul`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::matmul_bytes::MatMulBytes;
use zant_runtime::kernels::matmul_packed::MatMulPacked;
use zant_runtime::terms::dynamic::{Columns, DynamicMatMul};
use zant_runtime::terms::matmul::{MatMul, Strides};

use super::conv::epilogue_use;
use crate::ir::DType;
use crate::program::bind::{bind, kernel, params};
use crate::program::kernel::Params;
use crate::program::tokens::{Lit, fields, setting, then, with_element};

impl Lit for Strides {
    fn lit(&self) -> TokenStream {
        fields!(Strides, *self, batch, row, col)
    }
}

/// The parameters as emitted code.
pub(super) fn packed(p: &MatMulPacked) -> Params {
    let (m, k, n) = (p.m.lit(), p.k.lit(), p.n.lit());
    let settings = [setting("pitch", &[p.a_pitch, p.y_pitch], &[p.k, p.n]), then(&p.epilogue)];
    let value = quote!(MatMulPacked::new(#m, #k, #n) #(#settings)*);
    let uses = ["kernels::matmul_packed::MatMulPacked"].into_iter().chain(epilogue_use(&p.epilogue)).collect();
    Params { uses, ty: quote!(MatMulPacked), value }
}

kernel! {
    /// A product with constant, packed weights. Without a bias, that is empty.
    pub struct PackedMatMulCall {
        /// The kernel's parameters.
        pub params: MatMulPacked,
        /// Whether there is one row, which a kernel of its own computes.
        pub row: bool,
    }
    describe(c) => format!("{}x{}x{}, {:?}", c.params.m, c.params.k, c.params.n, c.params.epilogue.activation);
    params(c) => Some(packed(&c.params));
    bound(c, p) => match c.row {
        true => bind!(kernels::matmul_packed:
            |a: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]| matvec_packed(cpu, &p, a, w, bias, y)),
        false => bind!(kernels::matmul_packed:
            |a: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]| matmul_packed(cpu, &p, a, w, bias, y)),
    }
    .named("matmul_packed");
}

/// What the parameters of a strided product describe.
fn describe(p: &MatMul) -> String {
    format!("{:?} times {}x{}x{}, {:?}", p.batch, p.m, p.k, p.n, p.epilogue.activation)
}

fn strided_params(p: &MatMul) -> Option<Params> {
    let mut params = params!(terms::matmul, MatMul { batch, m, k, n, a, b, y, epilogue }, p);
    params.uses.extend(["terms::matmul::Strides", "terms::epilogue::Epilogue"]);
    Some(params)
}

kernel! {
    /// A product of two run-time operands of f32. Bias and scratch may be empty.
    pub struct MatMulCall {
        /// The kernel's parameters.
        pub params: MatMul,
    }
    describe(c) => describe(&c.params);
    params(c) => strided_params(&c.params);
    bound(c, p) => {
        let bound = bind!(kernels::matmul:
            |a: &[f32], b: &[f32], bias: &[f32], scratch: &mut [f32], y: &mut [f32]|
            matmul(cpu, &p, a, b, bias, scratch, y));
        if p.scratch() == 0 { bound.given("scratch", quote!(&mut [])) } else { bound }
    };
}

kernel! {
    /// A product of integers, which wrap. Without a bias, that is empty.
    pub struct IntMatMulCall {
        /// Element type.
        pub dtype: DType,
        /// The kernel's parameters.
        pub params: MatMul,
    }
    describe(c) => describe(&c.params);
    params(c) => strided_params(&c.params);
    bound(c, p) => with_element!(c.dtype, T => bind!(kernels::matmul_int:
        |a: &[T], b: &[T], bias: &[T], y: &mut [T]| matmul_int(&p, a, b, bias, y)));
}

kernel! {
    /// A product of integers with a constant matrix in bytes. Without a bias, that is empty.
    pub struct MatMulBytesCall {
        /// The kernel's parameters.
        pub params: MatMulBytes,
    }
    describe(c) => format!("{}x{}x{}, weights less {}", c.params.m, c.params.k, c.params.n, c.params.zero);
    params(c) => params!(kernels::matmul_bytes, MatMulBytes { m, k, n, a_pitch, y_pitch, zero }, c.params);
    bound(c, p) => bind!(kernels::matmul_bytes:
        |a: &[i32], b: &[u8], bias: &[i32], y: &mut [i32]| matmul_bytes(cpu, &p, a, b, bias, y));
}

kernel! {
    /// A product of numbers that are quantized as they come, by packed weights and the sums of those. Without a bias, that is empty.
    pub struct DynamicMatMulCall {
        /// The kernel's parameters.
        pub params: DynamicMatMul,
        /// Whether two products of 16-bit numbers are one instruction.
        pub dual: bool,
    }
    describe(c) => {
        let products = if c.params.pairs { "products in pairs" } else { "products widened" };
        format!("{}x{}x{}, {products}", c.params.m, c.params.k, c.params.n)
    };
    params(c) => params!(terms::dynamic, DynamicMatMul { m, k, n, y_pitch, offset, pairs }, c.params);
    bound(c, p) => {
        let bound = match c.dual {
            true => bind!([Portable] kernels::dynamic_dual:
                |x: &[f32], w: &[i8], sums: &[i32], multiplier: &[f32], bias: &[f32], words: &mut [u32], y: &mut [f32]|
                dynamic_matmul_dual(cpu, &p, x, w, Columns { sums, multiplier, bias }, words, y)),
            false => bind!(kernels::dynamic:
                |x: &[f32], w: &[i8], sums: &[i32], multiplier: &[f32], bias: &[f32], scratch: &mut [u8], y: &mut [f32]|
                dynamic_matmul(cpu, &p, x, w, Columns { sums, multiplier, bias }, scratch, y)),
        };
        bound.using("terms::dynamic::Columns")
    };
}
