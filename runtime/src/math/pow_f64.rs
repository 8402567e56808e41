// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `pow_f64`: x to the power y. As `pow`, with three coefficients of the logarithm in two parts and P of degree 6
//! (`tools/minimax.py pow_log2_f64`), Q of degree 9 (`tools/minimax.py pow_exp_f64`).
use super::double_f64::{fast_two_sum, product, sum, two_product, two_sum};
use super::round_even_f64::round_even_f64;

/// The bits of sqrt(1/2).
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// 2 / ln 2.
const C1: (f64, f64) = (2.885_390_081_777_926_7, 4.071_054_748_186_206_6e-17);
/// 2 / (3 ln 2).
const C3: (f64, f64) = (0.961_796_693_925_975_6, 5.057_761_664_812_590_7e-17);
/// 2 / (5 ln 2).
const C5: (f64, f64) = (0.577_078_016_355_585_3, 5.255_103_048_137_867_5e-17);
/// ln 2.
const LN2: (f64, f64) = (core::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);

/// `x` to the power `y`, with the special cases of IEEE 754: see `pow`.
///
/// Error at most 0.6 ULP, 1 ULP if the result is subnormal (sampled).
#[inline]
pub fn pow_f64(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    let a = x.abs();
    let integer = round_even_f64(y) == y;
    let odd = integer && y.abs() < 9_007_199_254_740_992.0 && round_even_f64(0.5 * y) != 0.5 * y;
    let magnitude = if a == 1.0 {
        1.0
    } else if a == 0.0 || a == f64::INFINITY || y.abs() == f64::INFINITY {
        // Infinity if base and exponent both grow or both shrink, else 0.
        if (a > 1.0) == (y > 0.0) { f64::INFINITY } else { 0.0 }
    } else {
        exp2(scaled_log2(a, y))
    };
    if x.is_sign_negative() {
        if odd {
            return -magnitude;
        }
        if !integer && a != 0.0 && a != f64::INFINITY {
            return f64::NAN;
        }
    }
    magnitude
}

/// y * log2(a) as the sum of two f64, for a positive and finite.
#[inline]
fn scaled_log2(a: f64, y: f64) -> (f64, f64) {
    // Beyond 2^66 the result is 0, 1 or inf already; the splitting in the product must not overflow.
    let limit = 73_786_976_294_838_206_464.0;
    let y = if y > limit { limit } else { y };
    let y = if y < -limit { -limit } else { y };
    let subnormal = a < f64::MIN_POSITIVE;
    let v = if subnormal { a * 4_503_599_627_370_496.0 } else { a };
    let bias = if subnormal { -52.0 } else { 0.0 };
    let bits = v.to_bits();
    let e = (bits.wrapping_sub(SQRT_HALF) as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub((e as u64) << 52));
    // s = (m - 1) / (m + 1): the difference is exact, the remainder of the quotient gives its second part.
    let f = m - 1.0;
    let (g, g_lo) = two_sum(m, 1.0);
    let s = f / g;
    let (back, back_lo) = two_product(s, g);
    let s = (s, (((f - back) - back_lo) - s * g_lo) / g);
    let z = product(s, s);
    let tail = 0.192_394_391_174_220_44 + z.0 * (0.168_579_519_878_379_88 + z.0 * 0.171_839_352_323_487_43);
    let tail = 0.262_308_195_362_210_23 + z.0 * (0.221_952_470_371_619_22 + z.0 * tail);
    let tail = z.0 * (0.412_198_583_111_198_56 + z.0 * (0.320_598_897_943_461_75 + z.0 * tail));
    let inner = product(sum(C5, (tail, 0.0)), z);
    let inner = product(sum(C3, inner), z);
    let log2 = product(sum(C1, inner), s);
    product((y, 0.0), sum((e as i32 as f64 + bias, 0.0), log2))
}

/// 2 to the power of a sum of two f64.
#[inline]
fn exp2(t: (f64, f64)) -> f64 {
    // Beyond these bounds the result is inf or 0.
    let t = if t.0 > 1200.0 { (1200.0, 0.0) } else { t };
    let t = if t.0 < -1200.0 { (-1200.0, 0.0) } else { t };
    let n = round_even_f64(t.0);
    let f = two_sum(t.0 - n, t.1);
    let u = product(f, LN2);
    let (square, square_lo) = two_product(u.0, u.0);
    let q = 2.511_398_886_748_459e-8 + u.0 * 2.097_848_442_011_61e-9;
    let q = 2.755_722_861_358_766e-6 + u.0 * (2.755_706_779_228_093_5e-7 + u.0 * q);
    let q = 0.000_198_412_699_033_698_03 + u.0 * (0.000_024_801_587_558_010_924 + u.0 * q);
    let q = 0.008_333_333_333_313_894 + u.0 * (0.001_388_888_888_877_800_4 + u.0 * q);
    let q = 0.166_666_666_666_666_88 + u.0 * (0.041_666_666_666_666_824 + u.0 * q);
    let rest = square * u.0 * q;
    // 1 + u + u^2/2 + rest, largest first; the rounding errors are added at the end.
    let (w, e1) = fast_two_sum(1.0, u.0);
    let (w, e2) = fast_two_sum(w, 0.5 * square);
    let y = w + (e2 + (e1 + (rest + (u.1 + (0.5 * square_lo + u.0 * u.1)))));
    // 2^n in two factors: some results need exponents beyond those of one normal factor.
    let n = n as i32;
    let half = n >> 1;
    let power = |k: i32| f64::from_bits((k.wrapping_add(1023) as u64) << 52);
    y * power(half) * power(n.wrapping_sub(half))
}
