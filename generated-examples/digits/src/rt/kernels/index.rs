// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Indices: those that are walked ([`Indices`]) and those that come with the data ([`Index`]).

/// Every multi-index of a box in row-major order: the last dimension runs fastest.
#[derive(Clone, Debug)]
pub struct Indices<const D: usize> {
    dims: [usize; D],
    next: [usize; D],
    left: usize,
}

impl<const D: usize> Indices<D> {
    /// The multi-indices below `dims`: none where a dimension is 0, one where there are no dimensions.
    #[inline]
    pub fn new(dims: [usize; D]) -> Self {
        let mut left = 1;
        for d in dims {
            left *= d;
        }
        Indices { dims, next: [0; D], left }
    }

    /// The multi-indices of the rows along the last dimension: those in which it is 0; none where rows are empty.
    /// Gives the length of a row too.
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

/// Distance of the element at `at` from the first, in elements.
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
    /// The position that the index names in a dimension of `len` elements: itself, or counted from the end where it
    /// is negative. `None` outside `-len..len`.
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

/// The row-major offset that a tuple of indices names in a box of `dims`; `None` where an index is out of range.
#[inline]
pub fn resolve_all<I: Index, const K: usize>(index: &[I; K], dims: &[usize; K]) -> Option<usize> {
    let mut offset = 0;
    for (i, d) in index.iter().zip(dims) {
        offset = offset * d + i.resolve(*d)?;
    }
    Some(offset)
}
