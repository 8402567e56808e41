// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `trunc`: the integer part.
use super::round_even::round_even;

/// `x` without its fraction; exact. The sign is kept (-0.5 gives -0); NaN gives NaN, infinities give themselves.
#[inline]
pub fn trunc(x: f32) -> f32 {
    let a = x.abs();
    let r = round_even(a);
    let y = if r > a { r - 1.0 } else { r };
    y.copysign(x)
}
