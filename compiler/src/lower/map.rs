//! Maps.

use std::sync::Arc;

use super::dims::merge;
use super::strided::broadcast;
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
        let (mut args, mut strides) = (Vec::new(), Vec::new());
        for &i in &node.inputs {
            let (arg, own) = self.strided_operand(i);
            strides.push(broadcast(&self.ty(i).shape, &own, &shape));
            args.push(arg);
        }
        strides.push(row_major_strides(&shape));
        merge(&mut dims, &mut strides);
        let dense = row_major_strides(&dims);
        let operands: Vec<MapOperand> =
            dtypes.iter().zip(&strides).map(|(&dtype, s)| MapOperand { dtype, strides: s.clone() }).collect();
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
