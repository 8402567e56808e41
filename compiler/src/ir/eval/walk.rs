//! Walking shapes: multi-indices in row-major order, their offsets, and the three-dimensional view around one axis.

use super::{EvalError, Tensor, Type};
use crate::ir::{Element, Scalar, row_major_strides};

/// Calls `f` with every multi-index of a shape, in row-major order, until it fails.
pub(super) fn try_each_index<E>(shape: &[usize], mut f: impl FnMut(&[usize]) -> Result<(), E>) -> Result<(), E> {
    if shape.contains(&0) {
        return Ok(());
    }
    let mut index = vec![0; shape.len()];
    loop {
        f(&index)?;
        let Some(d) = (0..shape.len()).rev().find(|&d| index[d] + 1 < shape[d]) else { return Ok(()) };
        index[d] += 1;
        index[d + 1..].fill(0);
    }
}

/// The distance of an element from the first one.
pub(super) fn offset(index: &[usize], strides: &[usize]) -> usize {
    index.iter().zip(strides).map(|(i, s)| i * s).sum()
}

/// Strides of an operand within a shape it broadcasts to: 0 along dimensions where it has length 1 or none.
pub(super) fn broadcast_strides(shape: &[usize], to: &[usize]) -> Vec<usize> {
    let mut strides = vec![0; to.len()];
    let own = row_major_strides(shape);
    for (d, s) in strides[to.len() - shape.len()..].iter_mut().enumerate() {
        *s = if shape[d] == 1 { 0 } else { own[d] };
    }
    strides
}

/// A result whose element at each index is the operand's at the offset that `source` gives, or `fill` where it gives none.
pub(super) fn pick(
    x: &Tensor,
    ty: &Type,
    fill: Scalar,
    mut source: impl FnMut(&[usize]) -> Result<Option<usize>, EvalError>,
) -> Result<Tensor, EvalError> {
    let size = ty.dtype.size();
    let fill = fill.bits().to_le_bytes();
    let mut data = Vec::with_capacity(ty.bytes());
    try_each_index(&ty.shape, |index| {
        match source(index)? {
            Some(offset) => data.extend_from_slice(&x.data()[offset * size..][..size]),
            None => data.extend_from_slice(&fill[..size]),
        }
        Ok(())
    })?;
    tensor(ty, data)
}

/// Elements as a Rust type of the same size (bool as u8).
pub(super) fn elements<T: Element>(t: &Tensor) -> Vec<T> {
    bytemuck::allocation::pod_collect_to_vec(t.data())
}

/// A tensor of 8 or 16 bits: the low bits of numbers are those of either type.
pub(super) fn levels(ty: &Type, numbers: impl Iterator<Item = i32>) -> Result<Tensor, EvalError> {
    match ty.dtype.size() {
        1 => tensor(ty, numbers.map(|v| v as u8).collect()),
        _ => tensor(ty, numbers.map(|v| v as u16).collect()),
    }
}

/// A tensor of computed elements.
pub(super) fn tensor<T: Element>(ty: &Type, elements: Vec<T>) -> Result<Tensor, EvalError> {
    Tensor::from_bytes(ty.clone(), bytemuck::allocation::pod_collect_to_vec::<T, u8>(&elements).into())
        .ok_or_else(|| EvalError::IllTyped(format!("the result does not fill {ty}")))
}

/// A tensor seen around one axis: `[outer, n, inner]`.
#[derive(Clone, Copy)]
pub(super) struct Around {
    /// Product of the dimensions before the axis.
    pub(super) outer: usize,
    /// Length of the axis.
    pub(super) n: usize,
    /// Product of the dimensions after the axis.
    pub(super) inner: usize,
}

impl Around {
    /// The view of a shape around a dimension that it has.
    pub(super) fn new(shape: &[usize], axis: usize) -> Around {
        let inner = shape[axis + 1..].iter().product();
        Around { outer: shape[..axis].iter().product(), n: shape[axis], inner }
    }

    /// Every line along the axis: its position among the lines `[outer, inner]`, and the offsets of its elements.
    pub(super) fn lines(self) -> impl Iterator<Item = Vec<usize>> {
        let Around { outer, n, inner } = self;
        (0..outer).flat_map(move |o| (0..inner).map(move |i| (0..n).map(|r| (o * n + r) * inner + i).collect()))
    }
}
