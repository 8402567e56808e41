// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `log1p`: log(1 + x) without cancellation.
//!
//! u = 1 + x, rounded. The logarithm of u is computed as in `log`, and the rounding error divided by u is added.

/// The bits of sqrt(1/2).
const SQRT_HALF: u32 = 0x3f35_04f3;
/// ln 2, the upper 16 bits: its product with |k| < 256 is exact.
const LN2_HI: f32 = 0.693_145_75;
/// ln 2 - LN2_HI.
const LN2_LO: f32 = 1.428_606_8e-6;

/// log(1 + `x`). -1 gives -inf, less and NaN give NaN, inf gives inf, zeros and subnormals give themselves.
///
/// Error at most 0.84 ULP.
#[inline]
pub fn log1p(x: f32) -> f32 {
    let y = ordinary(x);
    // The additions turn -0 into +0.
    let y = if x == 0.0 { x } else { y };
    let y = if x < f32::INFINITY { y } else { x };
    let outside = if x == -1.0 { f32::NEG_INFINITY } else { f32::NAN };
    if x > -1.0 { y } else { outside }
}

/// log(1 + `x`) for finite x > -1; -0 gives +0.
#[inline(always)]
pub(super) fn ordinary(x: f32) -> f32 {
    let u = 1.0 + x;
    let lost = if x > 1.0 { 1.0 - (u - x) } else { x - (u - 1.0) };
    let bits = u.to_bits();
    let e = (bits.wrapping_sub(SQRT_HALF) as i32) >> 23;
    let k = e as f32;
    let f = f32::from_bits(bits.wrapping_sub((e as u32) << 23)) - 1.0;
    // If u needs no scaling, x itself is the exact f.
    let f = if e == 0 { x } else { f };
    let c = if e == 0 { 0.0 } else { lost / u };
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * (0.666_667_76 + z * (0.399_775_8 + z * 0.298_709_6));
    let h = 0.5 * f * f;
    ((s * (h + r) + (k * LN2_LO + c)) - h) + f + k * LN2_HI
}
