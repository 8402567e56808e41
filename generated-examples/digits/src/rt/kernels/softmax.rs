// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! ONNX `Softmax` and `LogSoftmax` along a dimension.
//!
//! `m` is the largest element, and `s` the sum of `exp(x - m)` in the order of `reduce`. The results are
//! `exp(x - m) * (1 / s)` and `(x - m) - log(s)`. In a column with finite elements -inf gives 0 (log: -inf). A column
//! becomes NaN if it contains NaN or inf, or only -inf.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::math::exp::exp;
use super::super::math::log::log;
use super::super::terms::sizes::LANES;
use super::copy::copy;
use super::reduce::join;
use super::reduce_f32::{Max, Op, Sum, join_vectors, load_columns, reduce_run, store_columns};

/// `x` and `y` are `[outer, n, inner]`; each column along `n` is a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// Product of the dimensions before.
    pub outer: usize,
    /// Length of the dimension.
    pub n: usize,
    /// Product of the dimensions after.
    pub inner: usize,
}

/// `xy = softmax(xy)`.
pub fn softmax_in_place<C: Cpu>(cpu: C, p: &Softmax, xy: &mut [f32]) {
    cpu.run(Run::<false> { p, x: None, y: xy });
}

/// Slab by slab, so that a copied slab is still in the cache when it is computed.
struct Run<'a, const LOG: bool> {
    p: &'a Softmax,
    x: Option<&'a [f32]>,
    y: &'a mut [f32],
}

impl<const LOG: bool> Kernel for Run<'_, LOG> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Softmax { outer, n, inner } = *self.p;
        debug_assert!(self.y.len() == outer * n * inner && self.x.is_none_or(|x| x.len() == self.y.len()));
        for o in 0..outer {
            let slab = o * n * inner..(o + 1) * n * inner;
            let Some(xy) = self.y.get_mut(slab.clone()) else { return };
            let x = self.x.and_then(|x| x.get(slab));
            if inner == 1 {
                run::<LOG, I>(isa, x, xy);
                continue;
            }
            if let Some(x) = x {
                copy(x, xy);
            }
            columns::<LOG, I>(isa, inner, xy);
        }
    }
}

/// A contiguous column: `y`, or `x` if it is separate.
#[inline(always)]
fn run<const LOG: bool, I: Isa>(isa: I, x: Option<&[f32]>, y: &mut [f32]) {
    let m = isa.splat(largest(isa, x.unwrap_or(y)));
    let mut lanes = isa.splat(0.0);
    let (x, x_rest) = x.map(|x| x.as_chunks()).unzip();
    let (chunks, rest) = y.as_chunks_mut();
    for (i, y) in chunks.iter_mut().enumerate() {
        let from = x.and_then(|x| x.get(i)).unwrap_or(y);
        let (x, e) = weigh::<LOG, I>(isa, isa.load(from), m);
        isa.store(x, y);
        lanes = isa.add(lanes, e);
    }
    if !rest.is_empty() {
        let (x, e) = weigh::<LOG, I>(isa, isa.load_part(x_rest.unwrap_or(rest)), m);
        isa.store_part(x, rest);
        // Lanes past the end of the column add +0 instead of the values computed there.
        let e = isa.to_array(e);
        let Some(e) = e.get(..rest.len()) else { return };
        lanes = isa.add(lanes, isa.load_part(e));
    }
    let s = join(isa.to_array(lanes), Sum::scalar);
    let factor = isa.splat(if LOG { log(s) } else { 1.0 / s });
    for y in chunks {
        isa.store(finish::<LOG, I>(isa, isa.load(y), factor), y);
    }
    isa.store_part(finish::<LOG, I>(isa, isa.load_part(rest), factor), rest);
}

/// The largest element. The order of maxima does not show, so several run side by side, which hides their latency.
#[inline(always)]
fn largest<I: Isa>(isa: I, x: &[f32]) -> f32 {
    let (blocks, rest) = x.as_chunks::<{ 4 * LANES }>();
    let mut m = [isa.splat(Max::START); 4];
    for block in blocks {
        for (m, x) in m.iter_mut().zip(block.as_chunks().0) {
            *m = isa.max(*m, isa.load(x));
        }
    }
    let m = isa.max(isa.max(m[0], m[1]), isa.max(m[2], m[3]));
    Max::scalar(join(isa.to_array(m), Max::scalar), reduce_run::<Max, I>(isa, rest))
}

/// Columns that are neighbours, in rows of `inner` elements: eight at a time.
#[inline(always)]
fn columns<const LOG: bool, I: Isa>(isa: I, inner: usize, xy: &mut [f32]) {
    for column in (0..inner).step_by(LANES) {
        let width = LANES.min(inner - column);
        let mut m = isa.splat(Max::START);
        let mut at = column;
        while let Some(x) = load_columns(isa, xy, at, width) {
            m = isa.max(m, x);
            at += inner;
        }
        let mut lanes = [isa.splat(0.0); LANES];
        for (lane, acc) in lanes.iter_mut().enumerate() {
            let mut at = lane * inner + column;
            while let Some(xy) = xy.get_mut(at..at + width) {
                let Some(x) = load_columns(isa, xy, 0, width) else { return };
                let (x, e) = weigh::<LOG, I>(isa, x, m);
                store_columns(isa, x, xy);
                *acc = isa.add(*acc, e);
                at += LANES * inner;
            }
        }
        let s = join_vectors::<Sum, I>(isa, lanes);
        let factor = if LOG { log_lanes(isa, s) } else { isa.div(isa.splat(1.0), s) };
        let mut at = column;
        while let Some(xy) = xy.get_mut(at..at + width) {
            let Some(x) = load_columns(isa, xy, 0, width) else { return };
            store_columns(isa, finish::<LOG, I>(isa, x, factor), xy);
            at += inner;
        }
    }
}

/// The first step: the value to store for the last step, and `exp(x - m)`.
#[inline(always)]
fn weigh<const LOG: bool, I: Isa>(isa: I, x: I::V, m: I::V) -> (I::V, I::V) {
    let x = isa.sub(x, m);
    let e = exp_lanes(isa, x);
    (if LOG { x } else { e }, e)
}

/// The last step: `x - log(s)`, or `e * (1 / s)`.
#[inline(always)]
fn finish<const LOG: bool, I: Isa>(isa: I, x: I::V, factor: I::V) -> I::V {
    if LOG { isa.sub(x, factor) } else { isa.mul(x, factor) }
}

/// `exp` of each lane.
#[inline(always)]
fn exp_lanes<I: Isa>(isa: I, x: I::V) -> I::V {
    let mut x = isa.to_array(x);
    for x in &mut x {
        *x = exp(*x);
    }
    isa.load(&x)
}

/// `log` of each lane.
#[inline(always)]
fn log_lanes<I: Isa>(isa: I, x: I::V) -> I::V {
    let mut x = isa.to_array(x);
    for x in &mut x {
        *x = log(*x);
    }
    isa.load(&x)
}
