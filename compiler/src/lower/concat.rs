//! Concatenations and their inverse: operands are computed straight into the result, parts are read straight from the whole.
//!
//! Where the part is one run, every kernel can do that. Where it is a range of channels of every pixel, kernels that know a
//! pitch (the distance of neighbouring pixels) can.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dims::merge;
use super::{Lowered, Lowering};
use crate::ir::{DType, Graph, Movement, Node, Op, Reads, ValueId, row_major_strides};
use crate::program::kernels::CopyCall;
use crate::program::{Access, Arg, Storage, View};

/// The place of an operand within the result of a Concat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The Concat's result.
    pub(super) whole: ValueId,
    /// First element there.
    pub(super) offset: usize,
    /// Elements between neighbouring pixels, where the part is a range of channels.
    pub(super) pitch: Option<usize>,
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
pub(super) fn is_table(graph: &Graph, node: &Node) -> bool {
    let (Op::Map { expr }, &[x]) = (&node.op, node.inputs.as_slice()) else { return false };
    let (x, y) = (graph.ty(x), graph.ty(node.outputs[0]));
    let fails = expr.is_fallible(&[x.dtype]);
    let byte = |dtype: DType| matches!(dtype, DType::I8 | DType::U8);
    !fails && byte(x.dtype) && byte(y.dtype) && x.shape == y.shape
}

/// Whether an operator's kernel reads its map at a pitch.
fn reads_pitched(node: &Node, v: ValueId) -> bool {
    let other_operands = node.inputs[1..].contains(&v);
    node.op.properties().reads == Reads::Pixels && node.inputs[0] == v && !other_operands
}

/// Ranges of channels that only kernels with a pitch read: these need no copy. With the pitch of each.
pub(super) fn pitched_slices(graph: &Graph) -> BTreeMap<ValueId, usize> {
    let (users, is_output) = (graph.users(), graph.output_values());
    let mut slices = BTreeMap::new();
    for node in &graph.nodes {
        let Op::Movement(Movement::Slice { start, step, len }) = &node.op else { continue };
        let (v, x) = (node.outputs[0], graph.ty(node.inputs[0]));
        let last = x.rank().saturating_sub(1);
        let whole = |d: usize| len[d] == x.shape[d] && start[d] == 0 && (step[d] == 1 || len[d] == 1);
        let channels = x.rank() == 4 && (0..last).all(whole) && step[last] == 1 && !len.contains(&0);
        let read = users[v.index()].iter().all(|&n| reads_pitched(&graph.nodes[n], v));
        if channels && read && !is_output[v.index()] && graph.data(node.inputs[0]).is_none() {
            slices.insert(v, x.shape[last]);
        }
    }
    slices
}

/// Values that can be computed straight into the result of a Concat: it is contiguous there, and they have no other place.
pub(super) fn parts(graph: &Graph) -> BTreeMap<ValueId, Part> {
    let (producers, users, is_output) = (graph.producers(), graph.users(), graph.output_values());
    let mut parts = BTreeMap::new();
    for node in &graph.nodes {
        let Op::Concat { axis } = node.op else { continue };
        let whole = node.outputs[0];
        let ty = graph.ty(whole);
        if ty.shape[..axis].iter().any(|&d| d != 1) {
            if axis + 1 == ty.rank() {
                pitched_parts(graph, node, (&producers, &users, &is_output), &mut parts);
            }
            continue;
        }
        let mut offset = 0;
        for &v in &node.inputs {
            let len = graph.ty(v).elements();
            // What a kernel computes into memory of its own can as well lie in the result; a view cannot.
            let computed = producers[v.index()].is_some_and(|n| graph.nodes[n].op.properties().owns_result);
            if computed && !parts.contains_key(&v) && !is_output[v.index()] {
                parts.insert(v, Part { whole, offset, pitch: None });
            }
            offset += len;
        }
    }
    parts
}

/// The operands of a Concat of channels that nobody else reads, and whose kernels write at a pitch.
fn pitched_parts(
    graph: &Graph,
    node: &Node,
    (producers, users, is_output): (&[Option<usize>], &[Vec<usize>], &[bool]),
    parts: &mut BTreeMap<ValueId, Part>,
) {
    let whole = node.outputs[0];
    let pitch = *graph.ty(whole).shape.last().expect("a Concat has a dimension");
    let mut offset = 0;
    for &v in &node.inputs {
        let computed = producers[v.index()].is_some_and(|n| writes_pitched(graph, &graph.nodes[n]));
        let only_here = users[v.index()].len() == 1 && !is_output[v.index()];
        if computed && only_here && graph.ty(v).elements() > 0 && !parts.contains_key(&v) {
            parts.insert(v, Part { whole, offset, pitch: Some(pitch) });
        }
        offset += graph.ty(v).shape.last().copied().unwrap_or(0);
    }
}

impl Lowering<'_> {
    /// The range of a Concat's result in which an operand is computed.
    pub(super) fn part(&mut self, v: ValueId, part: Part) -> View {
        let whole = self.whole(part.whole);
        let ty = self.ty(v);
        let channels = ty.shape.last().copied().unwrap_or(1);
        let len = match part.pitch {
            None => ty.elements(),
            // From the first pixel's first channel to the last pixel's last one.
            Some(pitch) => (ty.elements() / channels - 1) * pitch + channels,
        };
        View { buffer: whole.buffer, offset: whole.offset + part.offset, len }
    }

    /// The distance of neighbouring pixels of a result: that of the whole it is a part of, else its number of channels.
    pub(super) fn result_pitch(&self, v: ValueId) -> usize {
        let own = self.ty(v).shape.last().copied().unwrap_or(1);
        self.parts.get(&v).and_then(|p| p.pitch).unwrap_or(own)
    }

    /// The distance of neighbouring pixels of an operand.
    pub(super) fn operand_pitch(&self, v: ValueId) -> usize {
        let own = self.ty(v).shape.last().copied().unwrap_or(1);
        self.pitched_slices.get(&v).copied().unwrap_or(own)
    }

    /// The result of a Concat, which its first operand makes.
    fn whole(&mut self, v: ValueId) -> View {
        match self.places[v.index()] {
            Some(view) => view,
            None => self.result(v),
        }
    }

    pub(super) fn concat(&mut self, node: &Node, axis: usize) -> Lowered {
        let out = node.outputs[0];
        let ty = self.ty(out).clone();
        let view = self.whole(out);
        let strides: Vec<isize> = row_major_strides(&ty.shape).into_iter().map(|s| s as isize).collect();
        let mut at = 0;
        for &v in &node.inputs {
            let x = self.ty(v).clone();
            let offset = at * strides[axis] as usize;
            at += x.shape[axis];
            let lies_there = self.parts.get(&v).is_some_and(|p| p.whole == out && p.offset == offset);
            if lies_there || self.states.lies_in(v, out) || x.elements() == 0 {
                continue;
            }
            let mut dims = x.shape.clone();
            let own = row_major_strides(&x.shape).into_iter().map(|s| s as isize).collect();
            let mut both = [own, strides.clone()];
            merge(&mut dims, &mut both);
            let [x_strides, y_strides] = both;
            let call = CopyCall { dtype: x.dtype, dims, x_start: 0, x_strides, y_start: 0, y_strides };
            let source = self.operand(v);
            // From the operand's first element to its last, with what lies between.
            let len = 1 + call.dims.iter().zip(&call.y_strides).map(|(&n, &s)| (n - 1) * s as usize).sum::<usize>();
            let to = View { buffer: view.buffer, offset: view.offset + offset, len };
            // Of this step, what it copies is the operand: a list of all for each would grow with the square.
            self.part_step(node, &x, Arc::new(call), vec![source, Arg::Buffer(to, Access::Write)]);
        }
        debug_assert_eq!(self.program.buffer(view.buffer).storage, Storage::Arena);
        Ok(())
    }
}
