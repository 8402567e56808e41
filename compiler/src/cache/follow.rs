//! From a cache's new value back to its old one: what places the new entries places their bytes and their scales alike.

use super::{quantized, without};
use crate::ir::{DType, ExprOp, Graph, Movement, Node, Op, ScatterKind, Type, ValueId, infer};

/// The most nodes between a cache's old value and its new one, each counted on every way to it: real models have a few.
const MOST_NODES: usize = 64;

/// Nodes that compute with the bytes of a cache what a graph computes with its floats.
pub(super) struct Follow<'g> {
    graph: &'g mut Graph,
    /// The cache as the graph has it.
    floats: ValueId,
    /// The dimension that shares a scale.
    along: usize,
    /// Per value, whether the cache has a part in it.
    of_past: Vec<bool>,
    /// How many nodes may still be followed.
    left: usize,
    /// Bytes and scales of the cache.
    pub(super) past: [ValueId; 2],
    /// The nodes, operands before users.
    pub(super) nodes: Vec<Node>,
}

impl<'g> Follow<'g> {
    /// Begins at a cache of floats; `along` is the dimension that shares a scale.
    pub(super) fn new(graph: &'g mut Graph, floats: ValueId, along: usize) -> Follow<'g> {
        let (name, shape) = (graph.value(floats).name.clone(), graph.ty(floats).shape.clone());
        let codes = graph.add_value(name.clone(), Type::new(DType::I8, shape.clone()));
        let scale = graph.add_value(name, Type::new(DType::F32, without(&shape, along)));
        let mut of_past = vec![false; graph.values.len()];
        of_past[floats.index()] = true;
        for node in &graph.nodes {
            let reads = node.inputs.iter().any(|v| of_past[v.index()]);
            node.outputs.iter().for_each(|v| of_past[v.index()] = reads);
        }
        Follow { graph, floats, along, of_past, left: MOST_NODES, past: [codes, scale], nodes: Vec::new() }
    }

    /// Bytes and scales of a value that is the cache, or something new of its shape, or made of such by placing alone.
    pub(super) fn followed(&mut self, v: ValueId) -> Option<[ValueId; 2]> {
        if v == self.floats {
            return Some(self.past);
        }
        if !self.of_past[v.index()] {
            return self.shares_rows(v).then(|| self.fresh(v, self.along));
        }
        self.left = self.left.checked_sub(1)?;
        let node = self.graph.nodes.iter().find(|n| n.outputs.contains(&v))?.clone();
        match &node.op {
            Op::Map { expr } => {
                let &ExprOp::Select(_, a, b) = &expr.ops()[expr.result()] else { return None };
                let chosen = [expr.operand(a)?, expr.operand(b)?];
                let chooses =
                    (0..node.inputs.len()).filter(|n| !chosen.contains(n)).all(|n| self.is_for_rows(node.inputs[n]));
                let is_chosen = |ix| expr.operand(ix).is_some_and(|n| chosen.contains(&n));
                let computes = (0..expr.result()).any(|ix| expr.ops()[ix].operands().any(is_chosen));
                (chooses && !computes && a != b).then_some(())?;
                self.placed(&node, &chosen)
            }
            Op::Concat { axis } if *axis != self.along => {
                self.placed(&node, &(0..node.inputs.len()).collect::<Vec<_>>())
            }
            Op::Movement(Movement::Slice { start, step, len }) => {
                let [codes, scale] = self.followed(node.inputs[0])?;
                let whole = self.graph.ty(codes).shape[self.along];
                if (start[self.along], step[self.along], len[self.along]) != (0, 1, whole) {
                    return None;
                }
                let of_scales =
                    Movement::Slice { start: start.clone(), step: step.clone(), len: without(len, self.along) };
                Some([self.push(node.op.clone(), &[codes]), self.push(Op::Movement(of_scales), &[scale])])
            }
            Op::ScatterNd { kind: ScatterKind::Replace } => {
                let &[data, indices, updates] = node.inputs.as_slice() else { return None };
                let depth = *self.graph.ty(indices).shape.last()?;
                let fits = depth <= self.along && !self.of_past[indices.index()] && !self.of_past[updates.index()];
                fits.then_some(())?;
                let past = self.followed(data)?;
                let rows = self.graph.ty(updates).rank() - (self.graph.ty(data).rank() - self.along);
                let new = self.fresh(updates, rows);
                Some([0, 1].map(|i| self.push(node.op.clone(), &[past[i], indices, new[i]])))
            }
            _ => None,
        }
    }

    /// Something new, which gets scales of its own.
    pub(super) fn fresh(&mut self, v: ValueId, along: usize) -> [ValueId; 2] {
        let shape = self.graph.ty(v).shape.clone();
        quantized(&shape, along, v, &mut |op, inputs| self.push(op, inputs))
    }

    /// A node that places some of its operands, which is the same for bytes and for scales.
    fn placed(&mut self, node: &Node, operands: &[usize]) -> Option<[ValueId; 2]> {
        let mut inputs = [node.inputs.clone(), node.inputs.clone()];
        for &n in operands {
            let kept = self.followed(node.inputs[n])?;
            [inputs[0][n], inputs[1][n]] = kept;
        }
        Some(inputs.map(|inputs| self.push(node.op.clone(), &inputs)))
    }

    /// Whether a value has whole rows of the cache, so that scales can be told from it.
    fn shares_rows(&self, v: ValueId) -> bool {
        let (ty, past) = (self.graph.ty(v), self.graph.ty(self.floats));
        ty.dtype == DType::F32 && ty.rank() == past.rank() && ty.shape[self.along] == past.shape[self.along]
    }

    /// Whether a value says the same of all numbers of a row, without the cache.
    fn is_for_rows(&self, v: ValueId) -> bool {
        let shape = &self.graph.ty(v).shape;
        let behind = self.graph.ty(self.floats).rank() - self.along;
        let at = shape.len().checked_sub(behind);
        !self.of_past[v.index()] && at.is_none_or(|at| shape[at] == 1)
    }

    fn push(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        let types: Vec<&Type> = inputs.iter().map(|v| self.graph.ty(*v)).collect();
        let ty = infer(&op, &types).expect("bytes and scales are placed as floats are").remove(0);
        let name = self.graph.value(self.floats).name.clone();
        let v = self.graph.add_value(name, ty);
        self.nodes.push(Node { op, inputs: inputs.to_vec(), outputs: vec![v], origin: Vec::new() });
        v
    }
}
