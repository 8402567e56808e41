//! Brings the condition `positions == position` into the expression that replaces one row of a state: a Map that tells by
//! itself which row it writes can be a write of that row alone.

use std::collections::BTreeSet;

use crate::ir::{BinaryOp, Evaluate, Expr, ExprOp, Graph, Node, Op, ValueId};

use super::rewrite::{Rewriter, merge_origins, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    let targets: BTreeSet<ValueId> = graph.states.iter().map(|s| graph.outputs[s.output].value).collect();
    rewrite(graph, evaluate, |rw, node| {
        let inlined = if node.outputs.iter().any(|o| targets.contains(o)) { inlined(rw, &node) } else { None };
        match inlined {
            Some(new) => rw.put(new),
            None => rw.keep(node),
        }
    })
}

/// `select(positions == position, new, old)` as one expression.
fn inlined(rw: &mut Rewriter<'_>, node: &Node) -> Option<Node> {
    let Op::Map { expr } = &node.op else { return None };
    let ExprOp::Select(c, a, b) = expr.ops()[expr.result()] else { return None };
    let operand = |ix: usize| expr.operand(ix).map(|n| node.inputs[n]);
    let (mask, new, old) = (operand(c)?, operand(a)?, operand(b)?);
    let comparison = rw.producer(rw.unshaped(mask))?.clone();
    let [x, y] = *comparison.inputs.as_slice() else { return None };
    if comparison.op != (Op::Map { expr: Expr::of_binary(BinaryOp::Eq) }) {
        return None;
    }
    let (positions, position) = if rw.data(x).is_some() { (x, y) } else { (y, x) };
    let shape = rw.ty(mask).shape.clone();
    let fits = rw.data(positions).is_some()
        && rw.ty(positions).elements() == rw.ty(mask).elements()
        && rw.ty(position).elements() == 1
        && rw.ty(position).rank() <= shape.len();
    if !fits {
        return None;
    }
    let name = rw.name(positions);
    let positions = rw.reshape(positions, &shape, &comparison.origin, &name);
    let mut e = Expr::new();
    let inputs: Vec<usize> = (0..4).map(|n| e.input(n)).collect();
    let is_there = e.binary(BinaryOp::Eq, inputs[0], inputs[1]);
    let result = e.select(is_there, inputs[2], inputs[3]);
    Some(Node {
        op: Op::Map { expr: e.finish(result) },
        inputs: vec![positions, position, new, old],
        outputs: node.outputs.clone(),
        origin: merge_origins(&comparison.origin, &node.origin),
    })
}
