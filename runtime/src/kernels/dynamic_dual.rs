// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of numbers with constant bytes, quantized on the way, for CPUs that multiply two pairs of 16-bit numbers at once.
//!
//! Invariants: those of `dynamic`, with equal bits.
use super::super::arch::dynamic::Dynamic;
use super::super::loops::dynamic::{columns as four_columns, quantize as bytes};
use super::super::terms::dual::FOUR;
use super::super::terms::dynamic::{Columns, DynamicMatMul, Row, Scale};

/// Words of scratch: the bytes of a row, widened.
pub const fn words(p: &DynamicMatMul) -> usize {
    p.depth() / 2
}

/// Computes the product; `words` has as many as [`words()`] says. Weights are packed for `qconv2d_dual_one`. Not inlined: layers
/// share it.
#[inline(never)]
pub fn dynamic_matmul_dual<C: Dynamic>(
    cpu: C,
    p: &DynamicMatMul,
    x: &[f32],
    w: &[i8],
    columns: Columns<'_>,
    words: &mut [u32],
    y: &mut [f32],
) {
    debug_assert!(w.len() >= p.n.next_multiple_of(FOUR) * p.depth());
    let quads = p.depth() / FOUR;
    let Some(x) = x.get(..p.m * p.k) else { return };
    let scale = Scale::of(cpu.extent(x));
    for row in 0..p.m {
        let (Some(x), Some(y)) = (x.get(row * p.k..), y.get_mut(row * p.y_pitch..)) else { return };
        let (Some(x), Some(y)) = (x.get(..p.k), y.get_mut(..p.n)) else { return };
        let sum = quantize(cpu, scale, x, words);
        let more = sum.wrapping_sub(i32::from(scale.zero).wrapping_mul(p.k as i32)).wrapping_mul(p.offset);
        let row = Row { patch: words, w, quads, columns, scale, more };
        four_columns(cpu, &row, y);
        rest(cpu, &row, p.n / FOUR * FOUR, y);
    }
}

/// The bytes of a row, and their sum.
#[inline(always)]
fn quantize<C: Dynamic>(cpu: C, scale: Scale, x: &[f32], words: &mut [u32]) -> i32 {
    let (whole, rest) = x.as_chunks::<FOUR>();
    let Some((patch, behind)) = words.split_at_mut_checked(2 * whole.len()) else { return 0 };
    let sum = bytes(cpu, whole.as_flattened(), scale, patch);
    if rest.is_empty() || behind.len() < 2 {
        return sum;
    }
    // What is not there is 0, of which the weights are 0.
    let mut last = [0.0; FOUR];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let all = bytes(cpu, &last, scale, behind);
    let missing = FOUR - rest.len();
    sum.wrapping_add(all).wrapping_sub(i32::from(scale.zero) * missing as i32)
}

/// The columns behind the last four.
#[inline(always)]
fn rest<C: Dynamic>(cpu: C, row: &Row<'_>, whole: usize, y: &mut [f32]) {
    let Some(y) = y.get_mut(whole..).filter(|y| !y.is_empty()) else { return };
    let of = row.columns;
    let (mut sums, mut multiplier, mut bias, mut out) = ([0; FOUR], [0.0; FOUR], [0.0; FOUR], [0.0; FOUR]);
    sums.iter_mut().zip(of.sums.iter().skip(whole)).for_each(|(to, from)| *to = *from);
    multiplier.iter_mut().zip(of.multiplier.iter().skip(whole)).for_each(|(to, from)| *to = *from);
    bias.iter_mut().zip(of.bias.iter().skip(whole)).for_each(|(to, from)| *to = *from);
    let bias: &[f32] = if of.bias.is_empty() { &[] } else { &bias };
    let columns = Columns { sums: &sums, multiplier: &multiplier, bias };
    let w = row.w.get(whole * FOUR * row.quads..).unwrap_or(&[]);
    four_columns(cpu, &Row { w, columns, ..*row }, &mut out);
    y.iter_mut().zip(out).for_each(|(to, from)| *to = from);
}
