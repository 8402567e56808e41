// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `floor`: the largest integer not above x.
use super::round_even::round_even;

/// The largest integer not above `x`; exact. -0 gives -0, NaN gives NaN, infinities give themselves.
#[inline]
pub fn floor(x: f32) -> f32 {
    let r = round_even(x);
    if r > x { r - 1.0 } else { r }
}
