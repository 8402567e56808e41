//! `separable2d`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::separable::{self, Separable};

use super::conv::{conv2d, epilogue_use};
use super::roles;
use crate::ir::Numerics;
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{Lit, with_cpu};

/// A depthwise convolution and the 1x1 convolution that reads it, by rows. Arguments: `x`, the packed weights of both, the bias
/// of both (or empty), scratch, `y` (which holds the residual where there is one).
#[derive(Clone, Debug)]
pub struct SeparableCall {
    /// The kernel's parameters.
    pub params: Separable,
}

impl KernelCall for SeparableCall {
    fn name(&self) -> &'static str {
        "separable2d"
    }

    fn describe(&self) -> String {
        let Separable { depthwise: d, pointwise, rows } = &self.params;
        format!(
            "{}x{} stride {}x{} pad {}x{}, {:?}, {} channels, {rows} rows; 1x1, {:?}",
            d.kernel_h,
            d.kernel_w,
            d.stride_h,
            d.stride_w,
            d.pad_top,
            d.pad_left,
            d.epilogue.activation,
            d.out_c,
            pointwise.epilogue.activation
        )
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "w", "pointwise_w", "bias", "pointwise_bias", "scratch", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        let Separable { depthwise, pointwise, .. } = &self.params;
        let own = ["kernels::separable::separable2d", "kernels::separable::Separable", "terms::conv2d::Conv2d"];
        let epilogue = epilogue_use(&depthwise.epilogue).or(epilogue_use(&pointwise.epilogue));
        own.into_iter().chain(epilogue).collect()
    }

    fn params(&self) -> Option<Params> {
        let (depthwise, pointwise) = (conv2d(&self.params.depthwise), conv2d(&self.params.pointwise));
        let rows = self.params.rows.lit();
        let value = quote!(Separable { depthwise: #depthwise, pointwise: #pointwise, rows: #rows });
        Some(Params { ty: quote!(Separable), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let [x, w, pointwise_w, bias, pointwise_bias, scratch, y] = args else {
            unreachable!("the kernel takes seven arguments")
        };
        quote!(separable2d(cpu, &P, #x, [#w, #pointwise_w], [#bias, #pointwise_bias], #scratch, #y))
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let (weights, bias) = ([args.read(1), args.read(2)], [args.read(3), args.read(4)]);
        let (x, scratch, y) = (args.read(0), args.write(5), args.write(6));
        with_cpu!(numerics, cpu => separable::separable2d(cpu, &self.params, x, weights, bias, scratch, y));
        Ok(())
    }
}
