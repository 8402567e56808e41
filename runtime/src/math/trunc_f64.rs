// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `trunc_f64`: the integer part.
use super::round_even_f64::round_even_f64;

/// `x` without its fraction; exact. The sign is kept (-0.5 gives -0); NaN gives NaN, infinities give themselves.
#[inline]
pub fn trunc_f64(x: f64) -> f64 {
    let a = x.abs();
    let r = round_even_f64(a);
    let y = if r > a { r - 1.0 } else { r };
    y.copysign(x)
}
