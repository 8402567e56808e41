// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `atan_f64`: the arc tangent, atan(c) + atan((x - c) / (1 + x c)) with c the nearest eighth; above 1 it is that of 1/x,
//! taken from pi/2.

/// The arc tangents of the eighths from 0 to 1, each the sum of two numbers.
const EIGHTHS: [(f64, f64); 9] = [
    (0.0, 0.0),
    (0.124_354_994_546_761_44, -3.125_324_142_453_938_3e-18),
    (0.244_978_663_126_864_14, 1.069_875_561_873_445_1e-17),
    (0.358_770_670_270_572_25, -2.462_381_558_263_863_5e-17),
    (0.463_647_609_000_806_1, 2.269_877_745_296_168_7e-17),
    (0.558_599_315_343_562_4, -5.455_630_548_591_626_4e-18),
    (0.643_501_108_793_284_4, 1.583_478_505_144_428_6e-17),
    (0.718_829_999_621_624_5, -2.147_838_844_445_698_3e-17),
    (core::f64::consts::FRAC_PI_4, 3.061_616_997_868_383e-17),
];
/// pi/2 less the nearest f64.
const PI_HALF_LOW: f64 = 6.123_233_995_736_766e-17;

/// The arc tangent of `x`, odd to the bit. NaN gives NaN, +-inf gives +-pi/2, -0 gives -0, subnormals give themselves.
///
/// Error at most 2 ULP (sampled).
#[inline]
pub fn atan_f64(x: f64) -> f64 {
    let a = x.abs();
    let z = if a > 1.0 { 1.0 / a } else { a };
    // A NaN is converted to 0, and stays a NaN in the rest.
    let k = (z * 8.0 + 0.5) as i32;
    let c = k as f64 * 0.125;
    let r = (z - c) / (1.0 + z * c);
    let s = r * r;
    let p = 0.058_823_529_411_764_705;
    let p = 0.076_923_076_923_076_93 + s * (-0.066_666_666_666_666_67 + s * p);
    let p = 0.111_111_111_111_111_1 + s * (-0.090_909_090_909_090_91 + s * p);
    let p = 0.2 + s * (-0.142_857_142_857_142_85 + s * p);
    let p = -0.333_333_333_333_333_3 + s * p;
    let (high, low) = EIGHTHS.get(k as usize).copied().unwrap_or((0.0, 0.0));
    let y = high + (low + (r + r * s * p));
    let y = if a > 1.0 { (core::f64::consts::FRAC_PI_2 - y) + PI_HALF_LOW } else { y };
    y.copysign(x)
}
