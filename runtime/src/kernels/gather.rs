// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! ONNX `Gather`, `GatherElements` and `GatherND`: elements selected by run-time indices.
//!
//! Negative indices count from the end. The first index outside its dimension ends the kernel with
//! [`DataError::IndexOutOfRange`]; part of `y` is written then.
use super::super::error::DataError;
use super::copy::copy;
use super::index::{Index, Indices, offset, resolve_all};

/// Slices along one dimension: `x [outer, axis, inner]`, `indices [count]`, `y [outer, count, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather {
    /// Product of the dimensions before the indexed one.
    pub outer: usize,
    /// Length of the indexed dimension.
    pub axis: usize,
    /// Product of the dimensions after the indexed one.
    pub inner: usize,
    /// Number of indices.
    pub count: usize,
}

/// Single elements: each index replaces its own position along one dimension. `indices` and `y` are dense, with shape
/// `dims`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatherElements<const N: usize> {
    /// Shape of `indices` and `y`.
    pub dims: [usize; N],
    /// Strides of `x`, with 0 for the indexed dimension.
    pub x_strides: [usize; N],
    /// Length of the indexed dimension in `x`.
    pub axis: usize,
    /// Stride of the indexed dimension in `x`.
    pub axis_stride: usize,
}

/// Slices, selected by tuples of indices: `x [batch, dims.., inner]`, `indices [batch, count, K]`,
/// `y [batch, count, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatherNd<const K: usize> {
    /// Product of the leading dimensions that `x` and `indices` share.
    pub batch: usize,
    /// Tuples of indices per batch.
    pub count: usize,
    /// The indexed dimensions of `x`.
    pub dims: [usize; K],
    /// Product of the dimensions of `x` after the indexed ones.
    pub inner: usize,
}

/// `y[o, j, ..] = x[o, indices[j], ..]`.
///
/// # Errors
/// [`DataError::IndexOutOfRange`].
pub fn gather<T: Copy, I: Index>(p: &Gather, x: &[T], indices: &[I], y: &mut [T]) -> Result<(), DataError> {
    debug_assert!(x.len() == p.outer * p.axis * p.inner && indices.len() == p.count);
    debug_assert!(y.len() == p.outer * p.count * p.inner);
    for o in 0..p.outer {
        for (j, index) in indices.iter().enumerate() {
            let i = index.resolve(p.axis).ok_or(DataError::IndexOutOfRange)?;
            copy_slice(p.inner, (x, o * p.axis + i), (y, o * p.count + j));
        }
    }
    Ok(())
}

/// `y[.., j, ..] = x[.., indices[.., j, ..], ..]`.
///
/// # Errors
/// [`DataError::IndexOutOfRange`].
pub fn gather_elements<T: Copy, I: Index, const N: usize>(
    p: &GatherElements<N>,
    x: &[T],
    indices: &[I],
    y: &mut [T],
) -> Result<(), DataError> {
    let (rows, n) = Indices::rows(p.dims);
    let step = p.x_strides.last().copied().unwrap_or(0);
    debug_assert!(indices.len() == y.len());
    for (r, at) in rows.enumerate() {
        let (Some(y), Some(indices)) = (y.get_mut(r * n..r * n + n), indices.get(r * n..r * n + n)) else {
            debug_assert!(false, "gather_elements: a row lies outside");
            return Ok(());
        };
        let start = offset(&at, &p.x_strides);
        for (i, (y, index)) in y.iter_mut().zip(indices).enumerate() {
            let index = index.resolve(p.axis).ok_or(DataError::IndexOutOfRange)?;
            let x = x.get(start + i * step + index * p.axis_stride);
            debug_assert!(x.is_some());
            *y = x.copied().unwrap_or(*y);
        }
    }
    Ok(())
}

/// `y[b, j, ..] = x[b, indices[b, j, 0], indices[b, j, 1], .., ..]`.
///
/// # Errors
/// [`DataError::IndexOutOfRange`].
pub fn gather_nd<T: Copy, I: Index, const K: usize>(
    p: &GatherNd<K>,
    x: &[T],
    indices: &[I],
    y: &mut [T],
) -> Result<(), DataError> {
    let slices: usize = p.dims.iter().product();
    debug_assert!(x.len() == p.batch * slices * p.inner && y.len() == p.batch * p.count * p.inner);
    let mut tuples = indices.as_chunks::<K>().0.iter().enumerate();
    for b in 0..p.batch {
        for (j, tuple) in tuples.by_ref().take(p.count) {
            let i = resolve_all(tuple, &p.dims).ok_or(DataError::IndexOutOfRange)?;
            copy_slice(p.inner, (x, b * slices + i), (y, j));
        }
    }
    Ok(())
}

/// Copies slice `i` of `x` to slice `j` of `y`; slices have `n` elements.
fn copy_slice<T: Copy>(n: usize, (x, i): (&[T], usize), (y, j): (&mut [T], usize)) {
    let (Some(x), Some(y)) = (x.get(i * n..i * n + n), y.get_mut(j * n..j * n + n)) else {
        return debug_assert!(false, "gather: a slice lies outside");
    };
    copy(x, y);
}
