// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `fma`: the IEEE fused multiply-add in software, for targets and code without the instruction.
//!
//! The product of two f32 is exact in f64. Its sum with c is rounded to odd, and then rounds correctly to f32, because
//! f64 has more than 2 * 24 + 2 bits.
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
pub use super::super::arch::arm::fpu::fma;
#[cfg(all(target_arch = "aarch64", target_feature = "neon", not(miri)))]
pub use super::super::arch::neon::fpu::fma;

/// a * b + c, rounded once, to the bit as the instruction does (subnormals, infinities, signed zeros; a NaN's
/// payload is not specified).
#[cfg(not(any(
    all(target_arch = "arm", target_abi = "eabihf", target_os = "none"),
    all(target_arch = "aarch64", target_feature = "neon", not(miri))
)))]
#[inline]
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
    let p = f64::from(a) * f64::from(b);
    let c = f64::from(c);
    let sum = p + c;
    // The exact rounding error of the sum (two-sum); NaN if the sum is infinite or NaN.
    let from_p = sum - c;
    let from_c = sum - from_p;
    let lost = (p - from_p) + (c - from_c);
    // Rounds to odd: takes the neighbour of the exact sum with an odd mantissa.
    let bits = sum.to_bits();
    let inexact = lost.abs() > 0.0;
    let outwards = (lost > 0.0) == (sum > 0.0);
    let neighbour = if outwards { bits.wrapping_add(1) } else { bits.wrapping_sub(1) };
    let odd = if inexact && bits & 1 == 0 { neighbour } else { bits };
    f64::from_bits(odd) as f32
}
