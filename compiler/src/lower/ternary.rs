//! Matrix products with weights of three values: five weights to a byte.

use std::sync::Arc;

use zant_runtime::kernels::packing::fives;
use zant_runtime::kernels::ternary::TernaryMatMul;

use super::conv::kernel_epilogue;
use super::{Fault, Lowered, Lowering};
use crate::ir::{DType, Epilogue, Node, Tensor, Type};
use crate::program::kernels::TernaryMatMulCall;
use crate::program::{Access, Arg};

impl Lowering<'_> {
    pub(super) fn ternary_matmul(&mut self, node: &Node, epilogue: Epilogue) -> Lowered {
        let (x, y) = (self.ty(node.inputs[0]).clone(), self.ty(node.outputs[0]).clone());
        let Some(w) = self.data(node.inputs[1]).and_then(Tensor::to_vec::<i8>) else {
            return Err(Fault::form("ternary weights must be constant", "this is a mistake of the compiler"));
        };
        let [k, n] = [&x, &y].map(|t| *t.shape.last().expect("rank 1 or more"));
        let m = y.elements().checked_div(n).unwrap_or(0);
        let packed: Vec<u8> = fives(&w, n, k).collect();
        let (y_pitch, epilogue_of) = (self.result_pitch(node.outputs[0]), kernel_epilogue(epilogue));
        let params = TernaryMatMul { m, k, n, y_pitch, epilogue: epilogue_of };
        let (x, w, scale) =
            (self.operand(node.inputs[0]), self.packed_weight(node, &packed), self.operand(node.inputs[2]));
        let bias = if epilogue.bias { self.operand(node.inputs[3]) } else { Arg::Empty(DType::F32) };
        let scratch = match params.scratch() {
            0 => Arg::Empty(DType::F32),
            n => Arg::Buffer(self.new_temporary(&Type::new(DType::F32, [n])), Access::Write),
        };
        let out = self.product_result(node, epilogue)?;
        self.call(node, Arc::new(TernaryMatMulCall { params }), vec![x, w, scale, bias, scratch, out]);
        Ok(())
    }
}
