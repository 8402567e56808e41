// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `erf`: the error function.
//!
//! Near 0: S(x) = x + x P(x^2), P minimax of degree 5 on [0, 0.98], relative error 2^-24.9. Away from 0:
//! L(x) = 1 - Q(|x| - 1)^4, Q minimax of degree 7 on [0.98, 4], absolute error 2^-24.9
//! (`tools/minimax.py erf_small erf_large`). S is below erf beyond 0.98, and L is below it before, because of the sign
//! of their first neglected terms: so the larger of the two is the right one. Straight-line code.

/// The error function of `x`, odd to the bit. NaN gives NaN, +-inf gives +-1, -0 gives -0.
///
/// Error at most 1.65 ULP.
#[inline]
pub fn erf(x: f32) -> f32 {
    let a = x.abs();
    // From 3.92 on erf rounds to 1, and at 4 the polynomial does; a NaN passes the comparison.
    let a = if a > 4.0 { 4.0 } else { a };
    let z = a * a;
    // The higher terms are computed in pairs, which keeps the chain of dependent operations short. The lowest terms,
    // whose rounding matters, come last.
    let z2 = z * z;
    let high = (0.112_807_41 + z * -0.02672874) + z2 * (0.004_939_685_6 + z * -0.000_572_947_9);
    let small = a + a * (0.128_379_14 + z * (-0.376_123_9 + z * high));
    let u = a - 1.0;
    let u2 = u * u;
    let higher = (-0.003_253_617_6 + u * -0.006_167_701) + u2 * (0.001_825_440_8 + u * -0.000_157_904_18);
    let high = (0.0043497486 + u * 0.050_643_06) + u2 * higher;
    let q = 0.629_769_5 + u * (-0.415_486_57 + u * high);
    let q2 = q * q;
    let large = 1.0 - q2 * q2;
    // At least one is not negative, so their bits order as integers. Compilers keep this integer maximum as one
    // instruction.
    let y = (small.to_bits() as i32).max(large.to_bits() as i32) as u32;
    f32::from_bits(y | (x.to_bits() & 0x8000_0000))
}
