// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Copies that only move elements: transposes, slices, parts of concatenations and paddings.

/// `y = x`, for equal lengths.
#[inline]
pub fn copy<T: Copy>(x: &[T], y: &mut [T]) {
    debug_assert!(x.len() == y.len());
    // A loop, since `copy_from_slice` panics on unequal lengths; it compiles to the same memcpy.
    for (y, x) in y.iter_mut().zip(x) {
        *y = *x;
    }
}
