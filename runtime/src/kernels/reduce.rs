// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sums, products, maxima and minima along a dimension, for all element types; `reduce_f32` is the fast form for `f32`.
//!
//! The order is fixed, so floats give the same bits everywhere: element `r` belongs to lane `r % 8`; each lane starts
//! from the neutral element (+0, 1, -inf, inf) and takes its elements in ascending order; [`join`] combines the lanes.
//! Integers wrap.
use super::super::terms::sizes::LANES;
use super::number::Number;

/// `x` is `[outer, n, inner]`, `y` is `[outer, inner]`. If `n` is 0, the result is the neutral element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// Product of the dimensions before.
    pub outer: usize,
    /// Length of the reduced dimension, or the product of neighbouring ones.
    pub n: usize,
    /// Product of the dimensions after.
    pub inner: usize,
}

/// The sum of each column.
pub fn reduce_sum<T: Number>(p: &Reduce, x: &[T], y: &mut [T]) {
    reduce(p, x, y, T::ZERO, T::add);
}

/// The product of each column.
pub fn reduce_prod<T: Number>(p: &Reduce, x: &[T], y: &mut [T]) {
    reduce(p, x, y, T::ONE, T::mul);
}

/// The largest element of each column; NaN if an element is NaN.
pub fn reduce_max<T: Number>(p: &Reduce, x: &[T], y: &mut [T]) {
    reduce(p, x, y, T::LOWEST, T::max);
}

/// The smallest element of each column; NaN if an element is NaN.
pub fn reduce_min<T: Number>(p: &Reduce, x: &[T], y: &mut [T]) {
    reduce(p, x, y, T::HIGHEST, T::min);
}

/// `((0+4)+(2+6))+((1+5)+(3+7))`, with `op` in place of `+`.
#[inline(always)]
pub fn join<T>([a, b, c, d, e, f, g, h]: [T; LANES], op: impl Fn(T, T) -> T) -> T {
    op(op(op(a, e), op(c, g)), op(op(b, f), op(d, h)))
}

fn reduce<T: Copy>(p: &Reduce, x: &[T], y: &mut [T], start: T, op: impl Fn(T, T) -> T) {
    debug_assert!(x.len() == p.outer * p.n * p.inner && y.len() == p.outer * p.inner);
    for o in 0..p.outer {
        for column in 0..p.inner {
            let element = |i: usize| x.get((o * p.n + i) * p.inner + column);
            let lane = |lane| (lane..p.n).step_by(LANES).filter_map(element).fold(start, |acc, x| op(acc, *x));
            let lanes: [T; LANES] = core::array::from_fn(lane);
            if let Some(y) = y.get_mut(o * p.inner + column) {
                *y = join(lanes, &op);
            }
        }
    }
}
