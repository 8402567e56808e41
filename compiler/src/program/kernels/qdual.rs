//! `qconv2d_dual`, `qconv2d_dual_one` and `qdepthwise2d_dual`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::qdepthwise_dual;
use zant_runtime::kernels::qdual;
use zant_runtime::terms::qconv2d::QConv2d;

use super::{ConvKind, QConvCall, roles};
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::{with_byte, with_cpu};

/// A quantized convolution for CPUs that multiply pairs of 16-bit numbers. Arguments: `x`, packed weights, bias, multiplier,
/// scratch, `y` (which holds the residual where there is one).
#[derive(Clone, Debug)]
pub struct QDualCall {
    conv: QConvCall,
    by_fours: bool,
}

impl QDualCall {
    /// A call, four pixels at a time or one; a depthwise one has whole fours of channels and no residual.
    pub fn new(kind: ConvKind, dtypes: [DType; 2], params: QConv2d, by_fours: bool) -> QDualCall {
        QDualCall { conv: QConvCall { kind, dtypes, params }, by_fours }
    }

    /// Words of scratch.
    pub fn scratch(&self) -> usize {
        match self.conv.kind {
            ConvKind::General => qdual::scratch(&self.conv.params, self.by_fours),
            ConvKind::Depthwise => qdepthwise_dual::scratch(&self.conv.params.map),
        }
    }
}

impl KernelCall for QDualCall {
    fn name(&self) -> &'static str {
        match self.conv.kind {
            ConvKind::General if self.by_fours => "qconv2d_dual",
            ConvKind::General => "qconv2d_dual_one",
            ConvKind::Depthwise => "qdepthwise2d_dual",
        }
    }

    fn describe(&self) -> String {
        self.conv.describe_map()
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "w", "bias", "multiplier", "scratch", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        let mut uses = self.conv.uses();
        uses[0] = match self.conv.kind {
            ConvKind::General if self.by_fours => "kernels::qdual::qconv2d_dual",
            ConvKind::General => "kernels::qdual::qconv2d_dual_one",
            ConvKind::Depthwise => "kernels::qdepthwise_dual::qdepthwise2d_dual",
        };
        uses
    }

    fn params(&self) -> Option<Params> {
        self.conv.params()
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let [x, w, bias, multiplier, scratch, y] = args else { unreachable!("the kernels take six arguments") };
        let args = quote!(cpu, &P, #x, #w, (#bias, #multiplier), #scratch, #y);
        match self.conv.kind {
            ConvKind::General if self.by_fours => quote!(qconv2d_dual(#args)),
            ConvKind::General => quote!(qconv2d_dual_one(#args)),
            ConvKind::Depthwise => quote!(qdepthwise2d_dual(#args)),
        }
    }

    fn run(&self, numerics: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let (sums, scratch) = ((args.read(2), args.read(3)), args.write(4));
        let p = &self.conv.params;
        with_cpu!(Portable, numerics, cpu => with_byte!(self.conv.dtypes[0], X => with_byte!(self.conv.dtypes[1], Y => {
            let (x, y): (&[X], &mut [Y]) = (args.read(0), args.write(5));
            match self.conv.kind {
                ConvKind::General if self.by_fours => qdual::qconv2d_dual(cpu, p, x, args.read(1), sums, scratch, y),
                ConvKind::General => qdual::qconv2d_dual_one(cpu, p, x, args.read(1), sums, scratch, y),
                ConvKind::Depthwise => qdepthwise_dual::qdepthwise2d_dual(cpu, p, x, args.read(1), sums, scratch, y),
            }
        })));
        Ok(())
    }
}
