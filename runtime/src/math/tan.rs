// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `tan`: the tangent, as the quotient of sine and cosine of the reduced angle.
use super::trig::{cos_angle, reduce, sin_angle};

/// The tangent of `x` radians, odd to the bit. NaN and infinities give NaN, -0 gives -0.
///
/// Error at most 2.32 ULP.
#[inline]
pub fn tan(x: f32) -> f32 {
    let (quadrant, angle) = reduce(x);
    let (s, c) = (sin_angle(angle), cos_angle(angle));
    if quadrant & 1 == 0 { s / c } else { -c / s }
}
