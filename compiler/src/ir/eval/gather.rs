//! Elements chosen by run-time indices.

use super::EvalError;
use super::walk::{offset, pick};
use crate::ir::{Scalar, Tensor, Type, row_major_strides};

/// The elements of an index tensor.
pub(super) fn indices(t: &Tensor) -> Result<Vec<i64>, EvalError> {
    t.to_i64s().ok_or_else(|| EvalError::IllTyped(format!("indices {}", t.ty())))
}

/// An index into a dimension of a length; negative ones count from the end.
pub(super) fn resolve(index: i64, len: usize) -> Result<usize, EvalError> {
    let from_start = if index < 0 { i128::from(index) + len as i128 } else { i128::from(index) };
    usize::try_from(from_start).ok().filter(|&i| i < len).ok_or(EvalError::IndexOutOfRange)
}

/// `Op::Gather`.
pub(super) fn gather(axis: usize, data: &Tensor, at: &Tensor, ty: &Type) -> Result<Tensor, EvalError> {
    let strides = row_major_strides(data.shape());
    let at_strides = row_major_strides(at.shape());
    let at_values = indices(at)?;
    pick(data, ty, Scalar::zero(ty.dtype), |index| {
        let (lead, rest) = index.split_at(axis);
        let (chosen, tail) = rest.split_at(at.ty().rank());
        let i = resolve(at_values[offset(chosen, &at_strides)], data.shape()[axis])?;
        let place = offset(lead, &strides) + i * strides[axis] + offset(tail, &strides[axis + 1..]);
        Ok(Some(place))
    })
}

/// `Op::GatherElements`.
pub(super) fn gather_elements(axis: usize, data: &Tensor, at: &Tensor, ty: &Type) -> Result<Tensor, EvalError> {
    let strides = row_major_strides(data.shape());
    let mut at_values = indices(at)?.into_iter();
    pick(data, ty, Scalar::zero(ty.dtype), |index| {
        let mut place = index.to_vec();
        place[axis] = resolve(at_values.next().ok_or(EvalError::IndexOutOfRange)?, data.shape()[axis])?;
        Ok(Some(offset(&place, &strides)))
    })
}

/// `Op::GatherNd`.
pub(super) fn gather_nd(batch_dims: usize, data: &Tensor, at: &Tensor, ty: &Type) -> Result<Tensor, EvalError> {
    let strides = row_major_strides(data.shape());
    // What gives no elements reads none, whatever the indices are, as with the other gathers.
    let starts = if ty.elements() == 0 { Vec::new() } else { tuples(batch_dims, data, at)? };
    let lead_rank = at.ty().rank() - 1;
    let lead_strides = row_major_strides(&at.shape()[..lead_rank]);
    let depth = at.shape()[lead_rank];
    pick(data, ty, Scalar::zero(ty.dtype), |index| {
        let (lead, tail) = index.split_at(lead_rank);
        Ok(Some(starts[offset(lead, &lead_strides)] + offset(tail, &strides[batch_dims + depth..])))
    })
}

/// Where the slice of each index tuple (a row of the last dimension) starts in `data`; the first dimensions are shared.
pub(super) fn tuples(batch_dims: usize, data: &Tensor, at: &Tensor) -> Result<Vec<usize>, EvalError> {
    let strides = row_major_strides(data.shape());
    let values = indices(at)?;
    let (lead, depth) = at.shape().split_at(at.ty().rank() - 1);
    let depth = depth[0];
    let mut starts = Vec::new();
    super::walk::try_each_index(lead, |index| {
        let mut start = offset(&index[..batch_dims], &strides);
        for (d, &i) in values[starts.len() * depth..][..depth].iter().enumerate() {
            let dim = batch_dims + d;
            start += resolve(i, data.shape()[dim])? * strides[dim];
        }
        starts.push(start);
        Ok(())
    })?;
    Ok(starts)
}
