// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Normalization of rows: ONNX `LayerNormalization` and `RMSNormalization`.
//!
//! `m` is the sum of a row divided by `n`, `d = x - m` (or `x` if rows are not centered), and `q` is the sum of the
//! squares of `d`. Then `y = d * (1 / sqrt(q / n + epsilon))`, times `scale`, plus `bias`. Sums run in the order of
//! `reduce`; squares and the bias are added by multiply-adds.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::math::sqrt::sqrt;
use super::super::terms::sizes::LANES;
use super::copy::copy;
use super::reduce::join;
use super::reduce_f32::{Op, Sum, load_columns, reduce_run, store_columns};

/// `x` and `y` are `[outer, n]`; each row is normalized separately.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// Number of rows.
    pub outer: usize,
    /// Elements of a row.
    pub n: usize,
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether the mean is subtracted.
    pub center: bool,
}

/// `y = norm(x) * scale + bias`; `scale` and `bias` have `n` elements, or are empty for ones and zeros.
pub fn norm<C: Cpu>(cpu: C, p: &Norm, x: &[f32], scale: &[f32], bias: &[f32], y: &mut [f32]) {
    cpu.run(Run { p, x: Some(x), scale, bias, y });
}

/// `xy = norm(xy) * scale + bias`.
pub fn norm_in_place<C: Cpu>(cpu: C, p: &Norm, scale: &[f32], bias: &[f32], xy: &mut [f32]) {
    cpu.run(Run { p, x: None, scale, bias, y: xy });
}

struct Run<'a> {
    p: &'a Norm,
    x: Option<&'a [f32]>,
    scale: &'a [f32],
    bias: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Run { p, x, scale, bias, y } = self;
        debug_assert!(y.len() == p.outer * p.n && x.is_none_or(|x| x.len() == y.len()));
        debug_assert!(scale.is_empty() || scale.len() == p.n);
        debug_assert!(bias.is_empty() || bias.len() == p.n);
        for row in 0..p.outer {
            let place = row * p.n..(row + 1) * p.n;
            let Some(xy) = y.get_mut(place.clone()) else { return };
            if let Some(x) = x.and_then(|x| x.get(place)) {
                copy(x, xy);
            }
            let count = p.n as f32;
            let mean = if p.center { reduce_run::<Sum, I>(isa, xy) / count } else { 0.0 };
            // Subtracting +0 changes no bit.
            let mean = isa.splat(mean);
            let factor = 1.0 / sqrt(squares(isa, xy, mean) / count + p.epsilon);
            finish(isa, [mean, isa.splat(factor)], [scale, bias], xy);
        }
    }
}

/// The sum of squares of `x - mean`.
#[inline(always)]
fn squares<I: Isa>(isa: I, x: &[f32], mean: I::V) -> f32 {
    let (chunks, rest) = x.as_chunks();
    let mut lanes = isa.splat(0.0);
    for chunk in chunks {
        let d = isa.sub(isa.load(chunk), mean);
        lanes = isa.mul_add(d, d, lanes);
    }
    if !rest.is_empty() {
        // Lanes past the end of the row add +0 instead of the square of the mean.
        let d = isa.to_array(isa.sub(isa.load_part(rest), mean));
        let d = isa.load_part(d.get(..rest.len()).unwrap_or(&[]));
        lanes = isa.mul_add(d, d, lanes);
    }
    join(isa.to_array(lanes), Sum::scalar)
}

/// The last step of a row: `(x - mean) * factor * scale + bias`.
#[inline(always)]
fn finish<I: Isa>(isa: I, [mean, factor]: [I::V; 2], [scale, bias]: [&[f32]; 2], xy: &mut [f32]) {
    let mut at = 0;
    for xy in xy.chunks_mut(LANES) {
        let width = xy.len();
        // Multiplying by one and adding -0 changes no bit.
        let scale = load_columns(isa, scale, at, width).unwrap_or(isa.splat(1.0));
        let bias = load_columns(isa, bias, at, width).unwrap_or(isa.splat(-0.0));
        let Some(x) = load_columns(isa, xy, 0, width) else { return };
        let x = isa.mul(isa.sub(x, mean), factor);
        store_columns(isa, isa.mul_add(x, scale, bias), xy);
        at += LANES;
    }
}
