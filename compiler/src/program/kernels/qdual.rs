//! `qconv2d_dual`, `qconv2d_dual_one` and `qdepthwise2d_dual`.

use zant_runtime::arch::portable::Portable;
use zant_runtime::kernels::qdepthwise_dual;
use zant_runtime::kernels::qdual;
use zant_runtime::terms::qconv2d::QConv2d;

use super::qconv::qconv2d;
use super::{ConvKind, QConvCall};
use crate::ir::DType;
use crate::program::bind::{bind, kernel};
use crate::program::tokens::with_byte;

kernel! {
    /// A quantized convolution for CPUs that multiply pairs of 16-bit numbers. `y` holds the residual where there is one.
    pub struct QDualCall {
        conv: QConvCall,
        by_fours: bool,
    }
    describe(c) => c.conv.describe_map();
    params(c) => qconv2d(&c.conv.params);
    bound(c) => {
        let p = c.conv.params;
        with_byte!(c.conv.dtypes[0], X => with_byte!(c.conv.dtypes[1], Y => match c.conv.kind {
            ConvKind::General if c.by_fours => bind!([Portable] kernels::qdual:
                |x: &[X], w: &[i8], bias: &[i32], multiplier: &[f32], scratch: &mut [u32], y: &mut [Y]|
                qconv2d_dual(cpu, &p, x, w, (bias, multiplier), scratch, y)),
            ConvKind::General => bind!([Portable] kernels::qdual:
                |x: &[X], w: &[i8], bias: &[i32], multiplier: &[f32], scratch: &mut [u32], y: &mut [Y]|
                qconv2d_dual_one(cpu, &p, x, w, (bias, multiplier), scratch, y)),
            ConvKind::Depthwise => bind!([Portable] kernels::qdepthwise_dual:
                |x: &[X], w: &[u32], bias: &[i32], multiplier: &[f32], scratch: &mut [u32], y: &mut [Y]|
                qdepthwise2d_dual(cpu, &p, x, w, (bias, multiplier), scratch, y)),
        }))
    };
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
