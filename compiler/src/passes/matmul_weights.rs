//! Moves what stands before a matrix product with constant weights into the weights: the order in which a channels-last map
//! is flattened becomes the order of the weights' rows.

use crate::ir::{Evaluate, Graph, Node, Op};

use super::rewrite::{Rewriter, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        if !(matches!(node.op, Op::MatMul { .. }) && reorder_rows(rw, &node)) {
            rw.keep(node);
        }
    })
}

/// `matmul(reshape(transpose(x)), w)` where the reshape flattens the dimensions that move: reorders the rows of `w` instead.
fn reorder_rows(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let (a, w) = (node.inputs[0], node.inputs[1]);
    let Some((source, perm)) = rw.reshaped(a).and_then(|r| rw.transposed(r)) else { return false };
    if rw.data(w).is_none() || rw.ty(w).rank() != 2 {
        return false;
    }
    let [k, n] = [rw.ty(w).shape[0], rw.ty(w).shape[1]];
    let from = rw.ty(source).shape.clone();
    let moved: Vec<usize> = perm.iter().map(|&p| from[p]).collect();
    // The dimensions from `first` on are the ones that are flattened into a row.
    let Some(first) = (0..moved.len()).find(|&d| moved[d..].iter().product::<usize>() == k && stays(&perm, &from, d))
    else {
        return false;
    };
    let tail: Vec<usize> = moved[first..].to_vec();
    // Within the tail, dimension i of the row stands at perm[first + i] of the source.
    let mut order: Vec<usize> = (first..perm.len()).collect();
    order.sort_by_key(|&d| perm[d]);
    let back: Vec<usize> = order.iter().map(|d| d - first).chain([tail.len()]).collect();
    let name = rw.name(w);
    let wide: Vec<usize> = tail.iter().copied().chain([n]).collect();
    let wide = rw.reshape(w, &wide, &node.origin, &name);
    let wide = rw.transpose(wide, &back, &node.origin, &name);
    let reordered = rw.reshape(wide, &[k, n], &node.origin, &name);
    // Blocks of weights that share a scale would be torn apart: then the row is what moves.
    if rw.graph.stored.contains_key(&w) && !rw.graph.stored.contains_key(&reordered) {
        return false;
    }
    let shape = rw.ty(a).shape.clone();
    let a = rw.reshape(source, &shape, &node.origin, &name);
    let mut inputs = node.inputs.clone();
    (inputs[0], inputs[1]) = (a, reordered);
    rw.put(Node { inputs, ..node.clone() });
    true
}

/// Whether the dimensions before `first` keep their order and stay before all others (unit ones may move).
fn stays(perm: &[usize], from: &[usize], first: usize) -> bool {
    let head: Vec<usize> = perm[..first].iter().copied().filter(|&d| from[d] != 1).collect();
    let tail_min = perm[first..].iter().copied().filter(|&d| from[d] != 1).min();
    head.is_sorted() && head.last().is_none_or(|&h| tail_min.is_none_or(|t| h < t))
}
