//! Gathers and scatters.

use std::sync::Arc;

use zant_runtime::kernels::gather::Gather;

use super::movement::run;
use super::{Fault, Lowered, Lowering, around, expect_number};
use crate::ir::{DType, Node, ScatterKind, Type, row_major_strides};
use crate::program::kernels::{
    GatherCall, GatherElementsCall, GatherNdCall, MAX_DIMS, ProvenCall, ScatterElementsCall, ScatterNdCall,
};
use crate::program::{Access, Arg, KernelCall, View};

fn expect_dims(what: &str, n: usize) -> Lowered {
    if n <= MAX_DIMS {
        return Ok(());
    }
    Err(Fault::form(format!("{what} over {n} dimensions (at most {MAX_DIMS} are supported)"), "reshape its operands"))
}

/// Strides of a tensor with 0 for one dimension, and that dimension's own.
fn strides_without(ty: &Type, axis: usize) -> (Vec<usize>, usize) {
    let mut strides = row_major_strides(&ty.shape);
    let own = std::mem::replace(&mut strides[axis], 0);
    (strides, own)
}

impl Lowering<'_> {
    pub(super) fn gather(&mut self, node: &Node, axis: usize) -> Lowered {
        let (x, indices) = (self.ty(node.inputs[0]).clone(), self.ty(node.inputs[1]).clone());
        let (outer, axis, inner) = around(&x.shape, axis);
        let params = Gather { outer, axis, inner, count: indices.elements() };
        let call = GatherCall { dtype: x.dtype, index: index_type(&indices)?, params };
        self.indexed_read(node, Arc::new(call));
        Ok(())
    }

    pub(super) fn gather_elements(&mut self, node: &Node, axis: usize) -> Lowered {
        let (x, indices) = (self.ty(node.inputs[0]).clone(), self.ty(node.inputs[1]).clone());
        expect_dims("GatherElements", x.rank())?;
        let (x_strides, axis_stride) = strides_without(&x, axis);
        let call = GatherElementsCall {
            dtype: x.dtype,
            index: index_type(&indices)?,
            dims: indices.shape.clone(),
            x_strides,
            axis: x.shape[axis],
            axis_stride,
        };
        self.indexed_read(node, Arc::new(call));
        Ok(())
    }

    pub(super) fn gather_nd(&mut self, node: &Node, batch_dims: usize) -> Lowered {
        let (x, indices) = (self.ty(node.inputs[0]).clone(), self.ty(node.inputs[1]).clone());
        let depth = indices.shape.last().copied().unwrap_or(0);
        expect_dims("GatherND", depth)?;
        let batch: usize = x.shape[..batch_dims].iter().product();
        let tuples: usize = indices.shape.iter().rev().skip(1).product();
        let call = GatherNdCall {
            dtype: x.dtype,
            index: index_type(&indices)?,
            batch,
            count: tuples.checked_div(batch).unwrap_or(0),
            dims: x.shape[batch_dims..batch_dims + depth].to_vec(),
            inner: x.shape[batch_dims + depth..].iter().product(),
        };
        self.indexed_read(node, Arc::new(call));
        Ok(())
    }

    /// The call, which cannot fail where its indices are constants within what they count.
    fn proven(&self, node: &Node, call: Arc<dyn KernelCall>) -> Arc<dyn KernelCall> {
        let indices = self.data(node.inputs[1]).zip(node.op.properties().indices);
        let known = indices.and_then(|(data, indices)| {
            let lens = indices.lens(&self.ty(node.inputs[0]).shape, data.shape());
            let inside = |(&i, &len): (&i64, &usize)| {
                let len = i128::try_from(len).unwrap_or(0);
                (-len..len).contains(&i128::from(i))
            };
            Some(data.to_i64s()?.iter().zip(lens.iter().cycle()).all(inside))
        });
        if known == Some(true) { Arc::new(ProvenCall(call)) } else { call }
    }

    fn indexed_read(&mut self, node: &Node, call: Arc<dyn KernelCall>) {
        let call = self.proven(node, call);
        let (x, indices) = (self.operand(node.inputs[0]), self.operand(node.inputs[1]));
        let out = self.result(node.outputs[0]);
        self.call(node, call, vec![x, indices, Arg::Buffer(out, Access::Write)]);
    }

    pub(super) fn scatter_elements(&mut self, node: &Node, axis: usize, kind: ScatterKind) -> Lowered {
        let (x, indices) = (self.ty(node.inputs[0]).clone(), self.ty(node.inputs[1]).clone());
        expect_dims("ScatterElements", x.rank())?;
        let (y_strides, axis_stride) = strides_without(&x, axis);
        let call = ScatterElementsCall {
            dtype: scattered(&x, kind)?,
            index: index_type(&indices)?,
            kind,
            dims: indices.shape.clone(),
            y_strides,
            axis: x.shape[axis],
            axis_stride,
        };
        let out = self.copied_data(node, &x);
        self.indexed_write(node, Arc::new(call), out);
        Ok(())
    }

    pub(super) fn scatter_nd(&mut self, node: &Node, kind: ScatterKind) -> Lowered {
        let (x, indices) = (self.ty(node.inputs[0]).clone(), self.ty(node.inputs[1]).clone());
        let depth = indices.shape.last().copied().unwrap_or(0);
        expect_dims("ScatterND", depth)?;
        let call = ScatterNdCall {
            dtype: scattered(&x, kind)?,
            index: index_type(&indices)?,
            kind,
            count: indices.shape.iter().rev().skip(1).product(),
            dims: x.shape[..depth].to_vec(),
            inner: x.shape[depth..].iter().product(),
        };
        let out = self.copied_data(node, &x);
        self.indexed_write(node, Arc::new(call), out);
        Ok(())
    }

    /// The data in the place of the result, where the kernel updates them.
    fn copied_data(&mut self, node: &Node, x: &Type) -> View {
        if self.layout.states.over.contains_key(&node.outputs[0])
            && let Some(view) = self.places[node.inputs[0].index()]
        {
            self.places[node.outputs[0].index()] = Some(view);
            return view;
        }
        let source = self.operand(node.inputs[0]);
        let out = self.result(node.outputs[0]);
        let call = run(x.dtype, x.elements());
        self.helper_step(node, x, Arc::new(call), vec![source, Arg::Buffer(out, Access::Write)]);
        out
    }

    fn indexed_write(&mut self, node: &Node, call: Arc<dyn KernelCall>, out: View) {
        let call = self.proven(node, call);
        let (indices, updates) = (self.operand(node.inputs[1]), self.operand(node.inputs[2]));
        self.call(node, call, vec![indices, updates, Arg::Buffer(out, Access::Update)]);
    }
}

fn index_type(indices: &Type) -> Lowered<DType> {
    let dtype = indices.dtype;
    let fits = matches!(dtype, DType::I32 | DType::I64);
    if fits { Ok(dtype) } else { Err(Fault::ty(format!("indices of type {dtype}"))) }
}

/// Replacing moves any type; combining computes.
fn scattered(x: &Type, kind: ScatterKind) -> Lowered<DType> {
    if kind != ScatterKind::Replace {
        expect_number("a combining scatter", x.dtype)?;
    }
    Ok(x.dtype)
}
