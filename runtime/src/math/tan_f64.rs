// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `tan_f64`: the tangent, by the reduction of `trig_f64`.
use super::trig_f64::{cos_angle, reduce, sin_angle};

/// The tangent of `x` in radians. NaN and infinities give NaN; zeros give themselves.
///
/// Error at most 3 ULP (sampled).
#[inline]
pub fn tan_f64(x: f64) -> f64 {
    let (quadrant, angle) = reduce(x);
    let (sine, cosine) = (sin_angle(angle), cos_angle(angle));
    if quadrant & 1 == 0 { sine / cosine } else { -cosine / sine }
}
