// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `round_even_f64`: the nearest integer, ties to even.

/// 2^52: from here on every f64 is an integer; adding it to a smaller number rounds that to an integer.
const INTEGERS: f64 = 4_503_599_627_370_496.0;

/// The integer nearest to `x`, ties to the even one; exact. The sign is kept (-0.5 gives -0);
/// NaN gives NaN, infinities give themselves.
#[inline]
pub fn round_even_f64(x: f64) -> f64 {
    let a = x.abs();
    let r = (a + INTEGERS) - INTEGERS;
    let y = if a < INTEGERS { r } else { a };
    y.copysign(x)
}
