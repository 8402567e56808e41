//! Maps.

use std::sync::Arc;

use zant_runtime::kernels::table::Table;

use super::{Fault, Lowered, Lowering};
use crate::ir::{DType, Evaluate, Expr, Node, Op, Reference, Scalar, Tensor, Type, ValueId, row_major_strides};
use crate::layout::is_table;
use crate::layout::strides::{broadcast, merge};
use crate::program::kernels::{MapCall, MapOperand, TableCall};
use crate::program::{Access, Arg, unsupported};

/// Operands that the kernel takes.
const MAX_OPERANDS: usize = 10;

impl Lowering<'_> {
    pub(super) fn map(&mut self, node: &Node, expr: &Expr) -> Lowered {
        let dtypes: Vec<DType> = node.inputs.iter().map(|&i| self.ty(i).dtype).collect();
        if let Some(what) = unsupported(expr, &dtypes) {
            return Err(Fault::ty(format!("{what} has no function at run time")));
        }
        if node.inputs.len() > MAX_OPERANDS {
            return Err(Fault::form(format!("an expression of more than {MAX_OPERANDS} operands"), "split it"));
        }
        if let Some(&x) = self.layout.states.over.get(&node.outputs[0]) {
            self.map_over(node, expr, x);
            return Ok(());
        }
        if self.table(node, expr) {
            return Ok(());
        }
        let (call, mut args) = self.map_call(node, expr);
        args.push(Arg::Buffer(self.result(node.outputs[0]), Access::Write));
        self.call(node, Arc::new(call), args);
        Ok(())
    }

    /// The call and its operands.
    pub(super) fn map_call(&mut self, node: &Node, expr: &Expr) -> (MapCall, Vec<Arg>) {
        let Type { dtype: result, shape } = self.ty(node.outputs[0]).clone();
        let mut dims = shape.clone();
        let (mut args, mut strides) = (Vec::new(), Vec::new());
        for &i in &node.inputs {
            let (arg, own) = self.strided_operand(i);
            strides.push(broadcast(&self.ty(i).shape, &own, &shape));
            args.push(arg);
        }
        strides.push(row_major_strides(&shape));
        merge(&mut dims, &mut strides);
        let operand = |(&i, s): (&ValueId, &Vec<usize>)| MapOperand { dtype: self.ty(i).dtype, strides: s.clone() };
        let operands = node.inputs.iter().zip(&strides).map(operand).collect();
        (MapCall { expr: expr.clone(), operands, dims, result, over: None }, args)
    }
}

impl Lowering<'_> {
    /// A function from bytes to bytes as a table of its 256 results; whether it is one.
    fn table(&mut self, node: &Node, expr: &Expr) -> bool {
        if !is_table(self.graph, node) {
            return false;
        }
        let x = node.inputs[0];
        let (from, to) = (self.ty(x).clone(), self.ty(node.outputs[0]).clone());
        // The entry of a byte stands at its bits.
        let bytes = (0..=255u8).map(|b| Scalar::from_bits(u64::from(b), from.dtype));
        let bytes = Tensor::from_scalars(Type::new(from.dtype, [256]), bytes);
        let reference = Reference { numerics: self.program.numerics };
        let Some(table) = reference.computed(&Op::Map { expr: expr.clone() }, &[&bytes]) else { return false };
        let name = self.graph.value(node.outputs[0]).name.clone();
        let entries = Arg::Weight(self.new_weight(&name, table, None));
        let channels = to.shape.last().copied().unwrap_or(1);
        let params = Table {
            rows: to.elements().checked_div(channels).unwrap_or(0),
            columns: channels,
            y_pitch: self.result_pitch(node.outputs[0]),
        };
        let source = self.operand(x);
        let out = Arg::Buffer(self.result(node.outputs[0]), Access::Write);
        let call = TableCall { dtypes: [from.dtype, to.dtype], params, in_place: false };
        self.call(node, Arc::new(call), vec![entries, source, out]);
        true
    }
}
