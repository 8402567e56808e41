//! Depthwise convolutions that are computed by rows inside the 1x1 convolution that reads them: the map between the two is never
//! whole, and the arena has no need of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use zant_runtime::kernels::separable::Separable;
use zant_runtime::kernels::tile::CACHED;

use super::conv::{conv_panels, conv2d};
use super::{Fault, Lowered, Lowering, concat, pack, strided};
use crate::ir::{DType, Epilogue, Graph, Node, Op, Type, ValueId, Window, multiply_adds};
use crate::program::kernels::SeparableCall;
use crate::program::{Access, Arg};

/// Bytes of rows that stay in the nearest cache.
const NEAR: usize = 24 << 10;
/// Pixels that fill the tiles of the 1x1 convolution.
const PIXELS: usize = 24;

/// The results of depthwise convolutions that are never whole.
#[derive(Debug, Default)]
pub(super) struct Separables {
    /// By such a result, the node that computes it.
    between: BTreeMap<ValueId, usize>,
}

impl Separables {
    /// Those of a graph, of the values that have no place of another kind.
    pub(super) fn of(graph: &Graph, parts: &BTreeMap<ValueId, concat::Part>, views: &strided::Views) -> Separables {
        let (producers, users, is_output) = (graph.producers(), graph.users(), graph.output_values());
        let mut between = BTreeMap::new();
        for (reader, node) in graph.nodes.iter().enumerate() {
            let Some(&v) = node.inputs.first() else { continue };
            let Some(first) = producers[v.index()].filter(|_| is_pointwise(graph, node)) else { continue };
            let x = graph.nodes[first].inputs[0];
            // The input is read later than it was: nothing comes in between, and what is written over is no part of it.
            let over = Conv::of(node).filter(|c| c.epilogue.residual).and_then(|_| node.inputs.last());
            let safe =
                reader == first + 1 && over.is_none_or(|&r| root(graph, &producers, r) != root(graph, &producers, x));
            let alone = users[v.index()] == [reader] && !is_output[v.index()];
            let placed = parts.contains_key(&v) || views.contains(v);
            if safe && alone && !placed && is_depthwise(graph, &graph.nodes[first]) && pays(graph, x, v, node) {
                between.insert(v, first);
            }
        }
        Separables { between }
    }

    /// Whether a node's result is never whole.
    pub(super) fn is_between(&self, node: &Node) -> bool {
        node.outputs.iter().any(|v| self.between.contains_key(v))
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
fn root(graph: &Graph, producers: &[Option<usize>], mut v: ValueId) -> ValueId {
    while let Some(node) = producers[v.index()].map(|n| &graph.nodes[n]).filter(|n| matches!(n.op, Op::Movement(_))) {
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
fn rows(map: &Type) -> usize {
    let (width, row) = (map.shape[2].max(1), (map.shape[2] * map.shape[3] * map.dtype.size()).max(1));
    PIXELS.div_ceil(width).max(NEAR / row).min(map.shape[1].max(1))
}

impl<'a> Lowering<'a> {
    /// The depthwise convolution inside the 1x1 convolution `node`, where there is one.
    pub(super) fn depthwise_inside(&self, node: &Node) -> Option<&'a Node> {
        let first = *self.separables.between.get(node.inputs.first()?)?;
        self.graph.nodes.get(first)
    }

    /// Both convolutions by rows.
    pub(super) fn separable(&mut self, first: &Node, node: &Node) -> Lowered {
        let (Some(inner), Some(outer)) = (Conv::of(first), Conv::of(node)) else {
            return Err(Fault::form("two convolutions are computed by rows", "this is a mistake of the compiler"));
        };
        let map = self.ty(node.inputs[0]).clone();
        let (x, y) = (self.ty(first.inputs[0]).clone(), self.ty(node.outputs[0]).clone());
        let mut depthwise = conv2d(&x, &map, inner.window, inner.groups, inner.epilogue);
        depthwise.in_pitch = self.operand_pitch(first.inputs[0]);
        let mut pointwise = conv2d(&map, &y, outer.window, outer.groups, outer.epilogue);
        pointwise.out_pitch = self.result_pitch(node.outputs[0]);
        let params = Separable { depthwise, pointwise, rows: rows(&map) };
        let source = self.operand(first.inputs[0]);
        let taps = depthwise.kernel_h * depthwise.kernel_w;
        let weights = [
            self.packed_weights(first, &pack::taps_first(depthwise.in_c, taps)),
            self.packed_weights(node, &conv_panels(&pointwise, false)),
        ];
        let bias = [self.bias(first, inner.epilogue), self.bias(node, outer.epilogue)];
        let scratch = self.new_temporary(&Type::new(DType::F32, [params.scratch()]));
        let y = self.product_result(node, outer.epilogue)?;
        let [w, second_w] = weights;
        let [b, second_b] = bias;
        let args = vec![source, w, second_w, b, second_b, Arg::Buffer(scratch, Access::Write), y];
        self.step(node, Arc::new(SeparableCall { params }), args, Vec::new());
        self.credit(first);
        Ok(())
    }

    /// Counts a node among those that the last step computes.
    fn credit(&mut self, node: &Node) {
        let operands: Vec<Type> = node.inputs.iter().map(|&i| self.ty(i).clone()).collect();
        let macs = multiply_adds(&node.op, &operands, self.ty(node.outputs[0]));
        if let Some(step) = self.program.steps.last_mut() {
            step.macs += macs;
            step.origin.splice(0..0, node.origin.iter().cloned());
        }
    }
}
