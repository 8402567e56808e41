// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `pow`: x to the power y.
//!
//! exp(y log x), where logarithm and product are sums of two f32 (`double`), so the error stays near half an ULP for
//! all exponents. log2(m) = s (C1 + z (C3 + z P(z))), s = (m - 1) / (m + 1), z = s^2, with C1 and C3 in two parts and P
//! minimax of degree 2 (`tools/minimax.py pow_log2`). 2^f = 1 + u + u^2/2 + u^3 Q(u), u = f ln 2, Q minimax of degree 4
//! (`tools/minimax.py pow_exp`). Straight-line code: special cases are selected at the end.
use super::double::{fast_two_sum, product, sum, two_product, two_sum};
use super::round_even::round_even;

/// 1.5 * 2^23 + 254: adding it to a small number rounds that to an integer n, and leaves n + 254 in the low bits.
const ROUND: f32 = 12_583_166.0;
/// The bits of sqrt(1/2).
const SQRT_HALF: u32 = 0x3f35_04f3;
/// 2 / ln 2.
const C1: (f32, f32) = (2.885_39, 3.851_926e-8);
/// 2 / (3 ln 2).
const C3: (f32, f32) = (0.961_796_7, -7.028_462e-9);
/// ln 2.
const LN2: (f32, f32) = (core::f32::consts::LN_2, -1.904_654_2e-9);

/// `x` to the power `y`, with the special cases of IEEE 754: anything to the power of zero is 1, and 1 to any power is
/// 1, even for NaN; a negative x has powers with integer y only, else NaN; pow(+-0, y < 0) is inf, with the sign of x
/// for odd y; pow(-1, +-inf) = 1. Overflow gives inf, underflow is gradual.
///
/// Error at most 0.6 ULP, 1 ULP if the result is subnormal (sampled). Powers that are exact in f32, such as those of
/// small integers, are computed exactly.
#[inline]
pub fn pow(x: f32, y: f32) -> f32 {
    let a = x.abs();
    let half = 0.5 * y;
    let integer = round_even(y) == y;
    // From 2^24 on every f32 is even.
    let odd = integer & (y.abs() < 16_777_216.0) & (round_even(half) != half);
    let ordinary = exp2(scaled_log2(a, y));
    // Infinity if base and exponent both grow or both shrink, else 0.
    let limit = if (a > 1.0) == (y > 0.0) { f32::INFINITY } else { 0.0 };
    let unbounded = (a == 0.0) | (a == f32::INFINITY);
    let magnitude = if unbounded | (y.abs() == f32::INFINITY) { limit } else { ordinary };
    let magnitude = if a == 1.0 { 1.0 } else { magnitude };
    let negative = x.is_sign_negative();
    let signed = if negative & odd { -magnitude } else { magnitude };
    let undefined = (negative & !integer & !unbounded) | x.is_nan() | y.is_nan();
    let result = if undefined { f32::NAN } else { signed };
    if (y == 0.0) | (x == 1.0) { 1.0 } else { result }
}

/// y * log2(a) as the sum of two f32, for a positive and finite.
#[inline]
fn scaled_log2(a: f32, y: f32) -> (f32, f32) {
    // Beyond 2^40 the result is 0, 1 or inf already; the splitting in the product must not overflow.
    let limit = 1_099_511_627_776.0;
    let y = if y > limit { limit } else { y };
    let y = if y < -limit { -limit } else { y };
    let subnormal = a < f32::MIN_POSITIVE;
    let v = if subnormal { a * 8_388_608.0 } else { a };
    let bias = if subnormal { -23.0 } else { 0.0 };
    let bits = v.to_bits();
    let e = (bits.wrapping_sub(SQRT_HALF) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((e as u32) << 23));
    // s = (m - 1) / (m + 1): the difference is exact, the remainder of the quotient gives its second part.
    let f = m - 1.0;
    let (g, g_lo) = two_sum(m, 1.0);
    let s = f / g;
    let (back, back_lo) = two_product(s, g);
    let s = (s, (((f - back) - back_lo) - s * g_lo) / g);
    let z = product(s, s);
    let tail = z.0 * (0.577_080_2 + z.0 * (0.411_849_86 + z.0 * 0.337_823_36));
    let inner = product(sum(C3.0, (tail, C3.1)), z);
    let log2 = product(sum(C1.0, (inner.0, inner.1 + C1.1)), s);
    product((y, 0.0), sum(e as f32 + bias, log2))
}

/// 2 to the power of a sum of two f32.
#[inline]
fn exp2(t: (f32, f32)) -> f32 {
    // Beyond these bounds the result is inf or 0.
    let hi = if t.0 > 200.0 { 200.0 } else { t.0 };
    let hi = if hi < -200.0 { -200.0 } else { hi };
    let lo = if hi == t.0 { t.1 } else { 0.0 };
    let rounded = hi + ROUND;
    let f = two_sum(hi - (rounded - ROUND), lo);
    let u = product(f, LN2);
    let (square, square_lo) = two_product(u.0, u.0);
    let q =
        0.166_666_48 + u.0 * (0.041_666_48 + u.0 * (0.008_337_864 + u.0 * (0.001_393_347_4 + u.0 * 0.000_173_463_22)));
    let rest = square * u.0 * q;
    // 1 + u + u^2/2 + rest, largest first; the rounding errors are added at the end.
    let (w, e1) = fast_two_sum(1.0, u.0);
    let (w, e2) = fast_two_sum(w, 0.5 * square);
    let y = w + (e2 + (e1 + (rest + (u.1 + (0.5 * square_lo + u.0 * u.1)))));
    // 2^n in two factors, each a normal number: s1 has the exponent field (n + 254) / 2, s2 the rest.
    let bits = rounded.to_bits();
    let s1 = (bits >> 1) << 23;
    let s2 = (bits << 23).wrapping_sub(s1);
    y * f32::from_bits(s1) * f32::from_bits(s2)
}
