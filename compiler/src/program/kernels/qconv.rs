//! Quantized convolutions: `qconv2d`, `qdepthwise2d`, and their bodies for two 16-bit products at once.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::{qdepthwise_dual, qdual};
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::quant::{Affine, Finish, Range};

use super::ConvKind;
use super::conv::{conv2d, groups, window};
use crate::ir::DType;
use crate::program::bind::{bind, kernel};
use crate::program::kernel::Params;
use crate::program::tokens::{Lit, fields, with_byte};

/// The body of a quantized convolution, which says how its weights lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QBody {
    /// Products of bytes, four at once.
    Quads,
    /// Products of 16-bit numbers, two at once, for four pixels at a time.
    Dual,
    /// The same pixel by pixel; of a depthwise convolution the same as [`QBody::Dual`].
    DualOne,
}

kernel! {
    /// A quantized convolution. `y` holds the residual where there is one; bodies for 16-bit numbers have scratch.
    pub struct QConvCall {
        /// Which kernel.
        pub kind: ConvKind,
        /// Which body of it.
        pub body: QBody,
        /// Element types of `x` and `y`.
        pub dtypes: [DType; 2],
        /// The kernel's parameters.
        pub params: QConv2d,
    }
    describe(c) => {
        let (p, r) = (&c.params.map, c.params.finish.range);
        let residual = if c.params.finish.residual.is_some() { ", residual" } else { "" };
        let products = match (c.body, c.params.pairs) {
            (QBody::Quads, true) => ", products in pairs",
            (QBody::Quads, false) => ", products widened",
            (QBody::Dual | QBody::DualOne, _) => "",
        };
        let (window, groups, zero) = (window(p), groups(c.kind, p), c.params.zero);
        format!("{window}{groups}, zero {zero}, to {}..={} zero {}{residual}{products}", r.lo, r.hi, r.zero)
    };
    params(c) => qconv2d(&c.params);
    bound(c, p) => with_byte!(c.dtypes[0], X => with_byte!(c.dtypes[1], Y => match (c.kind, c.body) {
        (ConvKind::General, QBody::Quads) => bind!(kernels::qconv:
            |x: &[X], w: &[i8], bias: &[i32], multiplier: &[f32], y: &mut [Y]|
            qconv2d(cpu, &p, x, w, bias, multiplier, y)),
        (ConvKind::General, QBody::Dual) => bind!([Portable] kernels::qdual:
            |x: &[X], w: &[i8], bias: &[i32], multiplier: &[f32], scratch: &mut [u32], y: &mut [Y]|
            qconv2d_dual(cpu, &p, x, w, (bias, multiplier), scratch, y)),
        (ConvKind::General, QBody::DualOne) if qdual::is_row(&c.params) => bind!([Portable] kernels::qdual:
            |x: &[X], w: &[i8], bias: &[i32], multiplier: &[f32], scratch: &mut [u32], y: &mut [Y]|
            qmatvec_dual(cpu, &p, x, w, (bias, multiplier), scratch, y)),
        (ConvKind::General, QBody::DualOne) => bind!([Portable] kernels::qdual:
            |x: &[X], w: &[i8], bias: &[i32], multiplier: &[f32], scratch: &mut [u32], y: &mut [Y]|
            qconv2d_dual_one(cpu, &p, x, w, (bias, multiplier), scratch, y)),
        (ConvKind::Depthwise, QBody::Quads) => bind!(kernels::qdepthwise:
            |x: &[X], w: &[i8], bias: &[i32], multiplier: &[f32], y: &mut [Y]|
            qdepthwise2d(cpu, &p, x, w, bias, multiplier, y)),
        (ConvKind::Depthwise, QBody::Dual | QBody::DualOne) => bind!([Portable] kernels::qdepthwise_dual:
            |x: &[X], w: &[u32], bias: &[i32], multiplier: &[f32], scratch: &mut [u32], y: &mut [Y]|
            qdepthwise2d_dual(cpu, &p, x, w, (bias, multiplier), scratch, y)),
    }));
}

impl QConvCall {
    /// Words of scratch, for a body that has any.
    pub fn scratch(&self) -> Option<usize> {
        match (self.kind, self.body) {
            (_, QBody::Quads) => None,
            (ConvKind::General, body) => Some(qdual::scratch(&self.params, body == QBody::Dual)),
            (ConvKind::Depthwise, _) => Some(qdepthwise_dual::scratch(&self.params.map)),
        }
    }
}

impl Lit for Range {
    fn lit(&self) -> TokenStream {
        fields!(Range, *self, zero, lo, hi)
    }
}

impl Lit for Affine {
    fn lit(&self) -> TokenStream {
        fields!(Affine, *self, zero, scale)
    }
}

fn finish(f: &Finish) -> TokenStream {
    let [zero, lo, hi] = [f.range.zero, f.range.lo, f.range.hi].map(|v| v.lit());
    let residual = f.residual.map(|r| {
        let residual = fields!(Residual, r, sum, other, scale, range);
        quote!(.residual(#residual))
    });
    quote!(Finish::new(#zero, #lo, #hi) #residual)
}

/// The parameters as emitted code.
pub(super) fn qconv2d(p: &QConv2d) -> Params {
    let (map, zero, finish) = (conv2d(&p.map), p.zero.lit(), finish(&p.finish));
    let (mut uses, map, pairs) = (map.uses, map.value, p.pairs.then(|| quote!(.pairs())));
    uses.extend(["terms::qconv2d::QConv2d", "terms::quant::Finish"]);
    if p.finish.residual.is_some() {
        uses.extend(["terms::quant::Affine", "terms::quant::Range", "terms::quant::Residual"]);
    }
    Params { uses, ty: quote!(QConv2d), value: quote!(QConv2d::new(#map, #zero, #finish) #pairs) }
}
