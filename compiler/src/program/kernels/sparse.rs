//! `sparse_conv2d`, `sparse_matmul`, `sparse_matvec`, `sparse_qconv2d` and its bodies for two 16-bit products at once.

use quote::quote;
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::matmul_packed::MatMulPacked;
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::sparse::{Sparse, Weights};

use super::QBody;
use super::conv::{conv2d, window};
use super::matmul::packed;
use super::qconv::qconv2d;
use crate::ir::DType;
use crate::program::bind::{Bound, bind, kernel};
use crate::program::kernel::Params;
use crate::program::tokens::{fields, with_byte};

/// The parameters of a product and of how its weights are unpacked.
fn both(product: Params, s: &Sparse) -> Params {
    let Params { mut uses, ty, value } = product;
    uses.push("terms::sparse::Sparse");
    let s = fields!(Sparse, *s, columns, depth);
    Params { uses, ty: quote!((#ty, Sparse)), value: quote!((#value, #s)) }
}

/// The call with the name of its weights' type.
fn with_weights(bound: Bound) -> Bound {
    bound.using("terms::sparse::Weights")
}

kernel! {
    /// A convolution with a bitmap and values as weights. Without a bias, that is empty.
    pub struct SparseConvCall {
        /// The kernel's parameters, and how weights are unpacked.
        pub params: (Conv2d, Sparse),
    }
    describe(c) => {
        let (window, activation) = (window(&c.params.0), c.params.0.epilogue.activation);
        format!("{window}, {} columns at a time, {activation:?}", c.params.1.columns)
    };
    params(c) => Some(both(conv2d(&c.params.0), &c.params.1));
    bound(c, p) => with_weights(bind!(kernels::sparse:
        |x: &[f32], mask: &[u8], values: &[f32], bias: &[f32], floats: &mut [f32], y: &mut [f32]|
        sparse_conv2d(cpu, (&p.0, &p.1), x, Weights { mask, values }, bias, floats, y)));
}

kernel! {
    /// A product with a bitmap and values as weights. Without a bias, that is empty.
    pub struct SparseMatMulCall {
        /// The kernel's parameters, and how weights are unpacked.
        pub params: (MatMulPacked, Sparse),
        /// Whether there is one row, which a kernel of its own computes.
        pub row: bool,
    }
    describe(c) => {
        let (p, s, activation) = (&c.params.0, &c.params.1, c.params.0.epilogue.activation);
        format!("{}x{}x{}, {}x{} at a time, {activation:?}", p.m, p.k, p.n, s.depth, s.columns)
    };
    params(c) => Some(both(packed(&c.params.0), &c.params.1));
    bound(c, p) => with_weights(match c.row {
        true => bind!(kernels::sparse:
            |a: &[f32], mask: &[u8], values: &[f32], bias: &[f32], floats: &mut [f32], y: &mut [f32]|
            sparse_matvec(cpu, (&p.0, &p.1), a, Weights { mask, values }, bias, floats, y)),
        false => bind!(kernels::sparse:
            |a: &[f32], mask: &[u8], values: &[f32], bias: &[f32], floats: &mut [f32], y: &mut [f32]|
            sparse_matmul(cpu, (&p.0, &p.1), a, Weights { mask, values }, bias, floats, y)),
    });
}

kernel! {
    /// A quantized convolution with a bitmap and values as weights. `y` holds the residual where there is one; bodies for 16-bit
    /// numbers have scratch.
    pub struct SparseQConvCall {
        /// Which body.
        pub body: QBody,
        /// Element types of `x` and `y`.
        pub dtypes: [DType; 2],
        /// The kernel's parameters, and how weights are unpacked.
        pub params: (QConv2d, Sparse),
    }
    describe(c) => {
        let (p, s) = (&c.params.0, &c.params.1);
        let (window, r) = (window(&p.map), p.finish.range);
        let residual = if p.finish.residual.is_some() { ", residual" } else { "" };
        let columns = s.columns;
        format!("{window}, zero {}, to {}..={} zero {}{residual}, {columns} columns at a time", p.zero, r.lo, r.hi, r.zero)
    };
    params(c) => Some(both(qconv2d(&c.params.0), &c.params.1));
    bound(c, p) => with_byte!(c.dtypes[0], X => with_byte!(c.dtypes[1], Y => with_weights(match c.body {
        QBody::Quads => bind!(kernels::qsparse:
            |x: &[X], mask: &[u8], values: &[i8], bias: &[i32], multiplier: &[f32], room: &mut [i8], y: &mut [Y]|
            sparse_qconv2d(cpu, (&p.0, &p.1), x, Weights { mask, values }, (bias, multiplier), room, y)),
        QBody::Dual => bind!([Portable] kernels::qsparse_dual:
            |x: &[X], mask: &[u8], values: &[i8], bias: &[i32], multiplier: &[f32], scratch: &mut [u32], room: &mut [i8],
             y: &mut [Y]|
            sparse_qconv2d_dual(
                cpu, (&p.0, &p.1), x, Weights { mask, values }, (bias, multiplier), (room, scratch), y)),
        QBody::DualOne => bind!([Portable] kernels::qsparse_dual:
            |x: &[X], mask: &[u8], values: &[i8], bias: &[i32], multiplier: &[f32], scratch: &mut [u32], room: &mut [i8],
             y: &mut [Y]|
            sparse_qconv2d_dual_one(
                cpu, (&p.0, &p.1), x, Weights { mask, values }, (bias, multiplier), (room, scratch), y)),
    })));
}
