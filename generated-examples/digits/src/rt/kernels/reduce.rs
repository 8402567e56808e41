// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sums, products, maxima and minima along a dimension, for all element types; `reduce_f32` is the fast form for `f32`.
//!
//! The order is fixed, so floats give the same bits everywhere: element `r` belongs to lane `r % 8`; each lane starts
//! from the neutral element (+0, 1, -inf, inf) and takes its elements in ascending order; [`join`] combines the lanes.
//! Integers wrap.
use super::super::terms::sizes::LANES;

/// `((0+4)+(2+6))+((1+5)+(3+7))`, with `op` in place of `+`.
#[inline(always)]
pub fn join<T>([a, b, c, d, e, f, g, h]: [T; LANES], op: impl Fn(T, T) -> T) -> T {
    op(op(op(a, e), op(c, g)), op(op(b, f), op(d, h)))
}
