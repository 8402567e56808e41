//! Concatenations: operands that do not lie in the result are copied there.

use std::sync::Arc;

use super::movement::signed;
use super::{Lowered, Lowering};
use crate::ir::{Node, ValueId, row_major_strides};
use crate::layout::Part;
use crate::layout::strides::merge;
use crate::program::kernels::CopyCall;
use crate::program::{Access, Arg, Storage, View};

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
        self.layout.parts.get(&v).and_then(|p| p.pitch).unwrap_or(own)
    }

    /// The distance of neighbouring pixels of an operand.
    pub(super) fn operand_pitch(&self, v: ValueId) -> usize {
        let own = self.ty(v).shape.last().copied().unwrap_or(1);
        self.layout.pitched_slices.get(&v).copied().unwrap_or(own)
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
        let strides = signed(row_major_strides(&ty.shape));
        let mut at = 0;
        for &v in &node.inputs {
            let x = self.ty(v).clone();
            let offset = at * strides[axis] as usize;
            at += x.shape[axis];
            let lies_there = self.layout.parts.get(&v).is_some_and(|p| p.whole == out && p.offset == offset);
            if lies_there || self.layout.states.lies_in(v, out) || x.elements() == 0 {
                continue;
            }
            let mut dims = x.shape.clone();
            let mut both = [signed(row_major_strides(&x.shape)), strides.clone()];
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
