// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! ONNX `TopK`: the largest or smallest elements along a dimension and where they are.
//!
//! The result is in order, best first, whether or not that is asked for. Of equal elements the one of lower index comes
//! first. NaN counts as larger than every number, as numpy sorts it: `largest` gives NaN first, `smallest` gives it last.

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
    /// How many elements are wanted, at most `n`.
    pub k: usize,
    /// The largest, else the smallest.
    pub largest: bool,
}

/// The `k` best elements of each column of `x` and their indices along `n`.
///
/// Each element is inserted into the results so far: the time is that of reading `x` where `k` is small, and grows with
/// `k * k` where most elements are wanted.
pub fn top_k<T: Number>(p: &TopK, x: &[T], values: &mut [T], indices: &mut [i64]) {
    debug_assert!(p.k <= p.n && x.len() == p.outer * p.n * p.inner);
    debug_assert!(values.len() == p.outer * p.k * p.inner && indices.len() == values.len());
    for o in 0..p.outer {
        for column in 0..p.inner {
            let y_start = o * p.k * p.inner + column;
            let (Some(values), Some(indices)) = (values.get_mut(y_start..), indices.get_mut(y_start..)) else { return };
            for i in 0..p.n {
                let Some(x) = x.get((o * p.n + i) * p.inner + column) else { return };
                let filled = if i < p.k { i } else { p.k };
                insert(p, filled, (*x, i as i64), values, indices);
            }
        }
    }
}

/// Puts an element, later than all before it, in its place among the first `filled` of a column of results.
fn insert<T: Number>(p: &TopK, filled: usize, (x, index): (T, i64), values: &mut [T], indices: &mut [i64]) {
    let better = |other: T| if p.largest { greater(x, other) } else { greater(other, x) };
    let mut place = filled;
    while place > 0 {
        let from = (place - 1) * p.inner;
        let (Some(&value), Some(&at)) = (values.get(from), indices.get(from)) else { return };
        if !better(value) {
            break;
        }
        put(p, place, (value, at), values, indices);
        place -= 1;
    }
    put(p, place, (x, index), values, indices);
}

/// Writes one result; those past the `k`th fall out.
#[inline]
fn put<T: Copy>(p: &TopK, place: usize, (value, at): (T, i64), values: &mut [T], indices: &mut [i64]) {
    if place < p.k
        && let (Some(v), Some(i)) = (values.get_mut(place * p.inner), indices.get_mut(place * p.inner))
    {
        (*v, *i) = (value, at);
    }
}

/// Whether `a` comes after `b` in numpy's order, where NaN is last.
#[inline]
fn greater<T: Number>(a: T, b: T) -> bool {
    a > b || a.is_nan() && !b.is_nan()
}
