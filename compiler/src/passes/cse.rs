//! Computes equal things once, and keeps equal constants once.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::ir::{Evaluate, Graph, ValueId};

use super::rewrite::rewrite;

pub(super) fn run(graph: &mut Graph, evaluate: &dyn Evaluate) -> bool {
    let constants = share_constants(graph);
    // Operators by their number: there are far fewer than nodes.
    let mut operators: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen: BTreeMap<(usize, Vec<ValueId>), Vec<ValueId>> = BTreeMap::new();
    let nodes = rewrite(graph, evaluate, |rw, node| {
        // What graphs compute is not compared.
        if !node.op.graphs().is_empty() {
            return rw.keep(node);
        }
        // The debug form of an operator holds all of its parameters.
        let next = operators.len();
        let operator = *operators.entry(format!("{:?}", node.op)).or_insert(next);
        let key = (operator, node.inputs.clone());
        match seen.get(&key) {
            Some(outputs) => node.outputs.iter().zip(outputs).for_each(|(&old, &new)| rw.alias(old, new)),
            None => {
                seen.insert(key, node.outputs.clone());
                rw.keep(node);
            }
        }
    });
    constants || nodes
}

/// Lets nodes read the first of several equal constants.
fn share_constants(graph: &mut Graph) -> bool {
    let mut seen = BTreeMap::new();
    let mut first: Vec<ValueId> = (0..graph.values.len() as u32).map(ValueId).collect();
    for (i, value) in graph.values.iter().enumerate() {
        if let Some(t) = &value.data {
            let key = (format!("{}", t.ty()), <[u8; 32]>::from(Sha256::digest(t.data())));
            first[i] = *seen.entry(key).or_insert(ValueId(i as u32));
            if let Some(stored) = graph.stored.get(&ValueId(i as u32)).cloned() {
                graph.stored.entry(first[i]).or_insert(stored);
            }
        }
    }
    let mut changed = false;
    for v in graph.nodes.iter_mut().flat_map(|n| n.inputs.iter_mut()) {
        changed |= first[v.index()] != *v;
        *v = first[v.index()];
    }
    changed
}
