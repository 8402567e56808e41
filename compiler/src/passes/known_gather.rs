//! Turns a Gather whose indices are constants, evenly spaced, into a slice: that is often a view, and never fails.

use crate::ir::{Evaluate, Graph, Movement, Node, Op};

use super::rewrite::{Rewriter, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        let Op::Gather { axis } = node.op else { return rw.keep(node) };
        let Some(movement) = sliced(rw, &node, axis) else { return rw.keep(node) };
        let out = node.outputs[0];
        let (shape, name) = (rw.ty(out).shape.clone(), rw.name(out));
        let v = rw.emit(Op::Movement(movement), &node.inputs[..1], &node.origin, &name);
        let v = rw.reshape(v, &shape, &node.origin, &name);
        rw.alias(out, v);
    })
}

/// The slice that a Gather is.
fn sliced(rw: &Rewriter<'_>, node: &Node, axis: usize) -> Option<Movement> {
    let shape = &rw.ty(node.inputs[0]).shape;
    let len = i64::try_from(shape[axis]).ok()?;
    let indices = rw.data(node.inputs[1])?.to_i64s()?;
    let from_start = |&i: &i64| if i < 0 { i.checked_add(len) } else { Some(i) }.filter(|i| (0..len).contains(i));
    let indices: Vec<i64> = indices.iter().map(from_start).collect::<Option<_>>()?;
    let step = indices.get(1).map_or(1, |second| second - indices[0]);
    let &first = indices.first()?;
    if step == 0 || indices.windows(2).any(|w| w[1] - w[0] != step) {
        return None;
    }
    let (mut start, mut steps, mut lens) = (vec![0; shape.len()], vec![1; shape.len()], shape.clone());
    start[axis] = usize::try_from(first).ok()?;
    steps[axis] = isize::try_from(step).ok()?;
    lens[axis] = indices.len();
    Some(Movement::Slice { start, step: steps, len: lens })
}
