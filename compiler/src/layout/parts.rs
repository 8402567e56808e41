//! Concatenations and their inverse: operands are computed straight into the result, parts are read straight from the whole.
//!
//! Where the part is one run, every kernel can do that. Where it is a range of channels of every pixel, kernels that know a
//! pitch (the distance of neighbouring pixels) can.

use std::collections::BTreeMap;

use super::Around;
use crate::ir::{DType, Graph, Movement, Node, Op, Reads, ValueId};

/// The place of an operand within the result of a Concat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The Concat's result.
    pub(crate) whole: ValueId,
    /// First element there.
    pub(crate) offset: usize,
    /// Elements between neighbouring pixels, where the part is a range of channels.
    pub(crate) pitch: Option<usize>,
}

/// Whether an operator's kernel writes pixels at a pitch; it must not read the memory it writes between.
fn writes_pitched(graph: &Graph, node: &Node) -> bool {
    let properties = node.op.properties();
    let fits = match properties.reads {
        Reads::Matrices => {
            let b = node.inputs[1];
            graph.data(b).is_some() && graph.ty(b).rank() == 2 && graph.ty(b).dtype == DType::F32
        }
        Reads::Elements => is_table(graph, node),
        Reads::Dense | Reads::Pixels | Reads::Places => true,
    };
    fits && properties.writes_pitched
}

/// Whether a Map is a function from bytes to bytes, which becomes a table.
pub(crate) fn is_table(graph: &Graph, node: &Node) -> bool {
    let (Op::Map { expr }, &[x]) = (&node.op, node.inputs.as_slice()) else { return false };
    let (x, y) = (graph.ty(x), graph.ty(node.outputs[0]));
    let fails = expr.is_fallible(&[x.dtype]);
    let byte = |dtype: DType| matches!(dtype, DType::I8 | DType::U8);
    !fails && byte(x.dtype) && byte(y.dtype) && x.shape == y.shape
}

/// Whether an operator's kernel reads its map at a pitch.
fn reads_pitched(node: &Node, v: ValueId) -> bool {
    node.op.properties().reads == Reads::Pixels && node.inputs[0] == v && !node.inputs[1..].contains(&v)
}

/// Ranges of channels that only kernels with a pitch read: these need no copy. With the pitch of each.
pub(super) fn pitched_slices(around: &Around<'_>) -> BTreeMap<ValueId, usize> {
    let graph = around.graph;
    let mut slices = BTreeMap::new();
    for node in &graph.nodes {
        let Op::Movement(Movement::Slice { start, step, len }) = &node.op else { continue };
        let (v, x) = (node.outputs[0], graph.ty(node.inputs[0]));
        let last = x.rank().saturating_sub(1);
        let whole = |d: usize| len[d] == x.shape[d] && start[d] == 0 && (step[d] == 1 || len[d] == 1);
        let channels = x.rank() == 4 && (0..last).all(whole) && step[last] == 1 && !len.contains(&0);
        let read = around.readers(v).all(|reader| reads_pitched(reader, v));
        if channels && read && !around.is_output(v) && graph.data(node.inputs[0]).is_none() {
            slices.insert(v, x.shape[last]);
        }
    }
    slices
}

/// Values that can be computed straight into the result of a Concat: it is contiguous there, and they have no other place.
pub(super) fn parts(around: &Around<'_>) -> BTreeMap<ValueId, Part> {
    let graph = around.graph;
    let mut parts = BTreeMap::new();
    for node in &graph.nodes {
        let Op::Concat { axis } = node.op else { continue };
        let whole = node.outputs[0];
        let ty = graph.ty(whole);
        if ty.shape[..axis].iter().any(|&d| d != 1) {
            if axis + 1 == ty.rank() {
                pitched_parts(around, node, &mut parts);
            }
            continue;
        }
        let mut offset = 0;
        for &v in &node.inputs {
            let len = graph.ty(v).elements();
            // What a kernel computes into memory of its own can as well lie in the result; a view cannot.
            let computed = around.producer(v).is_some_and(|n| n.op.properties().owns_result);
            if computed && !parts.contains_key(&v) && !around.is_output(v) {
                parts.insert(v, Part { whole, offset, pitch: None });
            }
            offset += len;
        }
    }
    parts
}

/// The operands of a Concat of channels that nobody else reads, and whose kernels write at a pitch.
fn pitched_parts(around: &Around<'_>, node: &Node, parts: &mut BTreeMap<ValueId, Part>) {
    let graph = around.graph;
    let whole = node.outputs[0];
    let pitch = *graph.ty(whole).shape.last().expect("a Concat has a dimension");
    let mut offset = 0;
    for &v in &node.inputs {
        let computed = around.producer(v).is_some_and(|n| n.outputs[0] == v && writes_pitched(graph, n));
        let only_here = around.only_reader(v).is_some();
        if computed && only_here && graph.ty(v).elements() > 0 && !parts.contains_key(&v) {
            parts.insert(v, Part { whole, offset, pitch: Some(pitch) });
        }
        offset += graph.ty(v).shape.last().copied().unwrap_or(0);
    }
}
