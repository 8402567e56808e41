//! `conv2d` and `depthwise2d`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::conv2d::Conv2d;
use zant_runtime::kernels::{conv, depthwise};

use super::roles;
use crate::ir::Numerics;
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{fields, with_cpu};

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvKind {
    /// Any number of groups.
    General,
    /// One channel per group, and as many outputs as inputs.
    Depthwise,
}

/// A convolution. Arguments: `x`, packed weights, bias (or empty), `y` (which holds the residual where there is one).
#[derive(Clone, Debug)]
pub struct ConvCall {
    /// Which kernel.
    pub kind: ConvKind,
    /// Its parameters.
    pub params: Conv2d,
}

/// What every parameter structure with an epilogue imports.
pub(super) const EPILOGUE_USES: [&str; 3] =
    ["kernels::epilogue::Activation", "kernels::epilogue::Epilogue", "kernels::epilogue::Residual"];

impl KernelCall for ConvCall {
    fn name(&self) -> &'static str {
        match self.kind {
            ConvKind::General => "conv2d",
            ConvKind::Depthwise => "depthwise2d",
        }
    }

    fn describe(&self) -> String {
        let p = &self.params;
        let groups = if self.kind == ConvKind::General && p.groups > 1 {
            format!(", {} groups", p.groups)
        } else {
            String::new()
        };
        format!(
            "{}x{} stride {}x{} pad {}x{}{groups}, {:?}",
            p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left, p.epilogue.activation
        )
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "w", "bias", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        let function = match self.kind {
            ConvKind::General => "kernels::conv::conv2d",
            ConvKind::Depthwise => "kernels::depthwise::depthwise2d",
        };
        [&[function, "kernels::conv2d::Conv2d"], &EPILOGUE_USES[..]].concat()
    }

    fn params(&self) -> Option<Params> {
        let value = fields!(
            Conv2d,
            self.params,
            batch,
            in_h,
            in_w,
            in_c,
            in_pitch,
            out_h,
            out_w,
            out_c,
            out_pitch,
            kernel_h,
            kernel_w,
            stride_h,
            stride_w,
            dilation_h,
            dilation_w,
            pad_top,
            pad_left,
            groups,
            epilogue,
        );
        Some(Params { ty: quote!(Conv2d), value })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        match self.kind {
            ConvKind::General => quote!(conv2d(cpu, &P, #(#args),*)),
            ConvKind::Depthwise => quote!(depthwise2d(cpu, &P, #(#args),*)),
        }
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let (x, w, bias, y) = (args.read(0), args.read(1), args.read(2), args.write(3));
        with_cpu!(numerics, cpu => match self.kind {
            ConvKind::General => conv::conv2d(cpu, &self.params, x, w, bias, y),
            ConvKind::Depthwise => depthwise::depthwise2d(cpu, &self.params, x, w, bias, y),
        });
        Ok(())
    }
}
