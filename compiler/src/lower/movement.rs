//! Index maps: views where elements keep their places, strided copies where they do not.

use std::sync::Arc;

use super::{Lowered, Lowering, by_the_way};
use crate::ir::{DType, Movement, Node, Scalar, Type, row_major_strides};
use crate::layout::strides::{broadcast, is_dense, merge};
use crate::program::kernels::{CopyCall, FillCall};
use crate::program::{Access, Arg, View};

/// A copy of a box, from the first element read to the first one written, with the strides on both sides. Where it is not of the
/// `whole` of both, it keeps a second dimension, of one: a plain copy is of equal lengths.
fn copy_call(
    dtype: DType,
    dims: &[usize],
    (x_start, y_start): (usize, usize),
    mut strides: [Vec<isize>; 2],
    whole: bool,
) -> CopyCall {
    let mut dims = dims.to_vec();
    merge(&mut dims, &mut strides);
    if dims.len() < 2 && !whole {
        dims.insert(0, 1);
        strides.iter_mut().for_each(|s| s.insert(0, 0));
    }
    let [x_strides, y_strides] = strides;
    CopyCall { dtype, dims, x_start, x_strides, y_start, y_strides }
}

impl Lowering<'_> {
    pub(super) fn movement(&mut self, node: &Node, m: &Movement) -> Lowered {
        let is_computed_there = self.layout.views.straight.contains_key(&node.inputs[0]);
        if is_computed_there || self.placed_as_view(node.outputs[0]) {
            return Ok(());
        }
        let x = self.ty(node.inputs[0]).clone();
        let (source, own) = self.strided_operand(node.inputs[0]);
        match m {
            Movement::Reshape { .. } if !is_dense(&own, &x.shape) => {
                self.copy(node, (source, x.dtype), (0, signed(own)), &x.shape);
            }
            Movement::Reshape { .. } => self.reshape(node),
            Movement::Transpose { perm } => {
                let strides = perm.iter().map(|&p| own[p] as isize).collect();
                self.copy(node, (source, x.dtype), (0, strides), &self.result_shape(node));
            }
            Movement::Slice { start, step, len } => self.slice(node, (source, &own), [start, len], step),
            Movement::Expand { shape } => {
                let strides = signed(broadcast(&x.shape, &own, shape));
                self.copy(node, (source, x.dtype), (0, strides), shape);
            }
            Movement::Pad { before, value, .. } => self.pad(node, (source, own), before, *value),
        }
        Ok(())
    }

    fn result_shape(&self, node: &Node) -> Vec<usize> {
        self.ty(node.outputs[0]).shape.clone()
    }

    /// The operand itself under another shape.
    fn reshape(&mut self, node: &Node) {
        let out = node.outputs[0];
        // A part of a Concat is written by the node that computes it; a reshaped input or constant is copied there.
        if self.layout.parts.contains_key(&out) {
            let x = self.ty(node.inputs[0]).clone();
            let source = self.operand(node.inputs[0]);
            let view = self.result(out);
            return self.copy_run(source, view, &x);
        }
        let view = match self.places[node.inputs[0].index()] {
            Some(view) => view,
            None => {
                // Constants are folded before; one that was too large to fold is copied.
                let x = self.ty(node.inputs[0]).clone();
                let source = self.operand(node.inputs[0]);
                let view = self.result(out);
                self.copy_run(source, view, &x);
                view
            }
        };
        self.places[out.index()] = Some(view);
    }

    /// A strided read of the operand, of so many elements from `x_start` on, written densely.
    fn copy(
        &mut self,
        node: &Node,
        (source, dtype): (Arg, DType),
        (x_start, x_strides): (usize, Vec<isize>),
        dims: &[usize],
    ) {
        let read = match source {
            Arg::Buffer(view, _) => view.len,
            Arg::Weight(w) => self.program.weights[w.index()].data.len(),
            _ => 0,
        };
        let strides = [x_strides, signed(row_major_strides(dims))];
        let whole = read == dims.iter().product::<usize>();
        let call = copy_call(dtype, dims, (x_start, 0), strides, whole);
        let out = self.result(node.outputs[0]);
        self.call(node, Arc::new(call), vec![source, Arg::Buffer(out, Access::Write)]);
    }

    /// A transposed copy in a buffer of its own.
    pub(super) fn transposed(&mut self, node: &Node, x: &Type, source: Arg, perm: &[usize]) -> Arg {
        let own = row_major_strides(&x.shape);
        let ty = Type::new(x.dtype, perm.iter().map(|&p| x.shape[p]).collect::<Vec<_>>());
        let strides = [perm.iter().map(|&p| own[p] as isize).collect(), signed(row_major_strides(&ty.shape))];
        let call = copy_call(x.dtype, &ty.shape, (0, 0), strides, true);
        let view = self.new_temporary(&ty);
        self.helper_step(node, &ty, Arc::new(call), vec![source, Arg::Buffer(view, Access::Write)]);
        Arg::Buffer(view, Access::Read)
    }

    /// A plain copy of one run to another, for no node of its own.
    pub(super) fn copy_run(&mut self, source: Arg, to: View, ty: &Type) {
        let (call, args) = (run(ty.dtype, to.len), vec![source, Arg::Buffer(to, Access::Write)]);
        self.push(by_the_way(Arc::new(call), args, Vec::new(), [ty.clone(), ty.clone()]));
    }

    /// A view where the elements are neighbours, else a copy.
    fn slice(&mut self, node: &Node, (source, own): (Arg, &[usize]), [start, len]: [&Vec<usize>; 2], step: &[isize]) {
        let x = self.ty(node.inputs[0]).clone();
        let offset: usize = start.iter().zip(own).map(|(s, o)| s * o).sum();
        if let (Some(&pitch), Some(v)) =
            (self.layout.pitched_slices.get(&node.outputs[0]), self.places[node.inputs[0].index()])
        {
            let channels = len.last().copied().unwrap_or(1);
            let len = (len.iter().product::<usize>() / channels - 1) * pitch + channels;
            self.places[node.outputs[0].index()] = Some(View { buffer: v.buffer, offset: v.offset + offset, len });
            return;
        }
        // Neighbours: whole dimensions behind the first cut one, single elements of those before it.
        let cut = (0..x.rank()).find(|&d| len[d] != 1).unwrap_or(x.rank());
        let whole = |d: usize| len[d] == x.shape[d] && start[d] == 0 && (step[d] == 1 || len[d] == 1);
        let dense = (cut + 1..x.rank()).all(whole) && (cut == x.rank() || step[cut] == 1);
        if dense
            && is_dense(own, &x.shape)
            && !self.layout.parts.contains_key(&node.outputs[0])
            && let Some(v) = self.places[node.inputs[0].index()]
        {
            let view = View { buffer: v.buffer, offset: v.offset + offset, len: len.iter().product() };
            self.places[node.outputs[0].index()] = Some(view);
            return;
        }
        let strides = own.iter().zip(step).map(|(&o, &s)| o as isize * s).collect();
        let start = if len.contains(&0) { 0 } else { offset };
        self.copy(node, (source, x.dtype), (start, strides), len);
    }

    /// The border's value everywhere, then the operand into the middle.
    fn pad(&mut self, node: &Node, (source, own): (Arg, Vec<usize>), before: &[usize], value: Scalar) {
        let (x, y) = (self.ty(node.inputs[0]).clone(), self.ty(node.outputs[0]).clone());
        let out = self.result(node.outputs[0]);
        let fill = FillCall { value, dims: vec![y.elements()], start: 0, strides: vec![1] };
        self.helper_step(node, &y, Arc::new(fill), vec![Arg::Buffer(out, Access::Write)]);
        let wide = row_major_strides(&y.shape);
        let y_start = if x.elements() == 0 { 0 } else { before.iter().zip(&wide).map(|(b, s)| b * s).sum() };
        let whole = x.elements() == y.elements();
        let call = copy_call(x.dtype, &x.shape, (0, y_start), [signed(own), signed(wide)], whole);
        self.call(node, Arc::new(call), vec![source, Arg::Buffer(out, Access::Update)]);
    }
}

/// A plain copy of so many elements.
pub(super) fn run(dtype: DType, len: usize) -> CopyCall {
    CopyCall { dtype, dims: vec![len], x_start: 0, x_strides: vec![1], y_start: 0, y_strides: vec![1] }
}

/// Strides as copies have them.
pub(super) fn signed(strides: Vec<usize>) -> Vec<isize> {
    strides.into_iter().map(|s| s as isize).collect()
}
