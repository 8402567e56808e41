//! Convolutions of quantized numbers of 16 bits.

use std::sync::Arc;

use zant_runtime::kernels::qpacking;
use zant_runtime::terms::wide::Wide2d;

use super::conv::conv2d;
use super::quant::{is_depthwise, packed, range};
use super::{Fault, Lowered, Lowering};
use crate::ir::{DType, Epilogue, Node, Tensor, Type, Wide, Window};
use crate::program::kernels::{ConvKind, WideConvCall};
use crate::program::{Access, Arg};

/// What is less in the words that a product takes than in the numbers.
const fn less(dtype: DType) -> i32 {
    if matches!(dtype, DType::U16) { 1 << 15 } else { 0 }
}

impl Lowering<'_> {
    pub(super) fn wide_conv(&mut self, node: &Node, window: &Window, groups: usize, wide: &Wide) -> Lowered {
        let (x, y) = (self.ty(node.inputs[0]).clone(), self.ty(node.outputs[0]).clone());
        let Some(w) = self.data(node.inputs[1]).and_then(Tensor::to_vec::<i8>) else {
            return Err(Fault::form("quantized weights must be constant", "this is a mistake of the compiler"));
        };
        let mut map = conv2d(&x, &y, window, groups, Epilogue::default());
        map.in_pitch = self.operand_pitch(node.inputs[0]);
        map.out_pitch = self.result_pitch(node.outputs[0]);
        let chunk = qpacking::wide_chunk(&map, &w, wide.lead);
        let params = Wide2d { map, zero: wide.zero, range: range(wide.target), chunk, lead: wide.lead };
        let is_depthwise = is_depthwise(&map) && qpacking::depthwise_fits(&map, &w, wide.lead);
        let kind = if is_depthwise { ConvKind::Depthwise } else { ConvKind::General };
        let source = self.operand(node.inputs[0]);
        let [multiplier, shift] = [3, 4].map(|i| self.operand(node.inputs[i]));
        let (weights, bias, scratch) = match kind {
            ConvKind::Depthwise => {
                let w = packed(|put| qpacking::depthwise2d_wide(&map, &w, put));
                let sums = self.new_temporary(&Type::new(DType::I32, [map.out_c]));
                (self.packed_weight(node, &w), self.operand(node.inputs[2]), sums)
            }
            ConvKind::General => {
                let bias = self.wide_bias(node, &w, i64::from(wide.zero - less(x.dtype)) << wide.lead);
                let w = packed(|put| qpacking::conv2d_wide(&map, &w, put));
                let scratch = self.new_temporary(&Type::new(DType::U32, [params.scratch().div_ceil(2)]));
                (self.packed_weight(node, &w), bias, scratch)
            }
        };
        let out = self.result(node.outputs[0]);
        let [scratch, out] = [scratch, out].map(|view| Arg::Buffer(view, Access::Write));
        let call = WideConvCall { kind, dtypes: [x.dtype, y.dtype], params };
        let args = vec![source, weights, bias, multiplier, shift, scratch, out];
        self.call(node, Arc::new(call), args);
        Ok(())
    }

    /// The bias of a convolution whose padding is not skipped, less what the word for 0 adds to every window.
    fn wide_bias(&mut self, node: &Node, w: &[i8], zero: i64) -> Arg {
        let bias = self.data(node.inputs[2]).and_then(Tensor::to_vec::<i64>).unwrap_or_default();
        let multiplier = self.data(node.inputs[3]).and_then(Tensor::to_vec::<i32>).unwrap_or_default();
        let bias: Vec<i64> = qpacking::wide_bias_less(&bias, &multiplier, w, zero).collect();
        let name = format!("{}_bias", self.graph.value(node.inputs[1]).name);
        Arg::Weight(self.new_weight(&name, Tensor::from_elements([bias.len()], &bias), Some(node.inputs[2])))
    }
}
