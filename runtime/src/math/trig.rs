// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Shared by `sin`, `cos` and `tan`: the reduction of x to a quadrant and a small angle, and the polynomials of sine
//! and cosine on [-pi/4, pi/4].
//!
//! The reduction is exact for every finite x: it multiplies x by 2/pi in integers, with as many bits of 2/pi as x needs
//! (Payne and Hanek).

/// 32 zero bits, then 2/pi = 0.A2F9836E..., most significant first.
const TWO_OVER_PI: [u32; 8] =
    [0x0000_0000, 0xa2f9_836e, 0x4e44_1529, 0xfc27_57d1, 0xf534_ddc0, 0xdb62_9599, 0x3c43_9041, 0xfe51_63ab];

/// An angle in [-pi/4, pi/4] as the sum of two f32; the second is at most about half an ULP of the first.
#[derive(Clone, Copy)]
pub(super) struct Angle {
    pub(super) hi: f32,
    pub(super) lo: f32,
}

/// `x` = quadrant * pi/2 + angle modulo 2 pi; the quadrant counts modulo 4. NaN and infinities give a NaN angle.
#[inline]
pub(super) fn reduce(x: f32) -> (u32, Angle) {
    if x.abs() <= core::f32::consts::FRAC_PI_4 {
        return (0, Angle { hi: x, lo: 0.0 });
    }
    if !x.is_finite() {
        return (0, Angle { hi: f32::NAN, lo: 0.0 });
    }
    let bits = x.to_bits();
    let mantissa = u64::from((bits & 0x007f_ffff) | 0x0080_0000);
    // |x| = mantissa * 2^(e - 24), 0 <= e <= 128. Bits of 2/pi that contribute multiples of 4 to the product are left
    // out.
    let e = ((bits >> 23) & 0xff).wrapping_sub(126) & 0xff;
    // The 96 bits from bit e - 26 after the point on, which is bit e + 6 of the table: at most words 4 to 7.
    let start = e.wrapping_add(6);
    let word = |i: u32| TWO_OVER_PI[((start >> 5).wrapping_add(i) & 7) as usize];
    let shift = start & 31;
    let at = |i: u32| {
        let pair = (u64::from(word(i)) << 32) | u64::from(word(i.wrapping_add(1)));
        (pair << shift) >> 32
    };
    // The product modulo 2^64, in units of 2^-62 of a quadrant: two bits of quadrant, 62 of fraction.
    let low = mantissa.wrapping_mul(at(2)) >> 32;
    let product = mantissa.wrapping_mul(at(0) << 32).wrapping_add(mantissa.wrapping_mul(at(1))).wrapping_add(low);
    // Rounds to the nearest quadrant: the rest is a signed fraction in [-1/2, 1/2).
    let rounded = product.wrapping_add(1 << 61);
    let quadrant = (rounded >> 62) as u32;
    let rest = (product << 2) as i64;
    let angle = to_angle(rest.unsigned_abs());
    let negative = (rest < 0) != (x < 0.0);
    let angle = if negative { Angle { hi: -angle.hi, lo: -angle.lo } } else { angle };
    (if x < 0.0 { quadrant.wrapping_neg() & 3 } else { quadrant }, angle)
}

/// fraction * 2^-64 * pi/2 as the sum of two f32; the fraction is at most 2^63.
#[inline]
fn to_angle(fraction: u64) -> Angle {
    // About 30 bits are left for the worst f32: normalized, so that the product keeps 48.
    let shift = (fraction | 1).leading_zeros();
    let f = fraction << shift;
    let (fh, fl) = (f >> 32, f & 0xffff_ffff);
    // pi/2 = 1.C90FDAA2 2168C234... in units of 2^-63.
    let (ch, cl) = (0xc90f_daa2_u64, 0x2168_c234_u64);
    // The product without its low 64 bits: f * pi/4, below 2^64.
    let product = fh * ch + ((fh * cl) >> 32) + ((fl * ch) >> 32);
    let hi = (product >> 40) as u32 as f32;
    let lo = ((product >> 16) & 0x00ff_ffff) as u32 as f32;
    // hi is in units of 2^(40 + 1 - 64 - shift), as product is in units of 2^(-63 - shift).
    let unit = f32::from_bits(127_u32.wrapping_sub(23).wrapping_sub(shift) << 23);
    Angle { hi: hi * unit, lo: lo * (unit * (1.0 / 16_777_216.0)) }
}

/// The sine of an angle: r + r^3 P(r^2), P minimax of degree 3, relative error 2^-32.5 (`tools/minimax.py sin`).
#[inline]
pub(super) fn sin_angle(r: Angle) -> f32 {
    let z = r.hi * r.hi;
    let p = -0.166_666_67 + z * (0.008_333_379 + z * (-0.000_198_530_64 + z * 2.832_51e-6));
    // d sin = cos dr, and cos r is nearly 1 - z/2.
    let small = z * r.hi * p + (r.lo - 0.5 * z * r.lo);
    // An addition would turn -0 into +0.
    if r.hi == 0.0 { r.hi } else { r.hi + small }
}

/// The cosine of an angle: 1 - z/2 + z^2 P(z), z = r^2, P minimax of degree 2, relative error 2^-33
/// (`tools/minimax.py cos`).
#[inline]
pub(super) fn cos_angle(r: Angle) -> f32 {
    let z = r.hi * r.hi;
    let p = 0.041_666_646 + z * (-0.001_388_731 + z * 2.443_232_7e-5);
    let h = 0.5 * z;
    let w = 1.0 - h;
    // The rounding error of the subtraction is computed exactly, and added.
    w + (((1.0 - w) - h) + (z * z * p - r.hi * r.lo))
}
