//! Proves that no operand of a node is forgotten: each reaches the node's result through its steps, or is stated to be folded.
//!
//! An operand reaches the result where a step reads its memory, or a weight that holds it, and what that step writes is the
//! result or is read by another such step. Views read the memory of their operand, and the parts of a Concat lie in its result.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Lowering;
use crate::ir::{Node, Op, ValueId, print_node};
use crate::program::{Access, Arg, BufferId, Step, View, WeightId};

/// What lowering notes of where operands went.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// Per node of the graph: its steps.
    pub(super) steps: Vec<Range<usize>>,
    /// Weights with the values that they hold, each packed as its kernel wants it.
    pub(super) held: BTreeSet<(WeightId, ValueId)>,
    /// Results of nodes, with operands that are in the parameters of their steps.
    folded: BTreeSet<(ValueId, ValueId)>,
}

impl Traces {
    /// States that a node's operand is in the parameters of its steps.
    pub(super) fn fold(&mut self, node: &Node, operand: ValueId) {
        self.folded.extend(node.outputs.iter().map(|&o| (o, operand)));
    }
}

/// What the steps of a node read on the way to its results.
#[derive(Default)]
struct Reads {
    weights: BTreeMap<WeightId, usize>,
    /// The ranges as the steps have them, and how often.
    views: BTreeMap<(BufferId, usize, usize), usize>,
    /// The memory that is read, or that is a result: ranges that do not touch, by their start.
    ranges: BTreeMap<(BufferId, usize), usize>,
}

impl Reads {
    /// Goes through steps from the last to the first.
    fn of<'s>(results: impl Iterator<Item = View>, steps: impl DoubleEndedIterator<Item = &'s Step>) -> Reads {
        let mut reads = Reads::default();
        results.for_each(|v| reads.add(v));
        for step in steps.rev() {
            if step.writes().any(|(_, v)| reads.has(v)) {
                reads.read(step);
            }
        }
        reads
    }

    fn read(&mut self, step: &Step) {
        for arg in &step.args {
            match *arg {
                Arg::Weight(w) => *self.weights.entry(w).or_default() += 1,
                Arg::Buffer(v, Access::Read | Access::Update) => {
                    *self.views.entry((v.buffer, v.offset, v.len)).or_default() += 1;
                    self.add(v);
                }
                Arg::Buffer(_, Access::Write) | Arg::Empty(_) => {}
            }
        }
    }

    fn add(&mut self, v: View) {
        let (mut start, mut end) = (v.offset, v.offset + v.len);
        while let Some((&at, &last)) = self.ranges.range(..=(v.buffer, end)).next_back() {
            if at.0 != v.buffer || last < start {
                break;
            }
            self.ranges.remove(&at);
            (start, end) = (start.min(at.1), end.max(last));
        }
        self.ranges.insert((v.buffer, start), end);
    }

    /// Whether a part of this memory is read.
    fn has(&self, v: View) -> bool {
        let before = self.ranges.range(..(v.buffer, v.offset + v.len)).next_back();
        before.is_some_and(|(&(buffer, _), &end)| buffer == v.buffer && end > v.offset)
    }
}

impl Lowering<'_> {
    /// The operands that no step of their node reads on the way to its result, one text for each. All nodes have been lowered, and no more than that.
    pub(super) fn unread_operands(&self) -> Vec<String> {
        let nodes = self.graph.nodes.iter().zip(&self.traces.steps);
        nodes.flat_map(|(node, steps)| self.unread_of(node, steps.clone())).collect()
    }

    fn unread_of(&self, node: &Node, steps: Range<usize>) -> Vec<String> {
        let is_empty = |v: &ValueId| self.ty(*v).elements() == 0;
        // A convolution between is computed by the node that reads it; what graphs within read is checked for them.
        let elsewhere = self.layout.separables.is_between(node) || !node.op.graphs().is_empty();
        if node.outputs.iter().all(is_empty) || elsewhere {
            return Vec::new();
        }
        let reads = Reads::of(node.outputs.iter().filter_map(|&v| self.memory_of(v)), self.program.steps[steps].iter());
        let inner = self.layout.separables.inside(self.graph, node);
        let mut faults = Vec::new();
        for node in [Some(node), inner].into_iter().flatten() {
            for (k, v) in node.inputs.iter().enumerate().filter(|(_, v)| !is_empty(v)) {
                let between = inner.is_some_and(|n| n.outputs.contains(v));
                if !between && !self.is_read(node, *v, &reads) {
                    faults.push(format!("operand {k} of {:?} is lost", print_node(self.graph, node)));
                }
            }
        }
        faults
    }

    fn is_read(&self, node: &Node, v: ValueId, reads: &Reads) -> bool {
        if node.outputs.iter().any(|&o| self.traces.folded.contains(&(o, v))) {
            return true;
        }
        // A Concat copies an operand as often as it has it.
        let is_concat = matches!(node.op, Op::Concat { .. });
        let times = if is_concat { node.inputs.iter().filter(|&&i| i == v).count() } else { 1 };
        let Some(memory) = self.memory_of(v) else {
            let held = reads.weights.iter().filter(|&(&w, _)| self.traces.held.contains(&(w, v)));
            return held.map(|(_, n)| n).sum::<usize>() >= times;
        };
        let read = reads.views.get(&(memory.buffer, memory.offset, memory.len)).copied().unwrap_or(0);
        if read >= times {
            return true;
        }
        let whole = node.outputs[0];
        if is_concat {
            return self.layout.parts.get(&v).is_some_and(|p| p.whole == whole) || self.layout.states.lies_in(v, whole);
        }
        let end = |v: View| v.offset + v.len;
        let is_within = |r: View| r.buffer == memory.buffer && memory.offset <= r.offset && end(r) <= end(memory);
        matches!(node.op, Op::Movement(_)) && self.memory_of(whole).is_some_and(is_within)
    }

    /// Where a value lies that is no constant.
    fn memory_of(&self, v: ValueId) -> Option<View> {
        let elsewhere =
            self.layout.views.straight.get(&v).map(|(target, _)| target).or_else(|| self.layout.states.within.get(&v));
        let own = || elsewhere.and_then(|at| self.places[at.index()]).or(self.places[v.index()]);
        self.view_of(v).map(|(view, _)| view).or_else(own)
    }
}

#[cfg(test)]
mod tests;
