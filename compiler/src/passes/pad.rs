//! Folds a border of zeros into the padding of the convolution that reads it.

use crate::ir::{Evaluate, Graph, Movement, Node, Op};

use super::rewrite::{Rewriter, rewrite};

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        if !fold(rw, &node) {
            rw.keep(node);
        }
    })
}

fn fold(rw: &mut Rewriter<'_>, node: &Node) -> bool {
    let Op::Conv { window, groups, epilogue } = &node.op else { return false };
    let Some(Node { op: Op::Movement(Movement::Pad { before, after, value }), inputs, .. }) =
        rw.producer(node.inputs[0])
    else {
        return false;
    };
    let outside_map = before[0] + after[0] + before[3] + after[3];
    if value.bits() != 0 || outside_map != 0 {
        return false;
    }
    let mut window = window.clone();
    for axis in 0..2 {
        window.pad_begin[axis] += before[axis + 1];
        window.pad_end[axis] += after[axis + 1];
    }
    let op = Op::Conv { window, groups: *groups, epilogue: *epilogue };
    let mut operands = node.inputs.clone();
    operands[0] = inputs[0];
    rw.put(Node { op, inputs: operands, ..node.clone() });
    true
}
