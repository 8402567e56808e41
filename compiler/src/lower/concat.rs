//! Concatenations: operands that lie side by side are computed straight into the result.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dims::merge;
use super::{Lowered, Lowering};
use crate::ir::{Graph, Movement, Node, Op, ValueId, row_major_strides};
use crate::program::kernels::CopyCall;
use crate::program::{Access, Arg, Storage, View};

/// The place of an operand within the result of a Concat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The Concat's result.
    pub(super) whole: ValueId,
    /// First element there.
    pub(super) offset: usize,
}

/// Values that can be computed straight into the result of a Concat: it is contiguous there, and they have no other place.
pub(super) fn parts(graph: &Graph) -> BTreeMap<ValueId, Part> {
    let producers = graph.producers();
    let mut parts = BTreeMap::new();
    for node in &graph.nodes {
        let Op::Concat { axis } = node.op else { continue };
        let whole = node.outputs[0];
        let ty = graph.ty(whole);
        if ty.shape[..axis].iter().any(|&d| d != 1) {
            continue;
        }
        let mut offset = 0;
        for &v in &node.inputs {
            let len = graph.ty(v).elements();
            // What a kernel computes into memory of its own can as well lie in the result; a view cannot.
            let computed = producers[v.index()].is_some_and(|n| owns_result(&graph.nodes[n].op));
            if computed && !parts.contains_key(&v) && !graph.is_output(v) {
                parts.insert(v, Part { whole, offset });
            }
            offset += len;
        }
    }
    parts
}

/// Whether an operator's result always lies in memory of its own.
fn owns_result(op: &Op) -> bool {
    match op {
        Op::Conv { epilogue, .. } | Op::ConvTranspose { epilogue, .. } | Op::MatMul { epilogue } => !epilogue.residual,
        Op::Movement(Movement::Reshape { .. } | Movement::Slice { .. }) => false,
        Op::Movement(Movement::Transpose { .. } | Movement::Expand { .. } | Movement::Pad { .. })
        | Op::Pool { .. }
        | Op::Reduce { .. }
        | Op::Arg { .. }
        | Op::Map { .. }
        | Op::Concat { .. }
        | Op::Gather { .. }
        | Op::GatherElements { .. }
        | Op::GatherNd { .. }
        | Op::ScatterElements { .. }
        | Op::ScatterNd { .. }
        | Op::Softmax { .. }
        | Op::Cumulative { .. }
        | Op::TopK { .. } => true,
    }
}

impl Lowering<'_> {
    /// The range of a Concat's result in which an operand is computed.
    pub(super) fn part(&mut self, v: ValueId, part: Part) -> View {
        let whole = self.whole(part.whole);
        View { buffer: whole.buffer, offset: whole.offset + part.offset, len: self.ty(v).elements() }
    }

    /// The result of a Concat, which its first operand makes.
    fn whole(&mut self, v: ValueId) -> View {
        match self.places[v.index()] {
            Some(view) => view,
            None => self.result(v),
        }
    }

    pub(super) fn concat(&mut self, node: &Node, axis: usize) -> Lowered {
        let out = node.outputs[0];
        let ty = self.ty(out).clone();
        let view = self.whole(out);
        let strides: Vec<isize> = row_major_strides(&ty.shape).into_iter().map(|s| s as isize).collect();
        let mut at = 0;
        for &v in &node.inputs {
            let x = self.ty(v).clone();
            let offset = at * strides[axis] as usize;
            at += x.shape[axis];
            let lies_there = self.parts.get(&v) == Some(&Part { whole: out, offset });
            if lies_there || x.elements() == 0 {
                continue;
            }
            let mut dims = x.shape.clone();
            let own = row_major_strides(&x.shape).into_iter().map(|s| s as isize).collect();
            let mut both = [own, strides.clone()];
            merge(&mut dims, &mut both);
            let [x_strides, y_strides] = both;
            let call = CopyCall { dtype: x.dtype, dims, x_start: 0, x_strides, y_start: 0, y_strides };
            let source = self.operand(v);
            // From the operand's first element to its last, with what lies between.
            let len = 1 + call.dims.iter().zip(&call.y_strides).map(|(&n, &s)| (n - 1) * s as usize).sum::<usize>();
            let to = View { buffer: view.buffer, offset: view.offset + offset, len };
            self.step(node, Arc::new(call), vec![source, Arg::Buffer(to, Access::Write)], Vec::new());
        }
        debug_assert_eq!(self.program.buffer(view.buffer).storage, Storage::Arena);
        Ok(())
    }
}
