//! Moves transposes, and reshapes that only add or drop unit dimensions, behind the operators that read them, until they
//! meet their inverse or an output: maps of a channels-last convolution then stay channels-last.

use crate::ir::{Dims, Evaluate, Graph, Movement, Node, Op, ValueId};

use super::rewrite::{Rewriter, inverse, is_identity, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        let handled = match node.op.properties().dims {
            Dims::Free => map_of_transposes(rw, &node) || map_of_reshapes(rw, &node),
            Dims::Named => axes_of_transposes(rw, &node),
            Dims::Dropped => reduce_of_transpose(rw, &node),
            Dims::Fixed => merge_transposes(rw, &node) || reshape_of_transpose(rw, &node),
        };
        if !handled {
            rw.keep(node);
        }
    })
}

/// A transpose of a transpose is one transpose, or none.
fn merge_transposes(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let Op::Movement(Movement::Transpose { perm }) = &node.op else { return false };
    let (source, perm) = match rw.transposed(node.inputs[0]) {
        Some((source, inner)) => (source, perm.iter().map(|&p| inner[p]).collect()),
        None if is_identity(perm) => (node.inputs[0], perm.clone()),
        None => return false,
    };
    let name = rw.name(node.outputs[0]);
    let v = rw.transpose(source, &perm, &node.origin, &name);
    rw.alias(node.outputs[0], v);
    true
}

/// Dimensions of `shape` that are not 1.
fn non_unit(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).filter(|&d| shape[d] != 1).collect()
}

/// `reshape(transpose(x))` that only adds or drops unit dimensions is `transpose(reshape(x))`.
fn reshape_of_transpose(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let Op::Movement(Movement::Reshape { .. }) = node.op else { return false };
    let Some((source, perm)) = rw.transposed(node.inputs[0]) else { return false };
    let (from, to) = (rw.ty(node.inputs[0]).shape.clone(), rw.ty(node.outputs[0]).shape.clone());
    let (units_from, units_to) = (non_unit(&from), non_unit(&to));
    if units_from.len() != units_to.len() || units_from.iter().zip(&units_to).any(|(&a, &b)| from[a] != to[b]) {
        return false;
    }
    // Dimensions of the result: the units first, then the others as they follow each other in the source.
    let mut order: Vec<usize> = (0..to.len()).filter(|d| !units_to.contains(d)).collect();
    let mut others: Vec<usize> = (0..units_to.len()).collect();
    others.sort_by_key(|&i| perm[units_from[i]]);
    order.extend(others.iter().map(|&i| units_to[i]));
    let name = rw.name(node.outputs[0]);
    let shape: Vec<usize> = order.iter().map(|&d| to[d]).collect();
    let reshaped = rw.reshape(source, &shape, &node.origin, &name);
    let v = rw.transpose(reshaped, &inverse(&order), &node.origin, &name);
    rw.alias(node.outputs[0], v);
    true
}

/// An operand of a node on transposed operands, as it would be before the transpose `perm`.
fn before_transpose(rw: &Rewriter<'_>, v: ValueId, perm: &[usize]) -> Option<Before> {
    if let Some((source, p)) = rw.transposed(v)
        && p == perm
    {
        return Some(Before::Source(source));
    }
    let shape = &rw.ty(v).shape;
    let free = {
        // Moving it back moves unit dimensions only.
        let padded: Vec<usize> =
            std::iter::repeat_n(1, perm.len().saturating_sub(shape.len())).chain(shape.iter().copied()).collect();
        let inv = inverse(perm);
        let kept: Vec<usize> = inv.iter().copied().filter(|&d| padded.get(d) != Some(&1)).collect();
        kept.is_sorted()
    };
    (shape.len() <= perm.len() && (rw.data(v).is_some() || free)).then_some(Before::Moved)
}

enum Before {
    /// The operand of the transpose.
    Source(ValueId),
    /// Another value, to be transposed back.
    Moved,
}

/// All operands as they would be before the transpose `perm`, or `None` where one of them would have to be moved.
fn operands_before(rw: &mut Rewriter<'_>, node: &Node, perm: &[usize]) -> Option<Vec<ValueId>> {
    let plan: Vec<Before> = node.inputs.iter().map(|&v| before_transpose(rw, v, perm)).collect::<Option<_>>()?;
    let inv = inverse(perm);
    let move_back = |rw: &mut Rewriter<'_>, v: ValueId| {
        let shape = rw.ty(v).shape.clone();
        if shape.iter().all(|&d| d == 1) {
            return v;
        }
        let padded: Vec<usize> =
            std::iter::repeat_n(1, perm.len() - shape.len()).chain(shape.iter().copied()).collect();
        let name = rw.name(v);
        let wide = rw.reshape(v, &padded, &node.origin, &name);
        rw.transpose(wide, &inv, &node.origin, &name)
    };
    Some(
        plan.into_iter()
            .zip(&node.inputs)
            .map(|(b, &v)| match b {
                Before::Source(s) => s,
                Before::Moved => move_back(rw, v),
            })
            .collect(),
    )
}

/// The permutation of the first operand that is transposed and has the rank of the result.
fn leading_transpose(rw: &Rewriter<'_>, node: &Node) -> Option<Vec<usize>> {
    let rank = rw.ty(node.outputs[0]).rank();
    node.inputs.iter().find_map(|&v| rw.transposed(v)).map(|(_, p)| p).filter(|p| p.len() == rank)
}

/// Puts a node's operator before the transpose and gives the node's readers the transposed result.
fn transpose_after(rw: &mut Rewriter<'_>, node: &Node, op: Op, inputs: &[ValueId], perm: &[usize]) -> bool {
    let name = rw.name(node.outputs[0]);
    let v = rw.emit(op, inputs, &node.origin, &name);
    let v = rw.transpose(v, perm, &node.origin, &name);
    rw.alias(node.outputs[0], v);
    true
}

fn map_of_transposes(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let Some(perm) = leading_transpose(rw, node) else { return false };
    match operands_before(rw, node, &perm) {
        Some(inputs) => transpose_after(rw, node, node.op.clone(), &inputs, &perm),
        None => false,
    }
}

/// Operators that name dimensions: they name the others.
fn axes_of_transposes(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let Some(perm) = leading_transpose(rw, node) else { return false };
    let inv = inverse(&perm);
    let mut op = node.op.clone();
    if let Op::Concat { axis } | Op::Softmax { axis, .. } | Op::Cumulative { axis, .. } = &mut op {
        *axis = perm[*axis];
    } else if let Op::Movement(Movement::Pad { before, after, .. }) = &mut op {
        [before, after].into_iter().for_each(|list| *list = inv.iter().map(|&d| list[d]).collect());
    } else if let Op::Movement(Movement::Slice { start, step, len }) = &mut op {
        [start, len].into_iter().for_each(|list| *list = inv.iter().map(|&d| list[d]).collect());
        *step = inv.iter().map(|&d| step[d]).collect();
    } else {
        return false;
    }
    let same_rank = node.inputs.iter().all(|&v| rw.ty(v).rank() == perm.len());
    match operands_before(rw, node, &perm).filter(|_| same_rank) {
        // Unlike a Map, these do not broadcast: operands of unit dimensions were left as they are.
        Some(inputs) if inputs.iter().all(|&v| rw.ty(v).rank() == perm.len()) => {
            transpose_after(rw, node, op, &inputs, &perm)
        }
        _ => false,
    }
}

fn reduce_of_transpose(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let Op::Reduce { kind, axes } = &node.op else { return false };
    let Some((source, perm)) = rw.transposed(node.inputs[0]) else { return false };
    let mut moved: Vec<usize> = axes.iter().map(|&a| perm[a]).collect();
    moved.sort_unstable();
    // What remains, as the result and as the new operator has it.
    let result: Vec<usize> = (0..perm.len()).filter(|d| !axes.contains(d)).map(|d| perm[d]).collect();
    let mut kept = result.clone();
    kept.sort_unstable();
    let back: Vec<usize> = result.iter().map(|d| kept.binary_search(d).expect("the same dimensions")).collect();
    let op = Op::Reduce { kind: *kind, axes: moved };
    transpose_after(rw, node, op, &[source], &back)
}

/// `map(reshape(x), ..)` where the reshape only adds or drops unit dimensions is `reshape(map(x, ..))`.
fn map_of_reshapes(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let out = rw.ty(node.outputs[0]).shape.clone();
    let lead = node.inputs.iter().find_map(|&v| {
        let source = rw.reshaped(v)?;
        let from = &rw.ty(source).shape;
        let dims = |s: &[usize]| non_unit(s).into_iter().map(|d| s[d]).collect::<Vec<_>>();
        (rw.ty(v).shape == out && dims(from) == dims(&out)).then(|| from.clone())
    });
    let Some(from) = lead.filter(|f| *f != out) else { return false };
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for &v in &node.inputs {
        let shape = rw.ty(v).shape.clone();
        let source = rw.reshaped(v).filter(|&s| rw.ty(s).shape == from && shape == out);
        match source {
            Some(s) => inputs.push(s),
            None if shape.iter().all(|&d| d == 1) => inputs.push(v),
            None if rw.data(v).is_some() => {
                let wide: Vec<usize> =
                    std::iter::repeat_n(1, out.len() - shape.len()).chain(shape.iter().copied()).collect();
                let mut moved = vec![1; from.len()];
                non_unit(&from).into_iter().zip(non_unit(&out)).for_each(|(f, o)| moved[f] = wide[o]);
                let name = rw.name(v);
                inputs.push(rw.reshape(v, &moved, &node.origin, &name));
            }
            None => return false,
        }
    }
    let name = rw.name(node.outputs[0]);
    let v = rw.emit(node.op.clone(), &inputs, &node.origin, &name);
    let v = rw.reshape(v, &out, &node.origin, &name);
    rw.alias(node.outputs[0], v);
    true
}
