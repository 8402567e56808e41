// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Resampling along one dimension by tables. ONNX `Resize` runs this kernel once for each resized dimension.
//!
//! The tables hold which inputs each output reads, and their weights: they are computed when the model is compiled,
//! from mode, coordinate transformation and antialiasing. Nearest has one tap of weight 1, linear two taps, cubic four.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::terms::sizes::LANES;
use super::reduce_f32::{load_columns, store_columns};

/// `x` is `[outer, n, inner]`, `y` is `[outer, out_n, inner]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// Product of the dimensions before.
    pub outer: usize,
    /// Length of the dimension in `x`.
    pub n: usize,
    /// Length of the dimension in `y`.
    pub out_n: usize,
    /// Product of the dimensions after.
    pub inner: usize,
    /// Inputs of each output, at least 1.
    pub taps: usize,
}

/// `y[o, j, i]` is the sum over `t`, ascending, of `weights[j, t] * x[o, places[j, t], i]`.
///
/// The first product is rounded by itself; the others are added as the instruction set's numerics say. `places` and
/// `weights` are `[out_n, taps]`; places are below `n`.
pub fn resize<C: Cpu>(cpu: C, p: &Resize, (places, weights): (&[u32], &[f32]), x: &[f32], y: &mut [f32]) {
    cpu.run(Run { p, places, weights, x, y });
}

struct Run<'a> {
    p: &'a Resize,
    places: &'a [u32],
    weights: &'a [f32],
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Resize { outer, n, out_n, inner, taps } = *self.p;
        debug_assert!(self.x.len() == outer * n * inner && self.y.len() == outer * out_n * inner);
        debug_assert!(self.places.len() == out_n * taps && self.weights.len() == out_n * taps && taps > 0);
        for o in 0..outer {
            for j in 0..out_n {
                let (row, table) = ((o * out_n + j) * inner, j * taps..(j + 1) * taps);
                let places = self.places.get(table.clone());
                let (Some(places), Some(weights)) = (places, self.weights.get(table)) else { return };
                let (Some(x), Some(y)) = (self.x.get(o * n * inner..), self.y.get_mut(row..row + inner)) else {
                    return;
                };
                blend(isa, (places, weights), x, y);
            }
        }
    }
}

/// One row of `y`: the weighted sum of the rows of `x` at `places`.
#[inline(always)]
fn blend<I: Isa>(isa: I, (places, weights): (&[u32], &[f32]), x: &[f32], y: &mut [f32]) {
    let inner = y.len();
    let (Some((first, places)), Some((weight, weights))) = (places.split_first(), weights.split_first()) else {
        return;
    };
    for (block, y) in y.chunks_mut(LANES).enumerate() {
        let column = block * LANES;
        let Some(row) = load_columns(isa, x, *first as usize * inner + column, y.len()) else { return };
        let mut sum = isa.mul(isa.splat(*weight), row);
        for (place, weight) in places.iter().zip(weights) {
            let Some(row) = load_columns(isa, x, *place as usize * inner + column, y.len()) else { return };
            sum = isa.mul_add(isa.splat(*weight), row, sum);
        }
        store_columns(isa, sum, y);
    }
}
