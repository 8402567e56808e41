//! States: an output that takes the place of an input while it is computed, and rings that lie where they are read.

use std::collections::{BTreeMap, BTreeSet};

use super::{Around, Part};
use crate::ir::{Node, Op, Overwrites, ValueId};

/// Where states lie.
#[derive(Debug, Default)]
pub(crate) struct States {
    /// New values that are computed over the old ones: the output's value and the input.
    pub(crate) over: BTreeMap<ValueId, ValueId>,
    /// Rings that lie in the result of the Concat that reads them: the input and the result.
    pub(crate) within: BTreeMap<ValueId, ValueId>,
}

impl States {
    pub(super) fn of(around: &Around<'_>, parts: &BTreeMap<ValueId, Part>) -> States {
        let graph = around.graph;
        let mut states = States::default();
        for &pair in &graph.states {
            let (x, y) = (graph.inputs[pair.input], graph.outputs[pair.output].value);
            let Ok(ring) = graph.ring_axis(pair) else { continue };
            if let Some(axis) = ring {
                states.within.extend(reading_concat(around, parts, (x, axis)).map(|whole| (x, whole)));
                continue;
            }
            let Some(n) = around.producers[y.index()] else { continue };
            if can_overwrite(&graph.nodes[n], y, x) && !states.over.contains_key(&y) && others_come_before(around, x, n)
            {
                states.over.insert(y, x);
            }
        }
        states
    }

    /// Whether a value is a ring that lies where the Concat wants it.
    pub(crate) fn lies_in(&self, x: ValueId, whole: ValueId) -> bool {
        self.within.get(&x) == Some(&whole)
    }
}

/// The result of the Concat that puts new entries behind a ring, if nobody else reads the ring and nobody keeps the result.
fn reading_concat(
    around: &Around<'_>,
    parts: &BTreeMap<ValueId, Part>,
    (x, axis): (ValueId, usize),
) -> Option<ValueId> {
    let node = &around.graph.nodes[around.only_reader(x)?];
    let whole = node.outputs[0];
    let fits = node.op == Op::Concat { axis } && node.inputs.first() == Some(&x);
    (fits && !around.is_output(whole) && !parts.contains_key(&whole)).then_some(whole)
}

/// Whether the operator's kernel can write its result `y` over `x`, which is one of its operands.
fn can_overwrite(node: &Node, y: ValueId, x: ValueId) -> bool {
    let once = node.inputs.iter().filter(|&&i| i == x).count() == 1;
    match node.op.properties().overwrites {
        Overwrites::Nothing => false,
        Overwrites::First => once && node.inputs[0] == x,
        Overwrites::Any => once,
        Overwrites::States => {
            let mut pairs = node.outputs[1..].iter().rev().zip(node.inputs.iter().rev());
            once && pairs.any(|(&o, &i)| (o, i) == (y, x))
        }
    }
}

/// Whether all nodes that read `x`, or what may be a view of it, come before node `last`; an output comes after all.
fn others_come_before(around: &Around<'_>, x: ValueId, last: usize) -> bool {
    let mut open = vec![x];
    let mut seen = BTreeSet::from([x]);
    while let Some(v) = open.pop() {
        if around.is_output(v) {
            return false;
        }
        for &n in &around.users[v.index()] {
            let node = &around.graph.nodes[n];
            if n > last || (n == last && v != x) {
                return false;
            }
            if matches!(node.op, Op::Movement(_)) {
                open.extend(node.outputs.iter().copied().filter(|o| seen.insert(*o)));
            }
        }
    }
    true
}
