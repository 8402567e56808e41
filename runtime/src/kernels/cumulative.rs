// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Running sums and products along a dimension: ONNX `CumSum` and `CumProd`.
//!
//! The running value starts from 0 (for products: 1) and takes one element after another. Integers wrap.
use super::copy::copy;
use super::number::Number;

/// `x` and `y` are `[outer, n, inner]`; the running value goes along `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cumulative {
    /// Product of the dimensions before.
    pub outer: usize,
    /// Length of the dimension.
    pub n: usize,
    /// Product of the dimensions after.
    pub inner: usize,
    /// Leaves each element out of its own result.
    pub exclusive: bool,
    /// Goes from the last element to the first.
    pub reverse: bool,
}

/// Running sums of `x` in `y`.
pub fn cumulative_sum<T: Number>(p: &Cumulative, x: &[T], y: &mut [T]) {
    copy(x, y);
    cumulative_sum_in_place(p, y);
}

/// Running sums that replace their elements.
pub fn cumulative_sum_in_place<T: Number>(p: &Cumulative, xy: &mut [T]) {
    cumulate(p, xy, T::ZERO, T::add);
}

/// Running products of `x` in `y`.
pub fn cumulative_product<T: Number>(p: &Cumulative, x: &[T], y: &mut [T]) {
    copy(x, y);
    cumulative_product_in_place(p, y);
}

/// Running products that replace their elements.
pub fn cumulative_product_in_place<T: Number>(p: &Cumulative, xy: &mut [T]) {
    cumulate(p, xy, T::ONE, T::mul);
}

fn cumulate<T: Copy>(p: &Cumulative, xy: &mut [T], start: T, op: impl Fn(T, T) -> T) {
    debug_assert!(xy.len() == p.outer * p.n * p.inner);
    for o in 0..p.outer {
        for column in 0..p.inner {
            let mut running = start;
            for i in 0..p.n {
                let i = if p.reverse { p.n - 1 - i } else { i };
                let Some(xy) = xy.get_mut((o * p.n + i) * p.inner + column) else { return };
                let next = op(running, *xy);
                *xy = if p.exclusive { running } else { next };
                running = next;
            }
        }
    }
}
