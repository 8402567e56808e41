//! Transposes, slices and repetitions that move nothing: values that are read straight from the memory of another, by
//! strides, and products that are computed straight into the order in which they are read.
//!
//! A value becomes a view where every operator that reads it takes any strides; what a view is of stays in memory until its
//! last reader.

use std::collections::BTreeMap;

use super::strides::{broadcast, is_dense, reshaped, row_pitch};
use super::{Around, Part, is_table};
use crate::ir::{DType, Graph, Movement, Node, Op, Reads, ValueId, row_major_strides};

/// Where the elements of a view lie in another value's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Strided {
    /// The value that is in memory.
    pub(crate) source: ValueId,
    /// Its element that is the view's first.
    pub(crate) start: usize,
    /// Elements between neighbours along each dimension of the view, 0 where one is repeated.
    pub(crate) strides: Vec<usize>,
}

/// The views of a graph.
#[derive(Debug, Default)]
pub(crate) struct Views {
    /// Values that are views.
    views: BTreeMap<ValueId, Strided>,
    /// Products whose only reader is a transpose: they are computed straight into its result, by its permutation.
    pub(crate) straight: BTreeMap<ValueId, (ValueId, Vec<usize>)>,
}

impl Views {
    /// The views of a graph; values that have another place already (`taken`) are none.
    pub(super) fn of(
        around: &Around<'_>,
        parts: &BTreeMap<ValueId, Part>,
        pitched: &BTreeMap<ValueId, usize>,
    ) -> Views {
        let graph = around.graph;
        let mut all = Views::default();
        let sliced = sliced(graph);
        for node in &graph.nodes {
            let Op::Movement(m) = &node.op else { continue };
            let (v, x) = (node.outputs[0], node.inputs[0]);
            let elsewhere = |v: ValueId| pitched.contains_key(&v) || parts.get(&v).is_some_and(|p| p.pitch.is_some());
            let taken = around.is_output(v) || parts.contains_key(&v) || pitched.contains_key(&v);
            // A small view would keep a large value in memory; inputs are there anyway.
            let is_whole = !matches!(m, Movement::Slice { .. })
                || around.producer(x).is_none()
                || sliced[x.index()].saturating_mul(2) >= graph.ty(x).elements();
            if taken || elsewhere(x) || graph.data(x).is_some() || graph.ty(v).elements() == 0 || !is_whole {
                continue;
            }
            let Some(view) = all.moved(graph, m, x) else { continue };
            let shape = &graph.ty(v).shape;
            // What lies densely at the start of its source needs no entry.
            let is_free = is_dense(&view.strides, shape) && view.source == x;
            // Ranges of channels are read at the pitch of a dense map.
            let at_pitch = |n: &Node| n.outputs.iter().any(|o| pitched.contains_key(o));
            let reads = |n: &Node| reads(graph, n, v, &view) && !at_pitch(n);
            if !is_free && around.readers(v).next().is_some() && around.readers(v).all(reads) {
                all.views.insert(v, view);
            }
        }
        all.find_straight(around, parts);
        all
    }

    /// Where a value lies that is a view.
    pub(crate) fn get(&self, v: ValueId) -> Option<&Strided> {
        self.views.get(&v)
    }

    /// The place of a movement's result, as far as strides can say it.
    fn moved(&self, graph: &Graph, m: &Movement, x: ValueId) -> Option<Strided> {
        let shape = &graph.ty(x).shape;
        let from = self.views.get(&x).cloned();
        let mut v = from.unwrap_or_else(|| Strided { source: x, start: 0, strides: row_major_strides(shape) });
        v.strides = match m {
            Movement::Reshape { shape: to } => reshaped(shape, &v.strides, to)?,
            Movement::Transpose { perm } => perm.iter().map(|&p| v.strides[p]).collect(),
            Movement::Slice { start, step, len } => {
                v.start += start.iter().zip(&v.strides).map(|(a, b)| a * b).sum::<usize>();
                let strides = step.iter().zip(len).zip(&v.strides);
                strides
                    .map(|((&s, &n), &d)| if n == 1 { Some(0) } else { usize::try_from(s).ok().map(|s| s * d) })
                    .collect::<Option<_>>()?
            }
            Movement::Expand { shape: to } => broadcast(shape, &v.strides, to),
            Movement::Pad { .. } => return None,
        };
        Some(v)
    }

    /// Products that nobody but a transpose reads, which itself is no view.
    fn find_straight(&mut self, around: &Around<'_>, parts: &BTreeMap<ValueId, Part>) {
        let graph = around.graph;
        for node in &graph.nodes {
            let Op::Movement(Movement::Transpose { perm }) = &node.op else { continue };
            let (v, x) = (node.outputs[0], node.inputs[0]);
            let computed = around.producer(x).is_some_and(|p| {
                let Op::MatMul { epilogue } = p.op else { return false };
                let b = p.inputs[1];
                // The kernel for constants that stay in bytes writes rows.
                let in_bytes = graph.data(b).is_some() && graph.ty(b).dtype == DType::I32;
                !epilogue.residual && is_strided_product(graph, p) && !in_bytes
            });
            let only_here = around.only_reader(x).is_some() && !parts.contains_key(&x);
            if computed && only_here && !self.views.contains_key(&v) && graph.ty(v).elements() > 0 {
                self.straight.insert(x, (v, perm.clone()));
            }
        }
    }
}

/// Per value, the elements of all slices of it together.
fn sliced(graph: &Graph) -> Vec<usize> {
    let mut read = vec![0usize; graph.values.len()];
    for node in graph.nodes.iter().filter(|n| matches!(n.op, Op::Movement(Movement::Slice { .. }))) {
        let of = &mut read[node.inputs[0].index()];
        *of = of.saturating_add(graph.ty(node.outputs[0]).elements());
    }
    read
}

/// Whether a product is of run-time operands, in the kernel that takes any strides.
fn is_strided_product(graph: &Graph, node: &Node) -> bool {
    let b = graph.ty(node.inputs[1]);
    let packed = graph.data(node.inputs[1]).is_some() && b.shape[..b.rank() - 2].iter().all(|&d| d == 1);
    let three = |v: ValueId| graph.ty(v).rank() <= 5;
    !(packed && b.dtype == DType::F32) && node.inputs[..2].iter().all(|&v| three(v))
}

/// Whether the operator takes `v` as the view that it would be.
fn reads(graph: &Graph, node: &Node, v: ValueId, view: &Strided) -> bool {
    let shape = &graph.ty(v).shape;
    match node.op.properties().reads {
        // Movements are views themselves, or copies, which take any strides; but a reshape that needs dense elements would
        // copy, and a product before may as well be computed straight into them.
        Reads::Places => {
            let Op::Movement(Movement::Reshape { shape: to }) = &node.op else { return true };
            reshaped(shape, &view.strides, to).is_some()
        }
        Reads::Matrices if is_strided_product(graph, node) => !node.inputs[2..].contains(&v),
        Reads::Matrices => !node.inputs[1..].contains(&v) && row_pitch(shape, &view.strides).is_some(),
        // A row that is gathered element by element costs a Map more than it costs a copy.
        Reads::Elements if !is_table(graph, node) => {
            let out = &graph.ty(node.outputs[0]).shape;
            let strides = broadcast(shape, &view.strides, out);
            (0..out.len()).rfind(|&d| out[d] != 1).is_none_or(|d| strides[d] <= 1)
        }
        // A table reads runs.
        Reads::Elements | Reads::Pixels | Reads::Dense => is_dense(&view.strides, shape),
    }
}
