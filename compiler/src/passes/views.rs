//! Merges reshapes, and turns transposes that move only unit dimensions into reshapes, which cost nothing.

use crate::ir::{Evaluate, Graph, Movement, Op};

use super::rewrite::rewrite;

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    rewrite(graph, evaluate, |rw, node| {
        let Op::Movement(m) = &node.op else { return rw.keep(node) };
        let x = node.inputs[0];
        let moves_nothing = match m {
            Movement::Reshape { .. } => true,
            Movement::Transpose { perm } => {
                let shape = &rw.ty(x).shape;
                let kept: Vec<usize> = perm.iter().copied().filter(|&d| shape[d] != 1).collect();
                kept.is_sorted()
            }
            Movement::Expand { .. } => rw.ty(x).elements() == rw.ty(node.outputs[0]).elements(),
            Movement::Slice { .. } | Movement::Pad { .. } => false,
        };
        let source = rw.reshaped(x).unwrap_or(x);
        let is_merged_reshape =
            matches!(m, Movement::Reshape { .. }) && source == x && rw.ty(x).shape != rw.ty(node.outputs[0]).shape;
        if !moves_nothing || is_merged_reshape {
            return rw.keep(node);
        }
        let out = node.outputs[0];
        let (shape, name) = (rw.ty(out).shape.clone(), rw.name(out));
        let v = rw.reshape(source, &shape, &node.origin, &name);
        rw.alias(out, v);
    })
}
