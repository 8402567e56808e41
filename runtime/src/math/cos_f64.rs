// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `cos_f64`: the cosine, by the reduction of `trig_f64`.
use super::trig_f64::{cos_angle, reduce, sin_angle};

/// The cosine of `x` in radians. NaN and infinities give NaN.
///
/// Error at most 1 ULP (sampled).
#[inline]
pub fn cos_f64(x: f64) -> f64 {
    let (quadrant, angle) = reduce(x);
    let y = if quadrant & 1 == 0 { cos_angle(angle) } else { sin_angle(angle) };
    if (quadrant.wrapping_add(1)) & 2 == 0 { y } else { -y }
}
