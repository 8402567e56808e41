//! Fuses chains of Maps: the expression of the one that is read replaces its operand in the one that reads it.
//!
//! Each fusion replaces an operand by ones that are made earlier (some of which may go away), so the operands' positions, the
//! latest first, fall in the order of words: the fusions into one Map end.

use crate::ir::{DType, Evaluate, Expr, Graph, Node, Op, ValueId};

use super::rewrite::{Rewriter, descend, merge_origins, rewrite};
use super::scalars::simplify;

/// Operands of a fused Map: what the runtime's kernel takes.
const MAX_OPERANDS: usize = 6;
/// Operations of a fused expression: keeps emitted closures readable.
const MAX_OPS: usize = 64;

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| match descend(&node, |n| positions(rw, n), |n| fuse_one(rw, n)) {
        Some(fused) => rw.put_instead(fused, &node),
        None => rw.keep(node),
    })
}

/// How late the operands of a node are made, the latest first.
fn positions(rw: &Rewriter<'_>, node: &Node) -> Vec<usize> {
    let mut all: Vec<usize> = node.inputs.iter().map(|&v| rw.position(v)).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all
}

/// The node with the first operand that can be fused replaced by its expression.
fn fuse_one(rw: &Rewriter<'_>, node: &Node) -> Option<Node> {
    let Op::Map { expr: outer } = &node.op else { return None };
    let shape = &rw.ty(node.outputs[0]).shape;
    for &v in &node.inputs {
        let Some(Node { op: Op::Map { expr: inner }, inputs, origin, .. }) = rw.producer(v) else { continue };
        // What widens bytes is computed by each of its readers rather than kept.
        let widens = inputs.iter().all(|&i| rw.ty(i).bytes() * 4 <= rw.ty(v).bytes() && rw.ty(i).shape == *shape);
        if (rw.uses(v) != 1 && !widens) || rw.ty(v).shape != *shape || fallible(rw, inner, inputs) {
            continue;
        }
        let (expr, operands) = substitute(outer, &node.inputs, v, inner, inputs);
        let (expr, operands) = simplify(rw, &expr, &operands, node.outputs[0]);
        // Where nothing else has the result's shape, what is no longer read still has to give it: nothing is gained.
        if operands.len() <= MAX_OPERANDS && expr.ops().len() <= MAX_OPS && !operands.contains(&v) {
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

/// `outer` with its operand `v` replaced by `inner`; the operands of both, one after the other (`v` is no longer read).
fn substitute(
    outer: &Expr,
    outer_inputs: &[ValueId],
    v: ValueId,
    inner: &Expr,
    inner_inputs: &[ValueId],
) -> (Expr, Vec<ValueId>) {
    let mut expr = Expr::new();
    let count = outer_inputs.len();
    let operands = [outer_inputs, inner_inputs].concat();
    let places: Vec<usize> = (0..operands.len()).map(|n| expr.input(n)).collect();
    let replaced = expr.splice(inner, |n| places[count + n]);
    let result = expr.splice(outer, |n| if outer_inputs[n] == v { replaced } else { places[n] });
    (expr.finish(result), operands)
}
