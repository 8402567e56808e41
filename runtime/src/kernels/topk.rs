// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! ONNX `TopK`: the largest or smallest elements along a dimension and where they are.
//!
//! The results are always in order, best first. Of equal elements the one with the lower index comes first. NaN counts
//! as larger than every number, as numpy sorts it: first with `largest`, last without.
use super::number::Number;

/// `x` is `[outer, n, inner]`; values and indices are `[outer, k, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK {
    /// Product of the dimensions before.
    pub outer: usize,
    /// Length of the dimension.
    pub n: usize,
    /// Product of the dimensions after.
    pub inner: usize,
    /// The number of results, at most `n`.
    pub k: usize,
    /// Selects the largest elements instead of the smallest.
    pub largest: bool,
}

/// The `k` best elements of each column of `x` and their indices along `n`, in time proportional to `n log k`.
pub fn top_k<T: Number>(p: &TopK, x: &[T], values: &mut [T], indices: &mut [i64]) {
    debug_assert!(p.k <= p.n && x.len() == p.outer * p.n * p.inner);
    debug_assert!(values.len() == p.outer * p.k * p.inner && indices.len() == values.len());
    for o in 0..p.outer {
        for column in 0..p.inner {
            let start = o * p.k * p.inner + column;
            let (Some(values), Some(indices)) = (values.get_mut(start..), indices.get_mut(start..)) else { return };
            let mut best = Best { values, indices, stride: p.inner, largest: p.largest };
            let column = (0..p.n).map_while(|i| Some((*x.get((o * p.n + i) * p.inner + column)?, i as i64)));
            best.select(p.k, column);
        }
    }
}

/// The best elements of one column and their indices, as a binary heap with the worst on top.
struct Best<'a, T> {
    values: &'a mut [T],
    indices: &'a mut [i64],
    stride: usize,
    largest: bool,
}

impl<T: Number> Best<'_, T> {
    /// Fills the result with the `k` best elements, in order.
    fn select(&mut self, k: usize, mut elements: impl Iterator<Item = (T, i64)>) {
        for (place, element) in elements.by_ref().take(k).enumerate() {
            self.put(place, element);
        }
        for place in (0..k / 2).rev() {
            self.sift(k, place, self.get(place));
        }
        for element in elements {
            if self.get(0).is_some_and(|worst| self.is_worse(worst, element)) {
                self.sift(k, 0, Some(element));
            }
        }
        // Heap sort: the worst element goes to the end.
        for last in (1..k).rev() {
            let (worst, element) = (self.get(0), self.get(last));
            self.sift(last, 0, element);
            if let Some(worst) = worst {
                self.put(last, worst);
            }
        }
    }

    /// Moves an element from the hole at `place` of a heap of `len` down to its position.
    fn sift(&mut self, len: usize, mut place: usize, element: Option<(T, i64)>) {
        let Some(element) = element else { return };
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            if left >= len {
                break;
            }
            let (Some(l), Some(r)) = (self.get(left), self.get(if right < len { right } else { left })) else { return };
            let (child, below) = if self.is_worse(r, l) { (right, r) } else { (left, l) };
            if !self.is_worse(below, element) {
                break;
            }
            self.put(place, below);
            place = child;
        }
        self.put(place, element);
    }

    /// Whether `a` comes after `b` in the result; a strict order, since indices differ.
    #[inline]
    fn is_worse(&self, a: (T, i64), b: (T, i64)) -> bool {
        let (behind, ahead) = if self.largest { (b.0, a.0) } else { (a.0, b.0) };
        greater(behind, ahead) || !greater(ahead, behind) && a.1 > b.1
    }

    #[inline]
    fn get(&self, place: usize) -> Option<(T, i64)> {
        Some((*self.values.get(place * self.stride)?, *self.indices.get(place * self.stride)?))
    }

    #[inline]
    fn put(&mut self, place: usize, (value, index): (T, i64)) {
        let at = place * self.stride;
        if let (Some(v), Some(i)) = (self.values.get_mut(at), self.indices.get_mut(at)) {
            (*v, *i) = (value, index);
        }
    }
}

/// Whether `a` comes after `b` in numpy's order, which has NaN last.
#[inline]
fn greater<T: Number>(a: T, b: T) -> bool {
    a > b || a.is_nan() && !b.is_nan()
}
