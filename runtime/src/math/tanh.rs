// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `tanh`: the hyperbolic tangent.
//!
//! |x| < 0.5625: x + x z P(z), z = x^2, P minimax of degree 4, relative error 2^-29 (`tools/minimax.py tanh`).
//! Otherwise 1 - 2 / (exp(2|x|) + 1), with 2|x| = n ln 2 + 2r and exp(2|x|) = 2^n (1 + p), p = expm1(2r) by the
//! polynomial of `exp`. Both are computed and one is selected: straight-line code.

/// 1.5 * 2^23 + 127: adding it to a small number rounds that to an integer n, and leaves n + 127 in the low bits.
const ROUND: f32 = 12583039.0;
/// 2 / ln 2.
const TWO_LOG2_E: f32 = 2.885_39;
/// ln 2 / 2; rounding it to f32 changes it by 9.5e-10 only.
const HALF_LN2: f32 = 0.346_573_6;

/// The hyperbolic tangent of `x`, odd to the bit. NaN gives NaN, +-inf gives +-1, -0 gives -0, subnormals give
/// themselves.
///
/// Error at most 1.34 ULP.
#[inline]
pub fn tanh(x: f32) -> f32 {
    let a = x.abs();
    // tanh rounds to 1 from 9.01 on; a NaN passes the comparison.
    let c = if a > 9.1 { 9.1 } else { a };
    let t = c * TWO_LOG2_E + ROUND;
    let n = t - ROUND;
    let r = c - n * HALF_LN2;
    // expm1(2r) / r: the coefficients of exp, times powers of two.
    let p =
        r * (2.0 + r * (1.999_999_8 + r * (1.333_321_3 + r * (0.666_689_7 + r * (0.267_812_52 + r * 0.088_555_395)))));
    let s = f32::from_bits(t.to_bits() << 23);
    let large = 1.0 - 2.0 / (s * p + (s + 1.0));
    let z = a * a;
    let small = a + a
        * z
        * (-0.333_333_13 + z * (0.133_324_37 + z * (-0.053_835_757 + z * (0.021_000_376 + z * -0.006_169_614))));
    let y = if a < 0.562_5 { small } else { large };
    // y is not negative: its sign is that of x.
    f32::from_bits(y.to_bits() | (x.to_bits() & 0x8000_0000))
}
