// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Copies that only move elements: transposes, slices, parts of concatenations and paddings.
use super::index::Indices;

/// A box of elements that is copied from one strided place to another.
///
/// Dimensions may be listed in any order (the same for both sides), since every order copies the same elements. A long
/// last dimension with a stride of 1 on at least one side is fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StridedCopy<const N: usize> {
    /// Elements per dimension.
    pub dims: [usize; N],
    /// Where the first element lies in `x`.
    pub x_start: usize,
    /// Elements between neighbours in `x` along each dimension; negative walks backwards, 0 repeats.
    pub x_strides: [isize; N],
    /// Where the first element goes in `y`.
    pub y_start: usize,
    /// Elements between neighbours in `y` along each dimension.
    pub y_strides: [isize; N],
}

/// A box of elements that are set to one value: the border of a padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StridedFill<const N: usize> {
    /// Elements per dimension.
    pub dims: [usize; N],
    /// Where the first element lies.
    pub start: usize,
    /// Elements between neighbours along each dimension.
    pub strides: [isize; N],
}

/// `y = x`, for equal lengths.
#[inline]
pub fn copy<T: Copy>(x: &[T], y: &mut [T]) {
    debug_assert!(x.len() == y.len());
    // A loop, since `copy_from_slice` panics on unequal lengths; it compiles to the same memcpy.
    for (y, x) in y.iter_mut().zip(x) {
        *y = *x;
    }
}

/// Sets every element of `y` to `value`.
#[inline]
pub fn fill<T: Copy>(value: T, y: &mut [T]) {
    y.fill(value);
}

/// Copies the box from `x` to `y`; it must lie inside both slices.
pub fn strided_copy<T: Copy, const N: usize>(p: &StridedCopy<N>, x: &[T], y: &mut [T]) {
    let (rows, n) = Indices::rows(p.dims);
    let (x_step, y_step) = (last(&p.x_strides), last(&p.y_strides));
    for at in rows {
        let (from, to) = (place(p.x_start, &at, &p.x_strides), place(p.y_start, &at, &p.y_strides));
        if (x_step, y_step) == (1, 1) {
            let (Some(x), Some(y)) = (x.get(from..from + n), y.get_mut(to..to + n)) else {
                return debug_assert!(false, "strided_copy: a row lies outside");
            };
            copy(x, y);
        } else {
            copy_steps(n, (x, from, x_step), (y, to, y_step));
        }
    }
}

/// Writes `value` to the box, which must lie inside `y`.
pub fn strided_fill<T: Copy, const N: usize>(p: &StridedFill<N>, value: T, y: &mut [T]) {
    let (rows, n) = Indices::rows(p.dims);
    let step = last(&p.strides);
    for at in rows {
        let to = place(p.start, &at, &p.strides);
        if step == 1 {
            let Some(y) = y.get_mut(to..to + n) else {
                return debug_assert!(false, "strided_fill: a row lies outside");
            };
            y.fill(value);
        } else {
            copy_steps(n, (&[value], 0, 0), (y, to, step));
        }
    }
}

/// Copies `n` elements. Source and target are given by slice, first element and step.
fn copy_steps<T: Copy>(
    n: usize,
    (x, mut i, x_step): (&[T], usize, isize),
    (y, mut j, y_step): (&mut [T], usize, isize),
) {
    for _ in 0..n {
        let (Some(x), Some(y)) = (x.get(i), y.get_mut(j)) else {
            return debug_assert!(false, "strided copy: an element lies outside");
        };
        *y = *x;
        i = i.wrapping_add_signed(x_step);
        j = j.wrapping_add_signed(y_step);
    }
}

/// The position of the element at `at`.
#[inline]
fn place<const N: usize>(start: usize, at: &[usize; N], strides: &[isize; N]) -> usize {
    let mut place = start;
    for (i, s) in at.iter().zip(strides) {
        place = place.wrapping_add_signed(*i as isize * s);
    }
    place
}

/// The stride of the last dimension; any stride will do for a box without dimensions.
#[inline]
fn last<const N: usize>(strides: &[isize; N]) -> isize {
    strides.last().copied().unwrap_or(1)
}
