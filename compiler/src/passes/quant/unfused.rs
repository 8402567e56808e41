//! Which quantized operators are left in floats, and why: for people, who can mend the model.

use std::collections::BTreeMap;

use crate::ir::{DType, Graph, Node, Op, StaysFloat, Stored, ValueId};

use super::pattern;

/// Why products could not be proved, by the value that they make.
pub(super) type Reasons = BTreeMap<ValueId, String>;

/// Notes every float operator that reads dequantized bytes.
pub(super) fn note(graph: &mut Graph, reasons: &Reasons) {
    let bytes = dequantized(graph);
    let (users, is_output) = (graph.users(), graph.output_values());
    let found = graph.nodes.iter().filter(|n| n.op.properties().computes && graph.ty(n.outputs[0]).dtype == DType::F32);
    let stays = |n: &Node| {
        // Weights in bytes are of products alone.
        let operand = bytes.get(n.inputs[0].index()).copied().unwrap_or(false);
        let weights = n.inputs.get(1).is_some_and(|w| graph.stored.get(w).is_some_and(Stored::is_scaled));
        let reason = match reasons.get(&n.outputs[0]) {
            Some(reason) => reason.clone(),
            None if !operand && weights => "its operand is not quantized: only its weights are".to_string(),
            None if !operand => return None,
            None => unread(graph, n, &users[n.outputs[0].index()], is_output[n.outputs[0].index()]),
        };
        Some(StaysFloat { origin: n.origin.clone(), reason })
    };
    let stays: Vec<StaysFloat> = found.filter_map(stays).collect();
    graph.stays_float = stays;
}

/// For each value, whether it is dequantized bytes.
fn dequantized(graph: &Graph) -> Vec<bool> {
    let mut found = vec![false; graph.values.len()];
    for node in &graph.nodes {
        if let (Op::Map { expr }, &[x]) = (&node.op, node.inputs.as_slice())
            && pattern::is_level(graph.ty(x).dtype)
            && pattern::dequantize(expr, expr.result()).is_some()
        {
            found[node.outputs[0].index()] = true;
        }
    }
    found
}

/// Why the result of an operator that reads bytes does not become bytes.
fn unread(graph: &Graph, node: &Node, readers: &[usize], is_output: bool) -> String {
    if is_output {
        return "its result is an output of the model in floats".into();
    }
    // Once per operand.
    let mut readers = readers.to_vec();
    readers.dedup();
    match *readers.as_slice() {
        [reader] if matches!(&graph.nodes[reader].op, Op::Map { expr } if pattern::quantize(expr).is_some()) => {
            format!("{} has no form on bytes", node.op.name())
        }
        [_] => "its result is not quantized to 8 or 16 bits with a constant scale".into(),
        [] => "nobody reads its result".into(),
        ref many => format!("its result has {} readers", many.len()),
    }
}
