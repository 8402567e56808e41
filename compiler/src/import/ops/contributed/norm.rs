//! Normalizations of rows, behind sums.

use crate::import::node::{Fault, Imported, NodeCx};
use crate::ir::formula::{Term, x};
use crate::ir::{DType, Op, Type, ValueId};

/// The dimensions from `axis` on normalized, with the mean subtracted or not, by a scale and perhaps a bias; f16 and bf16 are computed in
/// f32.
pub(super) fn rows(
    cx: &mut NodeCx<'_>,
    v: ValueId,
    axis: usize,
    default_epsilon: f32,
    (center, scale, bias): (bool, ValueId, Option<ValueId>),
) -> Imported {
    let ty = cx.ty(v);
    let dtype = ty.dtype;
    if !dtype.is_float() {
        return Err(Fault::ty(format!("the operand must be of a float type, not {dtype}")));
    }
    let epsilon = cx.float("epsilon", default_epsilon)?;
    let row = Type::new(DType::F32, ty.shape.get(axis..).unwrap_or_default());
    let operands: Vec<ValueId> = [Some(scale), bias].into_iter().flatten().collect();
    let mut wide = vec![cx.cast(v, DType::F32)?];
    for &operand in &operands {
        let v = cx.cast(operand, DType::F32)?;
        if cx.ty(v) != row {
            return Err(Fault::shape(format!("{} should have the shape {:?}", cx.ty(operand), row.shape)));
        }
        wide.push(v);
    }
    let op = Op::Norm { axis, center, epsilon, scale: true, bias: bias.is_some() };
    let y = cx.emit(op, &wide)?;
    cx.cast(y, dtype)
}

/// The normalization of the sum of an operand, what skips a layer, and perhaps a row; the sum is a result too. With the mean subtracted it
/// has a bias of its own.
pub(super) fn skip(cx: &mut NodeCx<'_>, center: bool) -> Imported {
    let (operand, skipped, scale) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    let (bias, row) = if center { (cx.opt(3), cx.opt(4)) } else { (None, cx.opt(3)) };
    if cx.wants(1) || cx.wants(2) {
        return Err(Fault::form("mean or deviation as results").help("they are for training: export for inference"));
    }
    let shape = cx.shape(operand);
    let dtype = cx.dtype(operand);
    let mut operands = vec![operand, skipped];
    let mut sum = x(0) + x(1);
    if let Some(row) = row {
        // As ONNX Runtime adds them: the row comes last.
        sum = sum + x(2);
        operands.push(row);
    }
    let sum = cx.map(wide(&sum, dtype), &operands)?;
    if cx.shape(sum) != shape || shape.is_empty() {
        return Err(Fault::shape(format!("{} does not broadcast to {shape:?}", cx.ty(skipped))));
    }
    cx.set(3, sum);
    rows(cx, sum, shape.len() - 1, 1e-12, (center, scale, bias))
}

/// A formula of a float type; of f16 and bf16 it is computed in f32.
fn wide(y: &Term, dtype: DType) -> crate::ir::Expr {
    y.expr_within(dtype, if dtype == DType::F64 { dtype } else { DType::F32 })
}
