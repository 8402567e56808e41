//! What lies where before anything has an address: graph in, one [`Arrangement`] out, which lowering reads node by node.
//!
//! Values may be parts of others, be read from the memory of others, take the place of others, or never be whole at all.
//! Each file finds one of these; a value that one has found is none of the next.

mod parts;
mod separable;
mod state;
pub(crate) mod strides;
mod views;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use self::parts::{Part, is_table};
pub(crate) use self::separable::{Separables, rows};
pub(crate) use self::state::States;
pub(crate) use self::views::{Strided, Views};
use crate::ir::{Graph, Node, Op, ValueId};

/// What lies where.
#[derive(Debug)]
pub(crate) struct Arrangement {
    /// Values that are computed straight into a part of a Concat's result.
    pub(crate) parts: BTreeMap<ValueId, Part>,
    /// Ranges of channels that are read straight from the map they are part of, with its number of channels.
    pub(crate) pitched_slices: BTreeMap<ValueId, usize>,
    /// Values that are read by strides from the memory of others.
    pub(crate) views: Views,
    /// Maps that are computed by rows where they are read.
    pub(crate) separables: Separables,
    /// What lives from run to run.
    pub(crate) states: States,
    /// Results of nodes that nobody wants.
    pub(crate) unread: BTreeSet<ValueId>,
    /// Whether layers of few pixels do so much of the work that there should be loops for single ones.
    pub(crate) has_single_pixels: bool,
}

impl Arrangement {
    /// Of a graph.
    pub(crate) fn of(graph: &Graph) -> Arrangement {
        let around = Around::of(graph);
        let (parts, pitched_slices) = (parts::parts(&around), parts::pitched_slices(&around));
        let views = Views::of(&around, &parts, &pitched_slices);
        Arrangement {
            separables: Separables::of(&around, &parts, &views),
            states: States::of(&around, &parts),
            unread: around.unread(),
            has_single_pixels: has_single_pixels(graph),
            parts,
            pitched_slices,
            views,
        }
    }
}

/// A graph with what is around each value.
struct Around<'a> {
    graph: &'a Graph,
    producers: Vec<Option<usize>>,
    users: Vec<Vec<usize>>,
    outputs: Vec<bool>,
}

impl<'a> Around<'a> {
    fn of(graph: &'a Graph) -> Around<'a> {
        Around { graph, producers: graph.producers(), users: graph.users(), outputs: graph.output_values() }
    }

    /// The node that makes a value.
    fn producer(&self, v: ValueId) -> Option<&'a Node> {
        self.producers[v.index()].map(|n| &self.graph.nodes[n])
    }

    /// The nodes that read a value, once per operand.
    fn readers(&self, v: ValueId) -> impl Iterator<Item = &'a Node> {
        self.users[v.index()].iter().map(|&n| &self.graph.nodes[n])
    }

    /// The results of nodes that nobody reads and that are no outputs.
    fn unread(&self) -> BTreeSet<ValueId> {
        let results = self.graph.nodes.iter().flat_map(|n| n.outputs.iter().copied());
        results.filter(|v| self.users[v.index()].is_empty() && !self.is_output(*v)).collect()
    }

    fn is_output(&self, v: ValueId) -> bool {
        self.outputs[v.index()]
    }

    /// The position of the only node that reads a value, which is no output.
    fn only_reader(&self, v: ValueId) -> Option<usize> {
        match *self.users[v.index()].as_slice() {
            [n] if !self.is_output(v) => Some(n),
            _ => None,
        }
    }
}

fn has_single_pixels(graph: &Graph) -> bool {
    // So many pixels are computed at once.
    const PIXELS: usize = 4;
    let (mut few, mut all) = (0u64, 0u64);
    for node in graph.nodes.iter().filter(|n| matches!(n.op, Op::QConv { .. })) {
        let [w, y] = [node.inputs[1], node.outputs[0]].map(|v| graph.ty(v));
        let work = (y.elements() as u64).saturating_mul(w.shape[1..].iter().product::<usize>() as u64);
        let pixels = y.elements().checked_div(y.shape.last().copied().unwrap_or(1)).unwrap_or(0);
        few = few.saturating_add(if pixels < PIXELS { work } else { 0 });
        all = all.saturating_add(work);
    }
    // Together they take up to four times as long: that may be 4 % of all.
    few.saturating_mul(100) > all
}
