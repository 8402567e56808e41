//! `conv2d` and `depthwise2d`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::conv;
use zant_runtime::kernels::conv_int;
use zant_runtime::kernels::depthwise;
use zant_runtime::terms::conv2d::Conv2d;
use zant_runtime::terms::epilogue::Epilogue;

use super::roles;
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{Lit, setting, then, with_cpu, with_element};

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

/// What parameters with an epilogue import.
pub(super) fn epilogue_use(epilogue: &Epilogue) -> Option<&'static str> {
    (*epilogue != Epilogue::NONE).then_some("terms::epilogue::Epilogue")
}

/// The parameters as a Rust expression.
pub(super) fn conv2d(p: &Conv2d) -> TokenStream {
    let (input, output) = ([p.in_h, p.in_w, p.in_c].lit(), [p.out_h, p.out_w, p.out_c].lit());
    let kernel = [p.kernel_h, p.kernel_w].lit();
    let settings = [
        setting("batch", &[p.batch], &[1]),
        setting("stride", &[p.stride_h, p.stride_w], &[1, 1]),
        setting("dilation", &[p.dilation_h, p.dilation_w], &[1, 1]),
        setting("pad", &[p.pad_top, p.pad_left], &[0, 0]),
        setting("pitch", &[p.in_pitch, p.out_pitch], &[p.in_c, p.out_c]),
        setting("groups", &[p.groups], &[1]),
        then(&p.epilogue),
    ];
    quote!(Conv2d::new(#input, #output, #kernel) #(#settings)*)
}

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
        [function, "terms::conv2d::Conv2d"].into_iter().chain(epilogue_use(&self.params.epilogue)).collect()
    }

    fn params(&self) -> Option<Params> {
        let value = conv2d(&self.params);
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

/// A convolution of integers. Arguments: `x`, weights, bias (or empty), `y`.
#[derive(Clone, Debug)]
pub struct IntConvCall {
    /// Element type.
    pub dtype: DType,
    /// The kernel's parameters.
    pub params: Conv2d,
}

impl KernelCall for IntConvCall {
    fn name(&self) -> &'static str {
        "conv2d_int"
    }

    fn describe(&self) -> String {
        let p = &self.params;
        format!("{}x{} stride {}x{} pad {}x{}", p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left)
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "w", "bias", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        vec!["kernels::conv_int::conv2d_int", "terms::conv2d::Conv2d"]
    }

    fn params(&self) -> Option<Params> {
        Some(Params { ty: quote!(Conv2d), value: conv2d(&self.params) })
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        quote!(conv2d_int(&P, #(#args),*))
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        with_element!(self.dtype, T => {
            let (x, w, bias): (&[T], _, _) = (args.read(0), args.read(1), args.read(2));
            conv_int::conv2d_int(&self.params, x, w, bias, args.write(3));
        });
        Ok(())
    }
}
