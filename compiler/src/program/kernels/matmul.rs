//! `matmul_packed`, `matmul`, `matmul_int` and `matmul_bytes`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::matmul_bytes::MatMulBytes;
use zant_runtime::kernels::matmul_packed::MatMulPacked;
use zant_runtime::terms::matmul::{MatMul, Strides};

use super::conv::epilogue_use;
use crate::ir::DType;
use crate::program::bind::{Bound, Kernel, bind, params};
use crate::program::kernel::Params;
use crate::program::tokens::{Lit, fields, setting, then, with_element};

impl Lit for Strides {
    fn lit(&self) -> TokenStream {
        fields!(Strides, *self, batch, row, col)
    }
}

/// A product with constant, packed weights. Without a bias, that is empty.
#[derive(Clone, Debug)]
pub struct PackedMatMulCall {
    /// The kernel's parameters.
    pub params: MatMulPacked,
    /// Whether the kernel for one row computes it, of which there is one.
    pub row: bool,
}

impl Kernel for PackedMatMulCall {
    fn describe(&self) -> String {
        let p = &self.params;
        format!("{}x{}x{}, {:?}", p.m, p.k, p.n, p.epilogue.activation)
    }

    fn params(&self) -> Option<Params> {
        let p = &self.params;
        let (m, k, n) = (p.m.lit(), p.k.lit(), p.n.lit());
        let settings = [setting("pitch", &[p.a_pitch, p.y_pitch], &[p.k, p.n]), then(&p.epilogue)];
        let value = quote!(MatMulPacked::new(#m, #k, #n) #(#settings)*);
        let uses = ["kernels::matmul_packed::MatMulPacked"].into_iter().chain(epilogue_use(&p.epilogue)).collect();
        Some(Params { uses, ty: quote!(MatMulPacked), value })
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        match self.row {
            true => bind!(kernels::matmul_packed:
                |a: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]| matvec_packed(cpu, &p, a, w, bias, y)),
            false => bind!(kernels::matmul_packed:
                |a: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]| matmul_packed(cpu, &p, a, w, bias, y)),
        }
        .named("matmul_packed")
    }
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

/// A product of two run-time operands of f32. Bias and scratch may be empty.
#[derive(Clone, Debug)]
pub struct MatMulCall {
    /// The kernel's parameters.
    pub params: MatMul,
}

impl Kernel for MatMulCall {
    fn describe(&self) -> String {
        describe(&self.params)
    }

    fn params(&self) -> Option<Params> {
        strided_params(&self.params)
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        let bound = bind!(kernels::matmul:
            |a: &[f32], b: &[f32], bias: &[f32], scratch: &mut [f32], y: &mut [f32]|
            matmul(cpu, &p, a, b, bias, scratch, y));
        if p.scratch() == 0 { bound.given("scratch", quote!(&mut [])) } else { bound }
    }
}

/// A product of integers, which wrap. Without a bias, that is empty.
#[derive(Clone, Debug)]
pub struct IntMatMulCall {
    /// Element type.
    pub dtype: DType,
    /// The kernel's parameters.
    pub params: MatMul,
}

impl Kernel for IntMatMulCall {
    fn describe(&self) -> String {
        describe(&self.params)
    }

    fn params(&self) -> Option<Params> {
        strided_params(&self.params)
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        with_element!(self.dtype, T => bind!(kernels::matmul_int:
            |a: &[T], b: &[T], bias: &[T], y: &mut [T]| matmul_int(&p, a, b, bias, y)))
    }
}

/// A product of integers with a constant matrix in bytes. Without a bias, that is empty.
#[derive(Clone, Debug)]
pub struct MatMulBytesCall {
    /// The kernel's parameters.
    pub params: MatMulBytes,
}

impl Kernel for MatMulBytesCall {
    fn describe(&self) -> String {
        let p = &self.params;
        format!("{}x{}x{}, weights less {}", p.m, p.k, p.n, p.zero)
    }

    fn params(&self) -> Option<Params> {
        Some(params!(kernels::matmul_bytes, MatMulBytes { m, k, n, a_pitch, y_pitch, zero }, self.params))
    }

    fn bound(&self) -> Bound {
        let p = self.params;
        bind!(kernels::matmul_bytes:
            |a: &[i32], b: &[u8], bias: &[i32], y: &mut [i32]| matmul_bytes(cpu, &p, a, b, bias, y))
    }
}
