//! `qconv2d_dual` and `qdepthwise2d_dual`.

use proc_macro2::TokenStream;
use quote::quote;
use zant_runtime::kernels::qconv::QConv2d;
use zant_runtime::kernels::qdual;

use super::{ConvKind, QConvCall, roles};
use crate::ir::{DType, Numerics};
use crate::program::kernel::{Args, KernelCall, Params, RunError};
use crate::program::tokens::with_byte;

/// A quantized convolution for CPUs that multiply pairs of 16-bit numbers. Arguments: `x`, packed weights, bias, multiplier,
/// scratch, `y` (which holds the residual where there is one).
#[derive(Clone, Debug)]
pub struct QDualCall(QConvCall);

impl QDualCall {
    /// A call; a depthwise one has whole fours of channels and no residual.
    pub fn new(kind: ConvKind, dtypes: [DType; 2], params: QConv2d) -> QDualCall {
        QDualCall(QConvCall { kind, dtypes, params })
    }

    /// Words of scratch.
    pub fn scratch(&self) -> usize {
        match self.0.kind {
            ConvKind::General => qdual::scratch(&self.0.params),
            ConvKind::Depthwise => qdual::depthwise_scratch(&self.0.params.map),
        }
    }
}

impl KernelCall for QDualCall {
    fn name(&self) -> &'static str {
        match self.0.kind {
            ConvKind::General => "qconv2d_dual",
            ConvKind::Depthwise => "qdepthwise2d_dual",
        }
    }

    fn describe(&self) -> String {
        self.0.describe_map()
    }

    fn roles(&self) -> Vec<String> {
        roles(&["x", "w", "bias", "multiplier", "scratch", "y"])
    }

    fn uses(&self) -> Vec<&'static str> {
        let mut uses = self.0.uses();
        uses[0] = match self.0.kind {
            ConvKind::General => "kernels::qdual::qconv2d_dual",
            ConvKind::Depthwise => "kernels::qdual::qdepthwise2d_dual",
        };
        uses
    }

    fn params(&self) -> Option<Params> {
        self.0.params()
    }

    fn call(&self, args: &[TokenStream]) -> TokenStream {
        let [x, w, bias, multiplier, scratch, y] = args else { unreachable!("the kernels take six arguments") };
        let args = quote!(&P, #x, #w, (#bias, #multiplier), #scratch, #y);
        match self.0.kind {
            ConvKind::General => quote!(qconv2d_dual(#args)),
            ConvKind::Depthwise => quote!(qdepthwise2d_dual(#args)),
        }
    }

    fn run(&self, _: Numerics, args: &mut Args<'_>) -> Result<(), RunError> {
        let (sums, scratch) = ((args.read(2), args.read(3)), args.write(4));
        let p = &self.0.params;
        with_byte!(self.0.dtypes[0], X => with_byte!(self.0.dtypes[1], Y => {
            let (x, y): (&[X], &mut [Y]) = (args.read(0), args.write(5));
            match self.0.kind {
                ConvKind::General => qdual::qconv2d_dual(p, x, args.read(1), sums, scratch, y),
                ConvKind::Depthwise => qdual::qdepthwise2d_dual(p, x, args.read(1), sums, scratch, y),
            }
        }));
        Ok(())
    }
}
