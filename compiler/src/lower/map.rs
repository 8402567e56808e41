//! Maps.

use std::sync::Arc;

use super::dims::merge;
use super::{Fault, Lowered, Lowering};
use crate::ir::{DType, Expr, Node, row_major_strides};
use crate::program::kernels::{MapCall, MapOperand};
use crate::program::{Access, Arg, unsupported};

/// Operands that the kernel takes.
const MAX_OPERANDS: usize = 10;

impl Lowering<'_> {
    pub(super) fn map(&mut self, node: &Node, expr: &Expr) -> Lowered {
        let shape = self.ty(node.outputs[0]).shape.clone();
        let result = self.ty(node.outputs[0]).dtype;
        let dtypes: Vec<DType> = node.inputs.iter().map(|&i| self.ty(i).dtype).collect();
        if let Some(what) = unsupported(expr, &dtypes) {
            return Err(Fault::ty(format!("{what} has no function at run time")));
        }
        if node.inputs.len() > MAX_OPERANDS {
            return Err(Fault::form(format!("an expression of more than {MAX_OPERANDS} operands"), "split it"));
        }
        let mut dims = shape.clone();
        let mut strides: Vec<Vec<usize>> =
            node.inputs.iter().map(|&i| broadcast_strides(&self.ty(i).shape, &shape)).collect();
        strides.push(row_major_strides(&shape));
        merge(&mut dims, &mut strides);
        let dense = row_major_strides(&dims);
        let operands: Vec<MapOperand> =
            dtypes.iter().zip(&strides).map(|(&dtype, s)| MapOperand { dtype, strides: s.clone() }).collect();
        let mut args: Vec<Arg> = node.inputs.iter().map(|&i| self.operand(i)).collect();
        let out = args.len();
        let in_place = (0..out)
            .filter(|&i| operands[i].dtype == result && operands[i].strides == dense)
            .filter(|&i| matches!(args[i], Arg::Buffer(..)))
            .map(|i| (i, out))
            .collect();
        args.push(Arg::Buffer(self.result(node.outputs[0]), Access::Write));
        let call = Arc::new(MapCall { expr: expr.clone(), operands, dims, result, over: None });
        self.step(node, call, args, in_place);
        Ok(())
    }
}

/// Strides of a dense operand that is broadcast to a shape.
fn broadcast_strides(operand: &[usize], shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![0; shape.len()];
    let own = row_major_strides(operand);
    let lead = shape.len() - operand.len();
    for (d, &len) in operand.iter().enumerate() {
        strides[lead + d] = if len == 1 { 0 } else { own[d] };
    }
    strides
}
