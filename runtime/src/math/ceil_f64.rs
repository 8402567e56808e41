// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `ceil_f64`: the smallest integer not below x.
use super::round_even_f64::round_even_f64;

/// The smallest integer not below `x`; exact. The sign is kept (-0.5 gives -0); NaN gives NaN, infinities
/// give themselves.
#[inline]
pub fn ceil_f64(x: f64) -> f64 {
    let r = round_even_f64(x);
    let y = if r < x { r + 1.0 } else { r };
    y.copysign(x)
}
