// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `ceil`: the smallest integer not below x.
use super::round_even::round_even;

/// The smallest integer not below `x`; exact. The sign is kept (-0.5 gives -0); NaN gives NaN, infinities
/// give themselves.
#[inline]
pub fn ceil(x: f32) -> f32 {
    let r = round_even(x);
    let y = if r < x { r + 1.0 } else { r };
    y.copysign(x)
}
