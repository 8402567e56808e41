// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `floor_f64`: the largest integer not above x.
use super::round_even_f64::round_even_f64;

/// The largest integer not above `x`; exact. -0 gives -0, NaN gives NaN, infinities give themselves.
#[inline]
pub fn floor_f64(x: f64) -> f64 {
    let r = round_even_f64(x);
    if r > x { r - 1.0 } else { r }
}
