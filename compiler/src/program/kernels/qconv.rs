//! `qconv2d` and `qdepthwise2d`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::qconv;
use zant_runtime::kernels::qdepthwise;
use zant_runtime::terms::qconv2d::QConv2d;
use zant_runtime::terms::quant::{Affine, Finish, Range};

use super::conv::conv2d;
use super::{ConvKind, roles};
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{Lit, fields, with_byte, with_cpu};

/// A quantized convolution. Arguments: `x`, packed weights, bias, multiplier, `y` (which holds the residual where there is
/// one).
#[derive(Clone, Debug)]
pub struct QConvCall {
    /// Which kernel.
    pub kind: ConvKind,
    /// Element types of `x` and `y`.
    pub dtypes: [DType; 2],
    /// The kernel's parameters.
    pub params: QConv2d,
}

/// A range as a Rust expression.
pub(super) fn range(r: Range) -> TokenStream {
    fields!(Range, r, zero, lo, hi)
}

/// An affine map as a Rust expression.
pub(super) fn affine(a: Affine) -> TokenStream {
    fields!(Affine, a, zero, scale)
}

fn finish(f: &Finish) -> TokenStream {
    let [zero, lo, hi] = [f.range.zero, f.range.lo, f.range.hi].map(|v| v.lit());
    let residual = f.residual.map(|r| {
        let (sum, other, scale, range) = (affine(r.sum), affine(r.other), r.scale.lit(), range(r.range));
        quote!(.residual(Residual { sum: #sum, other: #other, scale: #scale, range: #range }))
    });
    quote!(Finish::new(#zero, #lo, #hi) #residual)
}

impl QConvCall {
    /// What is computed, whatever the kernel.
    pub(super) fn describe_map(&self) -> String {
        let (p, r) = (&self.params.map, self.params.finish.range);
        let groups = if self.kind == ConvKind::General && p.groups > 1 {
            format!(", {} groups", p.groups)
        } else {
            String::new()
        };
        let residual = if self.params.finish.residual.is_some() { ", residual" } else { "" };
        format!(
            "{}x{} stride {}x{} pad {}x{}{groups}, zero {}, to {}..={} zero {}{residual}",
            p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left, self.params.zero, r.lo, r.hi, r.zero
        )
    }
}

impl KernelCall for QConvCall {
    fn name(&self) -> &'static str {
        match self.kind {
            ConvKind::General => "qconv2d",
            ConvKind::Depthwise => "qdepthwise2d",
        }
    }

    fn describe(&self) -> String {
        let products = if self.params.pairs { ", products in pairs" } else { ", products widened" };
        self.describe_map() + products
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "w", "bias", "multiplier", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        let function = match self.kind {
            ConvKind::General => "kernels::qconv::qconv2d",
            ConvKind::Depthwise => "kernels::qdepthwise::qdepthwise2d",
        };
        let mut uses = vec![function, "terms::qconv2d::QConv2d", "terms::conv2d::Conv2d", "terms::quant::Finish"];
        if self.params.finish.residual.is_some() {
            uses.extend(["terms::quant::Affine", "terms::quant::Range", "terms::quant::Residual"]);
        }
        uses
    }

    fn params(&self) -> Option<Params> {
        let (map, zero, finish) = (conv2d(&self.params.map), self.params.zero.lit(), finish(&self.params.finish));
        let pairs = self.params.pairs.then(|| quote!(.pairs()));
        Some(Params { ty: quote!(QConv2d), value: quote!(QConv2d::new(#map, #zero, #finish) #pairs) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        match self.kind {
            ConvKind::General => quote!(qconv2d(cpu, &P, #(#args),*)),
            ConvKind::Depthwise => quote!(qdepthwise2d(cpu, &P, #(#args),*)),
        }
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let (w, bias, multiplier) = (args.read(1), args.read(2), args.read(3));
        with_byte!(self.dtypes[0], X => with_byte!(self.dtypes[1], Y => {
            let (x, y): (&[X], &mut [Y]) = (args.read(0), args.write(4));
            with_cpu!(numerics, cpu => match self.kind {
                ConvKind::General => qconv::qconv2d(cpu, &self.params, x, w, bias, multiplier, y),
                ConvKind::Depthwise => qdepthwise::qdepthwise2d(cpu, &self.params, x, w, bias, multiplier, y),
            });
        }));
        Ok(())
    }
}
