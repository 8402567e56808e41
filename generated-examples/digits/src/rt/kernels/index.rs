// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Indices of loops over boxes ([`Indices`]), and index values of tensors ([`Index`]).

/// All multi-indices of a box in row-major order: the last dimension runs fastest.
#[derive(Clone, Debug)]
pub struct Indices<const D: usize> {
    dims: [usize; D],
    next: [usize; D],
    left: usize,
}

impl<const D: usize> Indices<D> {
    /// The multi-indices below `dims`: none if a dimension is 0, one if there are no dimensions.
    #[inline]
    pub fn new(dims: [usize; D]) -> Self {
        let mut left = 1;
        for d in dims {
            left *= d;
        }
        Indices { dims, next: [0; D], left }
    }

    /// The multi-indices of the rows along the last dimension, which have 0 there, and the length of a row. No row if
    /// rows are empty.
    #[inline]
    pub fn rows(dims: [usize; D]) -> (Self, usize) {
        let mut rows = Self::new(dims);
        let n = match rows.dims.last_mut() {
            Some(last) => core::mem::replace(last, 1),
            None => 1,
        };
        rows.left = rows.left.checked_div(n).unwrap_or(0);
        (rows, n)
    }
}

impl<const D: usize> Iterator for Indices<D> {
    type Item = [usize; D];

    #[inline]
    fn next(&mut self) -> Option<[usize; D]> {
        self.left = self.left.checked_sub(1)?;
        let at = self.next;
        for (i, d) in self.next.iter_mut().zip(&self.dims).rev() {
            *i += 1;
            if *i < *d {
                break;
            }
            *i = 0;
        }
        Some(at)
    }
}

/// Elements from the first element to the one at `at`.
#[inline]
pub fn offset<const D: usize>(at: &[usize; D], strides: &[usize; D]) -> usize {
    let mut offset = 0;
    for (i, s) in at.iter().zip(strides) {
        offset += i * s;
    }
    offset
}

/// An integer type of index tensors.
pub trait Index: Copy {
    /// The position in a dimension of `len` elements; negative indices count from the end. `None` outside `-len..len`.
    fn resolve(self, len: usize) -> Option<usize>;
}

impl Index for i64 {
    #[inline]
    fn resolve(self, len: usize) -> Option<usize> {
        let from_start = if self < 0 { self.wrapping_add(len as i64) } else { self };
        usize::try_from(from_start).ok().filter(|i| *i < len)
    }
}

impl Index for i32 {
    #[inline]
    fn resolve(self, len: usize) -> Option<usize> {
        i64::from(self).resolve(len)
    }
}

/// The row-major offset of a tuple of indices in a box of `dims`; `None` if an index is out of range.
#[inline]
pub fn resolve_all<I: Index, const K: usize>(index: &[I; K], dims: &[usize; K]) -> Option<usize> {
    let mut offset = 0;
    for (i, d) in index.iter().zip(dims) {
        offset = offset * d + i.resolve(*d)?;
    }
    Some(offset)
}
