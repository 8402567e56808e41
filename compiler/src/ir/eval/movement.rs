//! Index maps and concatenation: elements of the operands at other places.

use super::EvalError;
use super::walk::{broadcast_strides, offset, pick, tensor};
use crate::ir::{Movement, Scalar, Tensor, Type, row_major_strides};

/// `Op::Movement`.
pub(super) fn movement(m: &Movement, x: &Tensor, ty: &Type) -> Result<Tensor, EvalError> {
    let strides = row_major_strides(x.shape());
    let zero = Scalar::zero(ty.dtype);
    match m {
        Movement::Reshape { shape } => {
            x.reshaped(shape.clone()).ok_or_else(|| EvalError::IllTyped(format!("{} as {shape:?}", x.ty())))
        }
        Movement::Transpose { perm } => {
            let moved: Vec<usize> = perm.iter().map(|&p| strides[p]).collect();
            pick(x, ty, zero, |index| Ok(Some(offset(index, &moved))))
        }
        Movement::Slice { start, step, .. } => pick(x, ty, zero, |index| {
            let place = |d: usize| start[d].wrapping_add_signed(index[d] as isize * step[d]);
            Ok(Some((0..index.len()).map(|d| place(d) * strides[d]).sum()))
        }),
        Movement::Expand { shape } => {
            let moved = broadcast_strides(x.shape(), shape);
            pick(x, ty, zero, |index| Ok(Some(offset(index, &moved))))
        }
        Movement::Pad { before, value, .. } => pick(x, ty, *value, |index| {
            let inside = |d: usize| index[d].checked_sub(before[d]).filter(|&i| i < x.shape()[d]);
            let inner: Option<Vec<usize>> = (0..index.len()).map(inside).collect();
            Ok(inner.map(|i| offset(&i, &strides)))
        }),
    }
}

/// `Op::Concat`.
pub(super) fn concat(axis: usize, inputs: &[&Tensor], ty: &Type) -> Result<Tensor, EvalError> {
    let outer: usize = ty.shape[..axis].iter().product();
    let mut data: Vec<u8> = Vec::with_capacity(ty.bytes());
    for o in 0..outer {
        for t in inputs {
            let block = t.data().len() / outer;
            data.extend_from_slice(&t.data()[o * block..][..block]);
        }
    }
    tensor(ty, data)
}
