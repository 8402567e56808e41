// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! ONNX `ScatterElements` and `ScatterND`: elements written at run-time indices.
//!
//! `y` holds a copy of the data before the call. An element becomes `combine(old, new)`: `|_, u| u` replaces it, and
//! functions such as `Number::add` reduce. Updates are applied in row-major order, so the last of several replacements
//! wins, and sums of floats have a fixed order. Negative indices count from the end. The first index outside its
//! dimension ends the kernel with [`DataError::IndexOutOfRange`]; part of `y` is updated then.
use super::super::error::DataError;
use super::index::{Index, Indices, offset, resolve_all};

/// Single elements: each index replaces its own position along one dimension. `indices` and `updates` are dense, with
/// shape `dims`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScatterElements<const N: usize> {
    /// Shape of `indices` and `updates`.
    pub dims: [usize; N],
    /// Strides of `y`, with 0 for the indexed dimension.
    pub y_strides: [usize; N],
    /// Length of the indexed dimension in `y`.
    pub axis: usize,
    /// Stride of the indexed dimension in `y`.
    pub axis_stride: usize,
}

/// Slices, selected by tuples of indices: `y [dims.., inner]`, `indices [count, K]`, `updates [count, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScatterNd<const K: usize> {
    /// Tuples of indices.
    pub count: usize,
    /// The indexed dimensions of `y`.
    pub dims: [usize; K],
    /// Product of the dimensions of `y` after the indexed ones.
    pub inner: usize,
}

/// `y[.., indices[.., j, ..], ..] = combine(old, updates[.., j, ..])`, where `old` is the element at that place.
///
/// # Errors
/// [`DataError::IndexOutOfRange`].
pub fn scatter_elements<T: Copy, I: Index, const N: usize>(
    p: &ScatterElements<N>,
    indices: &[I],
    updates: &[T],
    y: &mut [T],
    combine: impl Fn(T, T) -> T,
) -> Result<(), DataError> {
    let (rows, n) = Indices::rows(p.dims);
    let step = p.y_strides.last().copied().unwrap_or(0);
    debug_assert!(indices.len() == updates.len());
    for (r, at) in rows.enumerate() {
        let (Some(updates), Some(indices)) = (updates.get(r * n..r * n + n), indices.get(r * n..r * n + n)) else {
            debug_assert!(false, "scatter_elements: a row lies outside");
            return Ok(());
        };
        let start = offset(&at, &p.y_strides);
        for (i, (update, index)) in updates.iter().zip(indices).enumerate() {
            let index = index.resolve(p.axis).ok_or(DataError::IndexOutOfRange)?;
            let y = y.get_mut(start + i * step + index * p.axis_stride);
            debug_assert!(y.is_some());
            if let Some(y) = y {
                *y = combine(*y, *update);
            }
        }
    }
    Ok(())
}

/// `y[indices[j, 0], indices[j, 1], .., ..] = combine(old, updates[j, ..])`, where `old` is the element at that place.
///
/// # Errors
/// [`DataError::IndexOutOfRange`].
pub fn scatter_nd<T: Copy, I: Index, const K: usize>(
    p: &ScatterNd<K>,
    indices: &[I],
    updates: &[T],
    y: &mut [T],
    combine: impl Fn(T, T) -> T,
) -> Result<(), DataError> {
    let n = p.inner;
    debug_assert!(indices.len() == p.count * K && updates.len() == p.count * n);
    for (j, tuple) in indices.as_chunks::<K>().0.iter().enumerate() {
        let i = resolve_all(tuple, &p.dims).ok_or(DataError::IndexOutOfRange)?;
        let (Some(updates), Some(y)) = (updates.get(j * n..j * n + n), y.get_mut(i * n..i * n + n)) else {
            debug_assert!(false, "scatter_nd: a slice lies outside");
            return Ok(());
        };
        for (y, update) in y.iter_mut().zip(updates) {
            *y = combine(*y, *update);
        }
    }
    Ok(())
}
