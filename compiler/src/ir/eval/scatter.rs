//! Elements written to places that run-time indices choose.

use super::gather::{indices, resolve, tuples};
use super::number::{Number, with_number};
use super::walk::{elements, offset, tensor, try_each_index};
use super::{EvalError, unsupported};
use crate::ir::{ScatterKind, Tensor, row_major_strides};

/// `Op::ScatterElements`; operands `data`, `indices`, `updates`.
pub(super) fn scatter_elements(axis: usize, kind: ScatterKind, inputs: &[&Tensor]) -> Result<Tensor, EvalError> {
    let (data, at) = (inputs[0], inputs[1]);
    let strides = row_major_strides(data.shape());
    let values = indices(at)?;
    let mut places = Vec::with_capacity(values.len());
    try_each_index(at.shape(), |index| {
        let mut place = index.to_vec();
        place[axis] = resolve(values[places.len()], data.shape()[axis])?;
        places.push(offset(&place, &strides));
        Ok(())
    })?;
    scatter(kind, data, inputs[2], &places)
}

/// `Op::ScatterNd`; operands `data`, `indices`, `updates`.
pub(super) fn scatter_nd(kind: ScatterKind, inputs: &[&Tensor]) -> Result<Tensor, EvalError> {
    let (data, at) = (inputs[0], inputs[1]);
    let depth = at.shape().last().copied().unwrap_or(0);
    let slice: usize = data.shape()[depth..].iter().product();
    let starts = tuples(0, data, at)?;
    let places: Vec<usize> = starts.iter().flat_map(|&s| s..s + slice).collect();
    scatter(kind, data, inputs[2], &places)
}

/// `data` after each update, in row-major order, has met the element at its place.
fn scatter(kind: ScatterKind, data: &Tensor, updates: &Tensor, places: &[usize]) -> Result<Tensor, EvalError> {
    match kind {
        ScatterKind::Replace => {
            let size = data.dtype().size();
            let mut y = data.data().to_vec();
            for (&place, update) in places.iter().zip(updates.data().chunks_exact(size)) {
                y[place * size..][..size].copy_from_slice(update);
            }
            tensor(data.ty(), y)
        }
        ScatterKind::Add | ScatterKind::Mul | ScatterKind::Max | ScatterKind::Min => {
            with_number!(data.dtype(), T => {
                let mut y = elements::<T>(data);
                for (&place, update) in places.iter().zip(elements::<T>(updates)) {
                    y[place] = meet(kind, y[place], update);
                }
                tensor(data.ty(), y)
            }, else Err(unsupported("scattered arithmetic", data.dtype())))
        }
    }
}

fn meet<T: Number>(kind: ScatterKind, old: T, new: T) -> T {
    match kind {
        ScatterKind::Replace => new,
        ScatterKind::Add => old.plus(new),
        ScatterKind::Mul => old.times(new),
        ScatterKind::Max => old.larger(new),
        ScatterKind::Min => old.smaller(new),
    }
}
