//! Convolutions of 16-bit numbers with 8-bit weights: `conv2d_wide` and `depthwise2d_wide`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::terms::quant::Range;
use zant_runtime::terms::wide::Wide2d;

use super::ConvKind;
use super::conv::{conv2d, groups, window};
use crate::ir::DType;
use crate::program::bind::{bind, kernel};
use crate::program::kernel::Params;
use crate::program::tokens::{Lit, with_level};

kernel! {
    /// A convolution of quantized numbers of 8 or 16 bits, with scratch: gathered windows, or sums of channels.
    pub struct WideConvCall {
        /// Which kernel.
        pub kind: ConvKind,
        /// Element types of `x` and `y`.
        pub dtypes: [DType; 2],
        /// The kernel's parameters.
        pub params: Wide2d,
    }
    describe(c) => {
        let (p, r) = (&c.params.map, c.params.range);
        let (window, groups, zero) = (window(p), groups(c.kind, p), c.params.zero);
        let chunks = match c.kind {
            ConvKind::General => c.params.quads().div_ceil(c.params.chunk.max(1)),
            ConvKind::Depthwise => 1,
        };
        let chunks = if chunks > 1 { format!(", sums in {chunks} chunks") } else { String::new() };
        format!("{window}{groups}, zero {zero}, to {}..={} zero {}{chunks}", r.lo, r.hi, r.zero)
    };
    params(c) => wide2d(&c.params);
    bound(c, p) => with_level!(c.dtypes[0], X => with_level!(c.dtypes[1], Y => match c.kind {
        ConvKind::General if c.params.chunk < c.params.quads() => bind!(kernels::wide:
            |x: &[X], w: &[i8], bias: &[i64], multiplier: &[i32], shift: &[u8], scratch: &mut [u32], y: &mut [Y]|
            conv2d_wide_deep(cpu, &p, x, w, (bias, multiplier, shift), scratch, y)),
        ConvKind::General => bind!(kernels::wide:
            |x: &[X], w: &[i8], bias: &[i64], multiplier: &[i32], shift: &[u8], scratch: &mut [u32], y: &mut [Y]|
            conv2d_wide(cpu, &p, x, w, (bias, multiplier, shift), scratch, y)),
        ConvKind::Depthwise => bind!(kernels::wide_depthwise:
            |x: &[X], w: &[i8], bias: &[i64], multiplier: &[i32], shift: &[u8], sums: &mut [i32], y: &mut [Y]|
            depthwise2d_wide(cpu, &p, x, w, (bias, multiplier, shift), sums, y)),
    }));
}

/// The parameters as emitted code.
fn wide2d(p: &Wide2d) -> Params {
    let (map, zero, chunk) = (conv2d(&p.map), p.zero.lit(), p.chunk.lit());
    let lead = i32::from(p.lead).lit();
    let Range { zero: of_result, lo, hi } = p.range;
    let [of_result, lo, hi] = [of_result, lo, hi].map(|v| v.lit());
    let range: TokenStream = quote!(Range { zero: #of_result, lo: #lo, hi: #hi });
    let (mut uses, map) = (map.uses, map.value);
    uses.extend(["terms::wide::Wide2d", "terms::quant::Range"]);
    let value = quote!(Wide2d { map: #map, zero: #zero, range: #range, chunk: #chunk, lead: #lead });
    Params { uses, ty: quote!(Wide2d), value }
}
