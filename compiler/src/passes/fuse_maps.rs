//! Fuses chains of Maps: the expression of the one that is read replaces its operand in the one that reads it.

use crate::ir::{DType, Evaluate, Expr, Graph, Node, Op, ValueId};

use super::rewrite::{Rewriter, merge_origins, rewrite};
use super::scalars::simplify;

/// Operands of a fused Map: what the runtime's kernel takes.
const MAX_OPERANDS: usize = 6;
/// Operations of a fused expression: keeps emitted closures readable.
const MAX_OPS: usize = 64;

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, mut node| {
        let mut fused = false;
        while let Some(next) = fuse_one(rw, &node) {
            node = next;
            fused = true;
        }
        if fused { rw.put(node) } else { rw.keep(node) }
    })
}

/// The node with the first operand that can be fused replaced by its expression.
fn fuse_one(rw: &Rewriter<'_>, node: &Node) -> Option<Node> {
    let Op::Map { expr: outer } = &node.op else { return None };
    let shape = &rw.ty(node.outputs[0]).shape;
    for (at, &v) in node.inputs.iter().enumerate() {
        let Some(Node { op: Op::Map { expr: inner }, inputs, origin, .. }) = rw.producer(v) else { continue };
        // What widens bytes is computed by each of its readers rather than kept.
        let widens = inputs.iter().all(|&i| rw.ty(i).bytes() * 4 <= rw.ty(v).bytes() && rw.ty(i).shape == *shape);
        if (rw.uses(v) != 1 && !widens) || rw.ty(v).shape != *shape || fallible(rw, inner, inputs) {
            continue;
        }
        let (expr, operands) = substitute(outer, &node.inputs, at, inner, inputs);
        let (expr, operands) = simplify(rw, &expr, &operands, node.outputs[0]);
        if operands.len() <= MAX_OPERANDS && expr.ops().len() <= MAX_OPS {
            let origin = merge_origins(origin, &node.origin);
            return Some(Node { op: Op::Map { expr }, inputs: operands, outputs: node.outputs.clone(), origin });
        }
    }
    None
}

/// An integer division stays a step of its own, so that its failure is reported for its node.
fn fallible(rw: &Rewriter<'_>, expr: &Expr, inputs: &[ValueId]) -> bool {
    let types: Vec<DType> = inputs.iter().map(|&i| rw.ty(i).dtype).collect();
    expr.is_fallible(&types)
}

/// `outer` with its operand `at` replaced by `inner`; the operands of both, one after the other (`at` is no longer read).
fn substitute(
    outer: &Expr,
    outer_inputs: &[ValueId],
    at: usize,
    inner: &Expr,
    inner_inputs: &[ValueId],
) -> (Expr, Vec<ValueId>) {
    let mut expr = Expr::new();
    let count = outer_inputs.len();
    let operands = [outer_inputs, inner_inputs].concat();
    let places: Vec<usize> = (0..operands.len()).map(|n| expr.input(n)).collect();
    let replaced = expr.splice(inner, |n| places[count + n]);
    let result = expr.splice(outer, |n| if n == at { replaced } else { places[n] });
    (expr.finish(result), operands)
}
