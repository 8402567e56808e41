//! Operands and results that lie by strides.

use super::Lowering;
use crate::ir::{ValueId, row_major_strides};
use crate::layout::Strided;
use crate::layout::strides::is_dense;
use crate::program::{Access, Arg, View};

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
        let Strided { source, start, strides } = self.layout.views.get(v)?;
        let shape = &self.graph.ty(v).shape;
        let len = 1 + shape.iter().zip(strides).map(|(&n, &s)| (n - 1) * s).sum::<usize>();
        let whole = self.places[source.index()].expect("a view is of a value in memory");
        Some((View { buffer: whole.buffer, offset: whole.offset + start, len }, strides.clone()))
    }

    /// Whether a value is a view; a dense one gets its place, as operators that know no strides read it.
    pub(super) fn placed_as_view(&mut self, v: ValueId) -> bool {
        if self.layout.views.get(v).is_none() {
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
        let Some((target, perm)) = self.layout.views.straight.get(&v).cloned() else {
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
