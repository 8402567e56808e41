// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `acos`: the inverse cosine, by the polynomial of `asin`.
use super::asin::{HALF_PI_LO, excess, split_root};

/// The inverse cosine of `x`, in [0, pi]. NaN and |x| > 1 give NaN, 1 gives +0.
///
/// Error at most 0.79 ULP.
#[inline]
pub fn acos(x: f32) -> f32 {
    let half_pi = core::f32::consts::FRAC_PI_2;
    let a = x.abs();
    // For a > 1 this is negative, and its root NaN.
    let z = if a > 0.5 { 0.5 * (1.0 - a) } else { a * a };
    let (hi, lo) = split_root(z);
    let e = excess(z);
    // asin(sqrt(z)) = hi + rest.
    let rest = lo + (hi + lo) * e;
    let near_one = 2.0 * (hi + rest);
    let near_minus_one = 2.0 * (half_pi - (hi + (rest - HALF_PI_LO)));
    let large = if x > 0.0 { near_one } else { near_minus_one };
    let small = half_pi - (x - (HALF_PI_LO - x * e));
    if a > 0.5 { large } else { small }
}
