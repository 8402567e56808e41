//! Depthwise convolutions that are computed by rows inside the 1x1 convolution that reads them: the map between the two is never
//! whole, and the arena has no need of it.

use std::collections::BTreeMap;

use zant_runtime::loops::tile::CACHED;

use super::{Around, Part, Views};
use crate::ir::{DType, Epilogue, Graph, Node, Op, Type, ValueId, Window};

/// Bytes of rows that stay in the nearest cache.
const NEAR: usize = 24 << 10;
/// Pixels that fill the tiles of the 1x1 convolution.
const PIXELS: usize = 24;

/// The results of depthwise convolutions that are never whole.
#[derive(Debug, Default)]
pub(crate) struct Separables {
    /// By such a result, the node that computes it.
    between: BTreeMap<ValueId, usize>,
}

impl Separables {
    /// Those of a graph, of the values that have no place of another kind.
    pub(super) fn of(around: &Around<'_>, parts: &BTreeMap<ValueId, Part>, views: &Views) -> Separables {
        let graph = around.graph;
        let mut between = BTreeMap::new();
        for (reader, node) in graph.nodes.iter().enumerate() {
            let Some(&v) = node.inputs.first() else { continue };
            let Some(first) = around.producers[v.index()].filter(|_| is_pointwise(graph, node)) else { continue };
            let x = graph.nodes[first].inputs[0];
            // The input is read later than it was: nothing comes in between, and what is written over is no part of it.
            let over = Conv::of(node).filter(|c| c.epilogue.residual).and_then(|_| node.inputs.last());
            let safe = reader == first + 1 && over.is_none_or(|&r| root(around, r) != root(around, x));
            let alone = around.only_reader(v) == Some(reader);
            let placed = parts.contains_key(&v) || views.get(v).is_some();
            if safe && alone && !placed && is_depthwise(graph, &graph.nodes[first]) && pays(graph, x, v, node) {
                between.insert(v, first);
            }
        }
        Separables { between }
    }

    /// Computes depthwise convolutions whole where what reads them `is_alone`.
    pub(crate) fn forget(&mut self, graph: &Graph, is_alone: impl Fn(&Node) -> bool) {
        for node in &graph.nodes {
            if self.inside(graph, node).is_some() && is_alone(node) {
                self.between.remove(&node.inputs[0]);
            }
        }
    }

    /// Whether a node's result is never whole.
    pub(crate) fn is_between(&self, node: &Node) -> bool {
        node.outputs.iter().any(|v| self.between.contains_key(v))
    }

    /// The depthwise convolution inside a 1x1 convolution, where there is one.
    pub(crate) fn inside<'a>(&self, graph: &'a Graph, node: &Node) -> Option<&'a Node> {
        graph.nodes.get(*self.between.get(node.inputs.first()?)?)
    }
}

/// What a convolution is made of.
struct Conv<'a> {
    window: &'a Window,
    groups: usize,
    epilogue: Epilogue,
}

impl Conv<'_> {
    fn of(node: &Node) -> Option<Conv<'_>> {
        let Op::Conv { window, groups, epilogue } = &node.op else { return None };
        Some(Conv { window, groups: *groups, epilogue: *epilogue })
    }
}

/// What a value is a view of, itself where it is none.
fn root(around: &Around<'_>, mut v: ValueId) -> ValueId {
    while let Some(node) = around.producer(v).filter(|n| matches!(n.op, Op::Movement(_))) {
        v = node.inputs[0];
    }
    v
}

fn is_float(graph: &Graph, node: &Node) -> bool {
    graph.ty(node.inputs[0]).dtype == DType::F32 && graph.data(node.inputs[1]).is_some()
}

/// A 1x1 convolution of one map with constant weights, few enough of them.
fn is_pointwise(graph: &Graph, node: &Node) -> bool {
    Conv::of(node).is_some_and(|Conv { window, groups, .. }| {
        let shape = (window.kernel, window.stride, window.pad_begin, window.pad_end);
        shape == ([1, 1], [1, 1], [0, 0], [0, 0])
            && groups == 1
            && is_float(graph, node)
            && graph.ty(node.inputs[0]).shape[0] == 1
            && bytes(graph.ty(node.inputs[1])) <= CACHED
    })
}

/// A depthwise convolution with constant weights, nothing added to it.
fn is_depthwise(graph: &Graph, node: &Node) -> bool {
    let channels = |v: ValueId| graph.ty(v).shape.last().copied();
    Conv::of(node).is_some_and(|Conv { groups, epilogue, .. }| {
        let single = [node.inputs[0], node.outputs[0]].iter().all(|&v| channels(v) == Some(groups));
        single && !epilogue.residual && is_float(graph, node)
    })
}

/// Whether the arena gains by it: input, output and rows together are less than the map between with the larger of the two.
fn pays(graph: &Graph, x: ValueId, between: ValueId, reader: &Node) -> bool {
    let lent = graph.inputs.contains(&x);
    let [x, map, y] = [x, between, reader.outputs[0]].map(|v| graph.ty(v));
    let rows = rows(map) * map.shape[2] * map.shape[3] * map.dtype.size();
    // What the caller lends is not in the arena.
    let x = if lent { 0 } else { bytes(x) };
    x + bytes(y) + rows <= bytes(map) + x.max(bytes(y))
}

fn bytes(ty: &Type) -> usize {
    ty.elements() * ty.dtype.size()
}

/// How many rows of a map are computed at a time.
pub(crate) fn rows(map: &Type) -> usize {
    let (width, row) = (map.shape[2].max(1), (map.shape[2] * map.shape[3] * map.dtype.size()).max(1));
    PIXELS.div_ceil(width).max(NEAR / row).min(map.shape[1].max(1))
}
