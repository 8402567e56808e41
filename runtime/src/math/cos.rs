// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `cos`: the cosine.
use super::trig::{cos_angle, reduce, sin_angle};

/// The cosine of `x` radians, even to the bit. NaN and infinities give NaN, zeros give 1.
///
/// Error at most 0.83 ULP.
#[inline]
pub fn cos(x: f32) -> f32 {
    let (quadrant, angle) = reduce(x);
    let y = if quadrant & 1 == 0 { cos_angle(angle) } else { sin_angle(angle) };
    // Negative in the second and third quadrant.
    if (quadrant.wrapping_add(1)) & 2 == 0 { y } else { -y }
}
