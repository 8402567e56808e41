// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `sin_f64`: the sine, by the reduction of `trig_f64`.
use super::trig_f64::{cos_angle, reduce, sin_angle};

/// The sine of `x` in radians. NaN and infinities give NaN; zeros give themselves.
///
/// Error at most 1 ULP (sampled).
#[inline]
pub fn sin_f64(x: f64) -> f64 {
    let (quadrant, angle) = reduce(x);
    let y = if quadrant & 1 == 0 { sin_angle(angle) } else { cos_angle(angle) };
    if quadrant & 2 == 0 { y } else { -y }
}
