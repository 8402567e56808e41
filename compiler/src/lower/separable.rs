//! Depthwise convolutions inside the 1x1 convolution that reads them.

use std::sync::Arc;

use zant_runtime::kernels::packing;
use zant_runtime::kernels::separable::Separable;

use super::conv::conv2d;
use super::{Fault, Lowered, Lowering};
use crate::ir::{DType, Node, Op, Type, multiply_adds};
use crate::layout::rows;
use crate::program::kernels::SeparableCall;
use crate::program::{Access, Arg};

impl Lowering<'_> {
    /// Both convolutions by rows.
    pub(super) fn separable(&mut self, first: &Node, node: &Node) -> Lowered {
        let (
            Op::Conv { window: inner, groups, epilogue: first_epilogue },
            Op::Conv { window: outer, groups: outer_groups, epilogue },
        ) = (&first.op, &node.op)
        else {
            return Err(Fault::form("two convolutions are computed by rows", "this is a mistake of the compiler"));
        };
        let map = self.ty(node.inputs[0]).clone();
        let (x, y) = (self.ty(first.inputs[0]).clone(), self.ty(node.outputs[0]).clone());
        let mut depthwise = conv2d(&x, &map, inner, *groups, *first_epilogue);
        depthwise.in_pitch = self.operand_pitch(first.inputs[0]);
        let mut pointwise = conv2d(&map, &y, outer, *outer_groups, *epilogue);
        pointwise.out_pitch = self.result_pitch(node.outputs[0]);
        let params = Separable { depthwise, pointwise, rows: rows(&map) };
        let source = self.operand(first.inputs[0]);
        let weights = [
            self.packed_weights(first, packing::depthwise2d(&depthwise)),
            self.packed_weights(node, packing::conv2d(&pointwise, false)),
        ];
        let bias = [self.bias(first, *first_epilogue), self.bias(node, *epilogue)];
        let scratch = self.new_temporary(&Type::new(DType::F32, [params.scratch()]));
        let y = self.product_result(node, *epilogue)?;
        let [w, second_w] = weights;
        let [b, second_b] = bias;
        let args = vec![source, w, second_w, b, second_b, Arg::Buffer(scratch, Access::Write), y];
        self.call(node, Arc::new(SeparableCall { params }), args);
        self.credit(first);
        Ok(())
    }

    /// Counts a node among those that the last step computes.
    fn credit(&mut self, node: &Node) {
        let operands: Vec<Type> = node.inputs.iter().map(|&i| self.ty(i).clone()).collect();
        let macs = multiply_adds(&node.op, &operands, self.ty(node.outputs[0]));
        if let Some(step) = self.program.steps.last_mut() {
            step.macs += macs;
            step.origin.splice(0..0, node.origin.iter().cloned());
        }
    }
}
