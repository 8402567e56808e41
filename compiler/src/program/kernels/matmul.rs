//! `matmul_packed`, `matmul`, `matmul_int` and `matmul_bytes`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::matmul;
use zant_runtime::kernels::matmul_bytes::{self, MatMulBytes};
use zant_runtime::kernels::matmul_int;
use zant_runtime::kernels::matmul_packed::{self, MatMulPacked};
use zant_runtime::terms::matmul::{MatMul, Strides};

use super::conv::epilogue_use;
use super::roles;
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{Lit, fields, setting, then, with_cpu, with_element};

impl Lit for Strides {
    fn lit(&self) -> TokenStream {
        fields!(Strides, *self, batch, row, col)
    }
}

/// A product with constant, packed weights. Arguments: `a`, packed weights, bias (or empty), `y`.
#[derive(Clone, Debug)]
pub struct PackedMatMulCall {
    /// The kernel's parameters.
    pub params: MatMulPacked,
    /// Whether the kernel for one row computes it, of which there is one.
    pub row: bool,
}

impl KernelCall for PackedMatMulCall {
    fn name(&self) -> &'static str {
        "matmul_packed"
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("{}x{}x{}, {:?}", p.m, p.k, p.n, p.epilogue.activation)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["a", "w", "bias", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        let product =
            if self.row { "kernels::matmul_packed::matvec_packed" } else { "kernels::matmul_packed::matmul_packed" };
        let own = [product, "kernels::matmul_packed::MatMulPacked"];
        own.into_iter().chain(epilogue_use(&self.params.epilogue)).collect()
    }

    fn params(&self) -> Option<Params> {
        let p = &self.params;
        let (m, k, n) = (p.m.lit(), p.k.lit(), p.n.lit());
        let settings = [setting("pitch", &[p.a_pitch, p.y_pitch], &[p.k, p.n]), then(&p.epilogue)];
        let value = quote!(MatMulPacked::new(#m, #k, #n) #(#settings)*);
        Some(Params { ty: quote!(MatMulPacked), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        if self.row { quote!(matvec_packed(cpu, &P, #(#args),*)) } else { quote!(matmul_packed(cpu, &P, #(#args),*)) }
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let (a, w, bias, y) = (args.read(0), args.read(1), args.read(2), args.write(3));
        with_cpu!(numerics, cpu => if self.row {
            matmul_packed::matvec_packed(cpu, &self.params, a, w, bias, y);
        } else {
            matmul_packed::matmul_packed(cpu, &self.params, a, w, bias, y);
        });
        Ok(())
    }
}

/// What the parameters of a strided product describe.
fn describe(p: &MatMul) -> String {
    format!("{:?} times {}x{}x{}, {:?}", p.batch, p.m, p.k, p.n, p.epilogue.activation)
}

fn strided_params(p: &MatMul) -> Option<Params> {
    Some(Params { ty: quote!(MatMul), value: fields!(MatMul, p, batch, m, k, n, a, b, y, epilogue) })
}

/// A product of two run-time operands of f32. Arguments: `a`, `b`, bias (or empty), scratch, `y`.
#[derive(Clone, Debug)]
pub struct MatMulCall {
    /// The kernel's parameters.
    pub params: MatMul,
}

impl KernelCall for MatMulCall {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn describe(&self) -> String {
        describe(&self.params)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["a", "b", "bias", "scratch", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        let own = ["kernels::matmul::matmul", "terms::matmul::MatMul", "terms::matmul::Strides"];
        own.into_iter().chain(["terms::epilogue::Epilogue"]).collect()
    }

    fn params(&self) -> Option<Params> {
        strided_params(&self.params)
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let [a, b, bias, scratch, y] = args else { unreachable!("the kernel takes five arguments") };
        let scratch = if self.params.scratch() == 0 { quote!(&mut []) } else { scratch.clone() };
        quote!(matmul(cpu, &P, #a, #b, #bias, #scratch, #y))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let (a, b, bias, y) = (args.read(0), args.read(1), args.read(2), args.write(4));
        let scratch = if self.params.scratch() == 0 { &mut [] } else { args.write(3) };
        with_cpu!(numerics, cpu => matmul::matmul(cpu, &self.params, a, b, bias, scratch, y));
        Ok(())
    }
}

/// A product of integers, which wrap. Arguments: `a`, `b`, bias (or empty), `y`.
#[derive(Clone, Debug)]
pub struct IntMatMulCall {
    /// Element type.
    pub dtype: DType,
    /// The kernel's parameters.
    pub params: MatMul,
}

impl KernelCall for IntMatMulCall {
    fn name(&self) -> &'static str {
        "matmul_int"
    }

    fn describe(&self) -> String {
        describe(&self.params)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["a", "b", "bias", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        let own = ["kernels::matmul_int::matmul_int", "terms::matmul::MatMul", "terms::matmul::Strides"];
        own.into_iter().chain(["terms::epilogue::Epilogue"]).collect()
    }

    fn params(&self) -> Option<Params> {
        strided_params(&self.params)
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        quote!(matmul_int(&P, #(#args),*))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        with_element!(self.dtype, T => {
            matmul_int::matmul_int::<T>(&self.params, args.read(0), args.read(1), args.read(2), args.write(3));
        });
        Ok(())
    }
}

/// A product of integers with a constant matrix in bytes. Arguments: `a`, `b`, bias (or empty), `y`.
#[derive(Clone, Debug)]
pub struct MatMulBytesCall {
    /// The kernel's parameters.
    pub params: MatMulBytes,
}

impl KernelCall for MatMulBytesCall {
    fn name(&self) -> &'static str {
        "matmul_bytes"
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("{}x{}x{}, weights less {}", p.m, p.k, p.n, p.zero)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["a", "b", "bias", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        vec!["kernels::matmul_bytes::matmul_bytes", "kernels::matmul_bytes::MatMulBytes"]
    }

    fn params(&self) -> Option<Params> {
        let p = &self.params;
        let value = fields!(MatMulBytes, p, m, k, n, a_pitch, y_pitch, zero);
        Some(Params { ty: quote!(MatMulBytes), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        quote!(matmul_bytes(cpu, &P, #(#args),*))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let (a, b, bias, y) = (args.read(0), args.read(1), args.read(2), args.write(3));
        with_cpu!(numerics, cpu => matmul_bytes::matmul_bytes(cpu, &self.params, a, b, bias, y));
        Ok(())
    }
}
