// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `sin`: the sine.
use super::trig::{cos_angle, reduce, sin_angle};

/// The sine of `x` radians, odd to the bit. NaN and infinities give NaN, -0 gives -0.
///
/// Error at most 0.83 ULP.
#[inline]
pub fn sin(x: f32) -> f32 {
    let (quadrant, angle) = reduce(x);
    let y = if quadrant & 1 == 0 { sin_angle(angle) } else { cos_angle(angle) };
    if quadrant & 2 == 0 { y } else { -y }
}
