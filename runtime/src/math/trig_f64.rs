// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Shared by `sin_f64`, `cos_f64` and `tan_f64`: the reduction of x to a quadrant and a small angle, and the series of sine and
//! cosine on [-pi/4, pi/4].
//!
//! The reduction is exact for every finite x: it multiplies x by 2/pi in integers, with as many bits of 2/pi as x needs
//! (Payne and Hanek).
use super::double_f64::product;

/// 64 zero bits, then 2/pi, most significant first.
const TWO_OVER_PI: [u64; 20] = [
    0x0000_0000_0000_0000,
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
];
/// pi/2 as the sum of two numbers.
const PI_HALF: (f64, f64) = (core::f64::consts::FRAC_PI_2, 6.123_233_995_736_766e-17);
/// 2^-53.
const UNIT: f64 = 1.110_223_024_625_156_5e-16;

/// An angle in [-pi/4, pi/4] as the sum of two numbers, the second at most half an ULP of the first.
#[derive(Clone, Copy)]
pub(super) struct Angle {
    pub(super) hi: f64,
    pub(super) lo: f64,
}

/// `x` = quadrant * pi/2 + angle modulo 2 pi; the quadrant counts modulo 4. NaN and infinities give a NaN angle.
#[inline]
pub(super) fn reduce(x: f64) -> (u32, Angle) {
    if x.abs() <= core::f64::consts::FRAC_PI_4 {
        return (0, Angle { hi: x, lo: 0.0 });
    }
    if !x.is_finite() {
        return (0, Angle { hi: f64::NAN, lo: 0.0 });
    }
    let bits = x.to_bits();
    // |x| = mantissa * 2^(exponent - 1075), the exponent being at least 1022.
    let mantissa = ((bits & 0x000f_ffff_ffff_ffff) | 0x0010_0000_0000_0000) as u128;
    let exponent = (bits >> 52 & 0x7ff) as u32;
    // The 192 bits of 2/pi that give what is below 4 in the product, the first of weight 2.
    let start = exponent.wrapping_sub(1013);
    let word = |i: u32| TWO_OVER_PI.get((start >> 6).wrapping_add(i) as usize).copied().unwrap_or(0);
    let at = |i: u32| {
        let pair = ((word(i) as u128) << 64) | word(i.wrapping_add(1)) as u128;
        (pair << (start & 63)) >> 64
    };
    let low = mantissa.wrapping_mul(at(2)) >> 64;
    let middle = mantissa.wrapping_mul(at(1)).wrapping_add(low);
    let high = mantissa.wrapping_mul(at(0)).wrapping_add(middle >> 64);
    // Modulo 4, in units of 2^-126 of a quadrant: two bits of quadrant, 126 of fraction.
    let turned = (high << 64) | (middle & 0xffff_ffff_ffff_ffff);
    let quadrant = (turned.wrapping_add(1 << 125) >> 126) as u32;
    // Rounded to the nearest quadrant, the rest is a signed fraction in [-1/2, 1/2).
    let rest = (turned << 2) as i128;
    let angle = to_angle(rest.unsigned_abs());
    let angle = if (rest < 0) != (x < 0.0) { Angle { hi: -angle.hi, lo: -angle.lo } } else { angle };
    (if x < 0.0 { quadrant.wrapping_neg() & 3 } else { quadrant & 3 }, angle)
}

/// fraction * 2^-128 * pi/2 as the sum of two numbers; the fraction is at most 2^127.
#[inline]
fn to_angle(fraction: u128) -> Angle {
    let shift = (fraction | 1).leading_zeros();
    let f = fraction << shift;
    let (first, second) = ((f >> 75) as u64 as f64, (f >> 22 & 0x001f_ffff_ffff_ffff) as u64 as f64);
    let (hi, lo) = product((first * UNIT, second * UNIT * UNIT), PI_HALF);
    let scale = f64::from_bits((1023_u32.wrapping_sub(shift) as u64) << 52);
    Angle { hi: hi * scale, lo: lo * scale }
}

/// The sine of an angle, Taylor's series up to the power 17.
#[inline]
pub(super) fn sin_angle(r: Angle) -> f64 {
    let z = r.hi * r.hi;
    let p = 2.811_457_254_345_520_6e-15;
    let p = 1.605_904_383_682_161_3e-10 + z * (-7.647_163_731_819_816e-13 + z * p);
    let p = 2.755_731_922_398_589_3e-06 + z * (-2.505_210_838_544_172e-08 + z * p);
    let p = 0.008_333_333_333_333_333 + z * (-0.000_198_412_698_412_698_4 + z * p);
    let p = -0.166_666_666_666_666_66 + z * p;
    // d sin = cos dr, and cos r is nearly 1 - z/2.
    let small = z * r.hi * p + (r.lo - 0.5 * z * r.lo);
    // An addition would turn -0 into +0.
    if r.hi == 0.0 { r.hi } else { r.hi + small }
}

/// The cosine of an angle, Taylor's series up to the power 18.
#[inline]
pub(super) fn cos_angle(r: Angle) -> f64 {
    let z = r.hi * r.hi;
    let p = -1.561_920_696_858_622_5e-16;
    let p = -1.147_074_559_772_972_5e-11 + z * (4.779_477_332_387_385e-14 + z * p);
    let p = -2.755_731_922_398_589e-07 + z * (2.087_675_698_786_81e-09 + z * p);
    let p = -0.001_388_888_888_888_889 + z * (2.480_158_730_158_73e-05 + z * p);
    let p = 0.041_666_666_666_666_664 + z * p;
    let h = 0.5 * z;
    let w = 1.0 - h;
    // The rounding error of the subtraction is computed exactly, and added.
    w + (((1.0 - w) - h) + (z * z * p - r.hi * r.lo))
}
