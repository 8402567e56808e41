//! Removes nodes whose results nobody needs.

use crate::ir::{Evaluate, Graph};

pub(super) fn run(graph: &mut Graph, _: &dyn Evaluate) -> bool {
    let mut needed = vec![false; graph.values.len()];
    graph.outputs.iter().for_each(|o| needed[o.value.index()] = true);
    let before = graph.nodes.len();
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|o| needed[o.index()]) {
            node.inputs.iter().for_each(|i| needed[i.index()] = true);
        }
    }
    graph.nodes.retain(|node| node.outputs.iter().any(|o| needed[o.index()]));
    // Constants that nothing reads need not keep their bytes.
    for (value, needed) in graph.values.iter_mut().zip(&needed) {
        if !needed {
            value.data = None;
        }
    }
    graph.stored.retain(|v, _| needed[v.index()]);
    graph.nodes.len() != before
}
