//! Transposes, slices and repetitions that move nothing: values that are read straight from the memory of another, by
//! strides, and products that are computed straight into the order in which they are read.
//!
//! A value becomes a view where every operator that reads it takes any strides; what a view is of stays in memory until its
//! last reader.

use std::collections::BTreeMap;

use super::concat::{Part, is_table};
use super::{Lowering, dims};
use crate::ir::{DType, Graph, Movement, Node, Op, Reads, ValueId, row_major_strides};
use crate::program::{Access, Arg, View};

/// Where the elements of a view lie in another value's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strided {
    /// The value that is in memory.
    source: ValueId,
    /// Its element that is the view's first.
    start: usize,
    /// Elements between neighbours along each dimension of the view, 0 where one is repeated.
    strides: Vec<usize>,
}

/// What lowering knows about views before it starts.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// Values that are views.
    views: BTreeMap<ValueId, Strided>,
    /// Products whose only reader is a transpose: they are computed straight into its result, by its permutation.
    pub(super) straight: BTreeMap<ValueId, (ValueId, Vec<usize>)>,
}

impl Views {
    /// The views of a graph; values that have another place already (`taken`) are none.
    pub(super) fn of(graph: &Graph, parts: &BTreeMap<ValueId, Part>, pitched: &BTreeMap<ValueId, usize>) -> Views {
        let (producers, users, is_output) = (graph.producers(), graph.users(), graph.output_values());
        let mut all = Views::default();
        let sliced = sliced(graph);
        for node in &graph.nodes {
            let Op::Movement(m) = &node.op else { continue };
            let (v, x) = (node.outputs[0], node.inputs[0]);
            let elsewhere = |v: ValueId| pitched.contains_key(&v) || parts.get(&v).is_some_and(|p| p.pitch.is_some());
            let taken = is_output[v.index()] || parts.contains_key(&v) || pitched.contains_key(&v);
            // A small view would keep a large value in memory; inputs are there anyway.
            let is_whole = !matches!(m, Movement::Slice { .. })
                || producers[x.index()].is_none()
                || sliced[x.index()].saturating_mul(2) >= graph.ty(x).elements();
            if taken || elsewhere(x) || graph.data(x).is_some() || graph.ty(v).elements() == 0 || !is_whole {
                continue;
            }
            let Some(view) = all.moved(graph, m, x) else { continue };
            let readers = &users[v.index()];
            let shape = &graph.ty(v).shape;
            // What lies densely at the start of its source needs no entry.
            let is_free = is_dense(&view.strides, shape) && view.source == x;
            // Ranges of channels are read at the pitch of a dense map.
            let at_pitch = |n: usize| graph.nodes[n].outputs.iter().any(|o| pitched.contains_key(o));
            let reads = |&n: &usize| reads(graph, &graph.nodes[n], v, &view) && !at_pitch(n);
            if !is_free && !readers.is_empty() && readers.iter().all(reads) {
                all.views.insert(v, view);
            }
        }
        all.find_straight(graph, parts, (&producers, &users, &is_output));
        all
    }

    /// Whether a value is read by strides.
    pub(super) fn contains(&self, v: ValueId) -> bool {
        self.strides_of(v).is_some()
    }

    /// The strides of a view.
    pub(super) fn strides_of(&self, v: ValueId) -> Option<Vec<usize>> {
        self.views.get(&v).map(|view| view.strides.clone())
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
    fn find_straight(
        &mut self,
        graph: &Graph,
        parts: &BTreeMap<ValueId, Part>,
        (producers, users, is_output): (&[Option<usize>], &[Vec<usize>], &[bool]),
    ) {
        for node in &graph.nodes {
            let Op::Movement(Movement::Transpose { perm }) = &node.op else { continue };
            let (v, x) = (node.outputs[0], node.inputs[0]);
            let product = producers[x.index()].map(|n| &graph.nodes[n]);
            let computed = product.is_some_and(|p| {
                let Op::MatMul { epilogue } = p.op else { return false };
                let b = p.inputs[1];
                // The kernel for constants that stay in bytes writes rows.
                let in_bytes = graph.data(b).is_some() && graph.ty(b).dtype == DType::I32;
                !epilogue.residual && is_strided_product(graph, p) && !in_bytes
            });
            let only_here = users[x.index()].len() == 1 && !is_output[x.index()] && !parts.contains_key(&x);
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

/// Whether strides are those of a dense tensor.
pub(super) fn is_dense(strides: &[usize], shape: &[usize]) -> bool {
    let own = row_major_strides(shape);
    shape.iter().zip(strides.iter().zip(&own)).all(|(&d, (a, b))| d == 1 || a == b)
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

/// Strides along the dimensions of a shape that an operand is broadcast to.
pub(super) fn broadcast(shape: &[usize], strides: &[usize], to: &[usize]) -> Vec<usize> {
    let lead = to.len() - shape.len();
    (0..to.len()).map(|d| if d < lead || shape[d - lead] == 1 { 0 } else { strides[d - lead] }).collect()
}

/// The distance of neighbouring rows of a matrix whose rows are dense, where it is the same for all.
pub(super) fn row_pitch(shape: &[usize], strides: &[usize]) -> Option<usize> {
    let (&n, rows) = shape.split_last()?;
    let (&step, outer) = strides.split_last()?;
    let (mut rows, mut outer) = (rows.to_vec(), [outer.to_vec()]);
    dims::merge(&mut rows, &mut outer);
    match outer[0].as_slice() {
        _ if n != 1 && step != 1 => None,
        [] => Some(n),
        [pitch] if *pitch >= n => Some(*pitch),
        _ => None,
    }
}

/// Strides under another shape: dimensions fall into groups that stay what they are, are split, or are merged where their
/// strides allow it.
fn reshaped(from: &[usize], strides: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    let mut out = Vec::with_capacity(to.len());
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        // The smallest group of dimensions on both sides that hold equally many elements.
        let (first, begin) = (i, j);
        let (mut a, mut b) = (1usize, 1usize);
        loop {
            if a == b && (i > first || j > begin) {
                break;
            }
            if a <= b && i < from.len() {
                a *= from[i];
                i += 1;
            } else {
                b *= *to.get(j)?;
                j += 1;
            }
        }
        let (mut lens, mut steps) = (from[first..i].to_vec(), [strides[first..i].to_vec()]);
        dims::merge(&mut lens, &mut steps);
        let step = match steps[0].as_slice() {
            [] => 0,
            [step] => *step,
            _ => return None,
        };
        let within = row_major_strides(&to[begin..j]);
        out.extend(within.iter().map(|w| w * step));
    }
    Some(out)
}

impl Lowering<'_> {
    /// Where an operand is and how it lies there: as a view, else densely.
    pub(super) fn strided_operand(&mut self, v: ValueId) -> (Arg, Vec<usize>) {
        match self.view_of(v) {
            Some((view, strides)) => (Arg::Buffer(view, Access::Read), strides),
            None => (self.operand(v), row_major_strides(&self.ty(v).shape)),
        }
    }

    /// The memory of a value that is a view, and how it lies there.
    pub(super) fn view_of(&self, v: ValueId) -> Option<(View, Vec<usize>)> {
        let Strided { source, start, strides } = self.views.views.get(&v)?;
        let shape = &self.graph.ty(v).shape;
        let len = 1 + shape.iter().zip(strides).map(|(&n, &s)| (n - 1) * s).sum::<usize>();
        let whole = self.places[source.index()].expect("a view is of a value in memory");
        Some((View { buffer: whole.buffer, offset: whole.offset + start, len }, strides.clone()))
    }

    /// Whether a value is a view; a dense one gets its place, as operators that know no strides read it.
    pub(super) fn placed_as_view(&mut self, v: ValueId) -> bool {
        if !self.views.views.contains_key(&v) {
            return false;
        }
        if let (Arg::Buffer(view, _), strides) = self.strided_operand(v)
            && is_dense(&strides, &self.graph.ty(v).shape)
        {
            self.places[v.index()] = Some(view);
        }
        true
    }

    /// Where a product goes and how it lies there: in the order of the transpose that reads it, if that is its only reader.
    pub(super) fn strided_result(&mut self, v: ValueId) -> (View, Vec<usize>) {
        let Some((target, perm)) = self.views.straight.get(&v).cloned() else {
            let own = row_major_strides(&self.graph.ty(v).shape);
            return (self.result(v), own);
        };
        let view = self.result(target);
        let own = row_major_strides(&self.graph.ty(target).shape);
        let mut strides = vec![0; own.len()];
        perm.iter().zip(&own).for_each(|(&p, &s)| strides[p] = s);
        (view, strides)
    }
}
