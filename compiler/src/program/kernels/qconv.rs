//! `qconv2d` and `qdepthwise2d`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::quant::{Affine, Finish, Range};

use super::ConvKind;
use super::conv::{conv2d, groups, window};
use crate::ir::DType;
use crate::program::bind::{bind, kernel};
use crate::program::kernel::Params;
use crate::program::tokens::{Lit, fields, with_byte};

kernel! {
    /// A quantized convolution. `y` holds the residual where there is one.
    pub struct QConvCall {
        /// Which kernel.
        pub kind: ConvKind,
        /// Element types of `x` and `y`.
        pub dtypes: [DType; 2],
        /// The kernel's parameters.
        pub params: QConv2d,
    }
    describe(c) => {
        let products = if c.params.pairs { ", products in pairs" } else { ", products widened" };
        c.describe_map() + products
    };
    params(c) => qconv2d(&c.params);
    bound(c, p) => with_byte!(c.dtypes[0], X => with_byte!(c.dtypes[1], Y => match c.kind {
        ConvKind::General => bind!(kernels::qconv:
            |x: &[X], w: &[i8], bias: &[i32], multiplier: &[f32], y: &mut [Y]|
            qconv2d(cpu, &p, x, w, bias, multiplier, y)),
        ConvKind::Depthwise => bind!(kernels::qdepthwise:
            |x: &[X], w: &[i8], bias: &[i32], multiplier: &[f32], y: &mut [Y]|
            qdepthwise2d(cpu, &p, x, w, bias, multiplier, y)),
    }));
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

impl QConvCall {
    /// What is computed, whatever the kernel.
    pub(super) fn describe_map(&self) -> String {
        let (p, r) = (&self.params.map, self.params.finish.range);
        let residual = if self.params.finish.residual.is_some() { ", residual" } else { "" };
        let (window, groups, zero) = (window(p), groups(self.kind, p), self.params.zero);
        format!("{window}{groups}, zero {zero}, to {}..={} zero {}{residual}", r.lo, r.hi, r.zero)
    }
}
