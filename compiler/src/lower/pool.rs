//! Pools.

use std::sync::Arc;

use zant_runtime::terms::pool2d::Pool2d;

use super::{Lowered, Lowering, expect_f32, expect_number};
use crate::ir::{DType, Node, PoolKind, Type, Window};
use crate::program::kernels::{PoolCall, PoolForm};

impl Lowering<'_> {
    pub(super) fn pool(&mut self, node: &Node, kind: PoolKind, window: &Window) -> Lowered {
        let x = self.ty(node.inputs[0]).clone();
        let y = self.ty(node.outputs[0]).clone();
        let form = match kind {
            PoolKind::Max => {
                expect_number("maximum pooling", x.dtype)?;
                PoolForm::Max(x.dtype)
            }
            PoolKind::Average { .. } if x.dtype == DType::F64 => PoolForm::AverageF64,
            PoolKind::Average { .. } => {
                expect_f32("average pooling", x.dtype)?;
                PoolForm::Average
            }
        };
        let pitches = [self.operand_pitch(node.inputs[0]), self.result_pitch(node.outputs[0])];
        let params = pool2d(&x, &y, window, pitches, kind);
        self.call_one(node, Arc::new(PoolCall { form, params, in_place: false }))
    }
}

/// The kernel's parameters.
pub(super) fn pool2d(x: &Type, y: &Type, window: &Window, [in_pitch, out_pitch]: [usize; 2], kind: PoolKind) -> Pool2d {
    Pool2d {
        batch: x.shape[0],
        in_h: x.shape[1],
        in_w: x.shape[2],
        channels: x.shape[3],
        in_pitch,
        out_h: y.shape[1],
        out_w: y.shape[2],
        out_pitch,
        kernel_h: window.kernel[0],
        kernel_w: window.kernel[1],
        stride_h: window.stride[0],
        stride_w: window.stride[1],
        dilation_h: window.dilation[0],
        dilation_w: window.dilation[1],
        pad_top: window.pad_begin[0],
        pad_left: window.pad_begin[1],
        pad_bottom: window.pad_end[0],
        pad_right: window.pad_end[1],
        count_include_pad: matches!(kind, PoolKind::Average { count_include_pad: true }),
    }
}
