//! `ternary_matmul`, `ternary_matmul_bytes` and `ternary_matmul_codes`.

use quote::quote;
use zant_runtime::kernels::ternary_codes;
use zant_runtime::terms::ternary::{Scales, TernaryMatMul};

use crate::program::bind::{bind, kernel, params};

/// Which product it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TernaryKind {
    /// Of f32, with five weights to a byte.
    Floats,
    /// Of i8, with five weights to a byte.
    Bytes,
    /// Of i8, with weights of two bits.
    Codes,
}

kernel! {
    /// A product with weights of three values and their scales. Bias, scales of rows and scratch may be empty.
    pub struct TernaryMatMulCall {
        /// The kernel's parameters.
        pub params: TernaryMatMul,
        /// Which product.
        pub kind: TernaryKind,
    }
    describe(c) => format!("{}x{}x{}, {:?}", c.params.m, c.params.k, c.params.n, c.params.epilogue.activation);
    params(c) => {
        let mut params = params!(terms::ternary, TernaryMatMul { m, k, n, y_pitch, epilogue }, c.params);
        params.uses.push("terms::epilogue::Epilogue");
        params
    };
    bound(c, p) => {
        let (bound, scratch, len) = match c.kind {
            TernaryKind::Floats => (bind!(kernels::ternary:
                |x: &[f32], w: &[u8], scale: &[f32], rows: &[f32], bias: &[f32], scratch: &mut [f32], y: &mut [f32]|
                ternary_matmul(cpu, &p, x, w, Scales { scale, rows, bias }, scratch, y)), "scratch", p.scratch()),
            TernaryKind::Bytes => (bind!(kernels::ternary:
                |x: &[i8], w: &[u8], scale: &[f32], rows: &[f32], bias: &[f32], tables: &mut [u32], sums: &mut [i32],
                 y: &mut [f32]|
                ternary_matmul_bytes(cpu, &p, x, w, Scales { scale, rows, bias }, (tables, sums), y)),
                "tables", p.tables()),
            TernaryKind::Codes => (bind!(kernels::ternary_codes:
                |x: &[i8], w: &[u8], scale: &[f32], rows: &[f32], bias: &[f32], padded: &mut [i8], y: &mut [f32]|
                ternary_matmul_codes(cpu, &p, x, w, Scales { scale, rows, bias }, padded, y)),
                "padded", ternary_codes::scratch(&p)),
        };
        let bound = bound.using("terms::ternary::Scales");
        if len == 0 { bound.given(scratch, quote!(&mut [])) } else { bound }
    };
}
