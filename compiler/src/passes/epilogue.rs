//! Fuses what follows a convolution or matrix product into its epilogue: a bias, a residual that is written over its operand,
//! a clamp, a LeakyRelu.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::ir::{
    Activation, BinaryOp, DType, Epilogue, Evaluate, Expr, ExprIx, ExprOp, Graph, Node, Op, Scalar, ValueId,
};

use super::rewrite::{Rewriter, merge_origins, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    let ancestors = Ancestors::of(graph);
    rewrite(graph, evaluate, |rw, node| match fuse(rw, &node, &ancestors) {
        Some(new) => rw.put(new),
        None => rw.keep(node),
    })
}

/// The product with the Map that follows it as its epilogue.
fn fuse(rw: &Rewriter<'_>, map: &Node, ancestors: &Ancestors) -> Option<Node> {
    let Op::Map { expr } = &map.op else { return None };
    for &v in &map.inputs {
        let is_product = |p: &&Node| matches!(p.op, Op::Conv { .. } | Op::MatMul { .. });
        let Some(product) = rw.producer(v).filter(|_| rw.uses(v) == 1).filter(is_product) else { continue };
        let mut op = product.op.clone();
        let Some(old) = epilogue_mut(&mut op) else { continue };
        if rw.ty(v) != rw.ty(map.outputs[0]) || rw.ty(v).dtype != DType::F32 {
            continue;
        }
        let Some((epilogue, operand)) = extended(rw, *old, (expr, map), (product, v), ancestors) else { continue };
        *old = epilogue;
        let mut inputs = product.inputs.clone();
        match operand {
            // The bias stands before a residual.
            Some((Operand::Bias, b)) => inputs.insert(2, b),
            Some((Operand::Residual, r)) => inputs.push(r),
            None => {}
        }
        let origin = merge_origins(&product.origin, &map.origin);
        return Some(Node { op, inputs, outputs: map.outputs.clone(), origin });
    }
    None
}

#[derive(Clone, Copy)]
enum Operand {
    Bias,
    Residual,
}

/// The epilogue with a Map added, and the operand it brings.
fn extended(
    rw: &Rewriter<'_>,
    mut epilogue: Epilogue,
    (expr, map): (&Expr, &Node),
    (product, v): (&Node, ValueId),
    ancestors: &Ancestors,
) -> Option<(Epilogue, Option<(Operand, ValueId)>)> {
    if epilogue.activation != Activation::None {
        return None;
    }
    if map.inputs.len() == 1 {
        epilogue.activation = activation(expr)?;
        return Some((epilogue, None));
    }
    let [a, b] = *map.inputs.as_slice() else { return None };
    if *expr != Expr::of_binary(BinaryOp::Add) || epilogue.residual {
        return None;
    }
    let other = if a == v { b } else { a };
    let (ty, out) = (rw.ty(other), rw.ty(v));
    let columns = *out.shape.last()?;
    if !epilogue.bias && rw.data(other).is_some() && ty.elements() == columns && ty.shape.last() == Some(&columns) {
        // The shape `[1, .., n]` of a constant is the shape `[n]`; `fold_affine` has reshaped those it saw.
        epilogue.bias = true;
        return (ty.shape == [columns]).then_some((epilogue, Some((Operand::Bias, other))));
    }
    let replaceable = ty == out && rw.data(other).is_none() && ancestors.dies_at(other, product, map);
    epilogue.residual = true;
    replaceable.then_some((epilogue, Some((Operand::Residual, other))))
}

/// The epilogue of a product that passes extend.
pub(super) fn epilogue_mut(op: &mut Op) -> Option<&mut Epilogue> {
    if let Op::Conv { epilogue, .. } | Op::MatMul { epilogue } = op { Some(epilogue) } else { None }
}

/// The activation that an expression of one operand is.
fn activation(expr: &Expr) -> Option<Activation> {
    let root = expr.result();
    clamp(expr, root).or_else(|| leaky(expr, root))
}

fn constant(expr: &Expr, ix: ExprIx) -> Option<f32> {
    let ExprOp::Const(Scalar::F32(v)) = expr.ops()[ix] else { return None };
    Some(v)
}

fn is_input(expr: &Expr, ix: ExprIx) -> bool {
    matches!(expr.ops()[ix], ExprOp::Input(_))
}

/// The operand and the constant of a commutative operation with one.
fn with_constant(expr: &Expr, ix: ExprIx, op: BinaryOp) -> Option<(ExprIx, f32)> {
    let ExprOp::Binary(o, a, b) = expr.ops()[ix] else { return None };
    let constants = || constant(expr, b).map(|c| (a, c)).or_else(|| constant(expr, a).map(|c| (b, c)));
    (o == op).then(constants).flatten()
}

/// `min(max(x, lo), hi)`, or one of the two. A NaN bound makes every result NaN and is not a clamp.
fn clamp(expr: &Expr, root: ExprIx) -> Option<Activation> {
    let (inner, hi) = with_constant(expr, root, BinaryOp::Min).unwrap_or((root, f32::INFINITY));
    let (x, lo) = with_constant(expr, inner, BinaryOp::Max).unwrap_or((inner, f32::NEG_INFINITY));
    (x != root && is_input(expr, x) && lo <= hi).then_some(Activation::Clamp { lo, hi })
}

/// `x < 0 ? x * alpha : x`.
fn leaky(expr: &Expr, root: ExprIx) -> Option<Activation> {
    let ExprOp::Select(c, then, other) = expr.ops()[root] else { return None };
    let ExprOp::Binary(BinaryOp::Lt, x, zero) = expr.ops()[c] else { return None };
    let (scaled, alpha) = with_constant(expr, then, BinaryOp::Mul)?;
    let fits = is_input(expr, x) && scaled == x && other == x && constant(expr, zero) == Some(0.0);
    fits.then_some(Activation::Leaky { alpha })
}

/// Nodes that all questions of one graph together may look at; what is not answered within that counts as no.
const SEARCH: usize = 1 << 24;

/// Which values depend on which, as far as residuals need it.
///
/// Nothing is stored for pairs of nodes: each question walks back from one value to those that it asks for, no further than
/// to the earliest of them, and all walks together are bounded by [`SEARCH`].
pub(super) struct Ancestors {
    /// Per value: the node that makes it.
    makers: Vec<Option<usize>>,
    /// Per node: the nodes that make its operands.
    operands: Vec<Vec<usize>>,
    users: Vec<Vec<ValueId>>,
    pinned: Vec<bool>,
    /// Nodes that may still be looked at.
    budget: Cell<usize>,
}

impl Ancestors {
    pub(super) fn of(graph: &Graph) -> Ancestors {
        let count = graph.values.len();
        let makers = graph.producers();
        let mut operands = Vec::with_capacity(graph.nodes.len());
        let mut users = vec![Vec::new(); count];
        let mut pinned = vec![true; count];
        for node in &graph.nodes {
            let mut of: Vec<usize> = Vec::with_capacity(node.inputs.len());
            for i in &node.inputs {
                // A view of a value, or a Concat that holds it, may need its memory for longer than the value lives.
                pinned[i.index()] |= matches!(node.op, Op::Movement(_) | Op::Concat { .. });
                of.extend(makers[i.index()]);
                users[i.index()].extend(&node.outputs);
            }
            of.sort_unstable();
            of.dedup();
            operands.push(of);
            for o in &node.outputs {
                // Only what a node computes into memory of its own can be written over.
                pinned[o.index()] = matches!(node.op, Op::Movement(_));
            }
        }
        graph.outputs.iter().for_each(|o| pinned[o.value.index()] = true);
        Ancestors { makers, operands, users, pinned, budget: Cell::new(SEARCH) }
    }

    /// Whether all other readers of `v` run before `product` in every order, so that its memory can be written over there.
    pub(super) fn dies_at(&self, v: ValueId, product: &Node, map: &Node) -> bool {
        let (Some(false), Some(users)) = (self.pinned.get(v.index()), self.users.get(v.index())) else { return false };
        let Some(target) = self.makers.get(product.inputs[0].index()) else { return false };
        let others = users.iter().filter(|&&u| u != map.outputs[0]).map(|u| self.makers[u.index()]);
        let Some(others) = others.collect::<Option<BTreeSet<usize>>>() else { return false };
        match target {
            _ if others.is_empty() => true,
            Some(target) => self.leads_to(others, *target),
            None => false,
        }
    }

    /// Whether the result of node `target` depends on all of the nodes `wanted`, itself among them.
    fn leads_to(&self, mut wanted: BTreeSet<usize>, target: usize) -> bool {
        // Operands stand before their users, so the latest node seen is looked at next and none before the earliest wanted.
        let mut open = BTreeSet::from([target]);
        while let (Some(&first), Some(node)) = (wanted.first(), open.pop_last()) {
            let cost = 1 + self.operands[node].len();
            let Some(left) = self.budget.get().checked_sub(cost) else { return false };
            self.budget.set(left);
            if wanted.last().is_some_and(|&last| last > node) {
                return false;
            }
            wanted.remove(&node);
            open.extend(self.operands[node].iter().copied().filter(|&n| n >= first));
        }
        wanted.is_empty()
    }
}
