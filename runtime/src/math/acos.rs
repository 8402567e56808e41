// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `acos`: the inverse cosine, by the polynomial of `asin`.

use super::asin::{excess, split_root};

/// pi/2 = FRAC_PI_2 + HALF_PI_LO.
const HALF_PI_LO: f32 = -4.371_139e-8;

/// The inverse cosine of `x`, in [0, pi]. NaN and |x| > 1 give NaN, 1 gives +0.
#[inline]
pub fn acos(x: f32) -> f32 {
    let half_pi = core::f32::consts::FRAC_PI_2;
    let a = x.abs();
    if a <= 0.5 {
        return half_pi - (x - (HALF_PI_LO - x * excess(x * x)));
    }
    let z = 0.5 * (1.0 - a);
    if z.is_nan() || z < 0.0 {
        return f32::NAN;
    }
    let (hi, lo) = split_root(z);
    // asin(sqrt(z)) = hi + rest.
    let rest = lo + (hi + lo) * excess(z);
    if x > 0.0 { 2.0 * (hi + rest) } else { 2.0 * (half_pi - (hi + (rest - HALF_PI_LO))) }
}
