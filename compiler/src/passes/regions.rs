//! Graphs within nodes: constants of the graph around go into them, and what nobody reads is neither captured nor computed.
//!
//! All passes run on graphs within before they run on the graph around; what becomes constant there later goes in too, and is folded
//! no more.

use crate::ir::{Evaluate, Graph, LowBit, Node, Op};

/// Runs all passes on the graphs within the nodes of a graph.
pub(super) fn optimize(graph: &mut Graph, evaluate: &dyn Evaluate, low_bit: LowBit) {
    bind(graph);
    for within in graph.nodes.iter_mut().flat_map(|n| n.op.graphs_mut()) {
        super::run_with(within, evaluate, low_bit, |_, _| {});
    }
    // They may read less than before.
    bind(graph);
}

/// Binds constants within, and drops what is not read.
pub(super) fn bind(graph: &mut Graph) {
    if graph.nodes.iter().all(|n| n.op.graphs().is_empty()) {
        return;
    }
    let mut nodes = std::mem::take(&mut graph.nodes);
    for node in nodes.iter_mut().filter(|n| !n.op.graphs().is_empty()) {
        captured(graph, node);
    }
    graph.nodes = nodes;
    let mut read = graph.output_values();
    graph.nodes.iter().flat_map(|n| &n.inputs).for_each(|v| read[v.index()] = true);
    for node in graph.nodes.iter_mut().filter(|n| !n.op.graphs().is_empty()) {
        results(node, &read);
    }
}

/// The operands of a node that its graphs capture: the first one, and the input that it is within.
fn first_captured(op: &Op) -> [usize; 2] {
    if let Op::Loop(l) = op {
        let within = l.carried + l.scanned;
        [usize::from(l.conditional) + within, 1 + within]
    } else {
        [1, 0]
    }
}

fn captured(graph: &Graph, node: &mut Node) {
    let [first, first_within] = first_captured(&node.op);
    let is_read = |g: &Graph, k: usize| {
        let v = g.inputs[first_within + k];
        g.is_output(v) || g.nodes.iter().any(|n| n.inputs.contains(&v))
    };
    for k in (0..node.inputs.len() - first).rev() {
        let v = node.inputs[first + k];
        let data = graph.data(v).cloned();
        if data.is_none() && node.op.graphs().iter().any(|g| is_read(g, k)) {
            continue;
        }
        node.inputs.remove(first + k);
        for within in node.op.graphs_mut() {
            let input = within.inputs.remove(first_within + k);
            within.values[input.index()].data.clone_from(&data);
            within.stored.extend(graph.stored.get(&v).cloned().map(|s| (input, s)));
        }
    }
}

/// Drops results of branches, and stacks of loops, that nobody reads; one is kept.
fn results(node: &mut Node, read: &[bool]) {
    let (first, behind, shift) = if let Op::Loop(l) = &node.op {
        (l.carried, l.carried + l.stacks(), usize::from(l.conditional))
    } else {
        (0, node.outputs.len(), 0)
    };
    for k in (first..behind).rev() {
        if !read[node.outputs[k].index()] && node.outputs.len() > 1 {
            node.outputs.remove(k);
            node.op.graphs_mut().into_iter().for_each(|g| _ = g.outputs.remove(shift + k));
        }
    }
}
