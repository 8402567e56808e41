// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `round_even`: the nearest integer, ties to even.

/// 2^23: from here on every f32 is an integer; adding it to a smaller number rounds that to an integer.
const INTEGERS: f32 = 8_388_608.0;

/// The integer nearest to `x`, ties to the even one; exact. The sign is kept (-0.5 gives -0);
/// NaN gives NaN, infinities give themselves.
#[inline]
pub fn round_even(x: f32) -> f32 {
    let a = x.abs();
    let r = (a + INTEGERS) - INTEGERS;
    let y = if a < INTEGERS { r } else { a };
    y.copysign(x)
}
