// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `quantize`: rounds a number to a byte.

/// 1.5 * 2^23: adding it to a number below 2^22 rounds that to an integer in the low bits, ties to even.
const ROUND: f32 = 12_582_912.0;

/// `clamp(round_half_even(x) + zero, lo, hi)`; 0 for NaN. `zero`, `lo` and `hi` lie within 255 of each other, and
/// `lo <= hi`.
#[inline]
pub fn quantize(x: f32, zero: i32, lo: i32, hi: i32) -> i32 {
    let (least, most) = ((lo - zero) as f32, (hi - zero) as f32);
    let v = if x > least { x } else { least };
    let v = if v < most { v } else { most };
    let rounded = (v + ROUND).to_bits() as i32 - ROUND.to_bits() as i32 + zero;
    if x.is_nan() { 0 } else { rounded }
}
