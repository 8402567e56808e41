// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Average pool, sum and softmax of quantized numbers of 8 or 16 bits: each is taken as a real number, and each result is quantized.
//!
//! Invariant: to the bit what `pool`, `reduce` and `softmax` compute of the numbers, quantized afterwards. No numbers
//! are kept in memory: the softmax computes its exponentials twice instead.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::math::exp::exp;
use super::super::terms::pool2d::Pool2d;
use super::super::terms::quant::{Affine, Range};
use super::super::terms::sizes::LANES;
use super::level::Level;
use super::reduce::{Reduce, join};
use super::softmax::Softmax;

/// What the bytes of operand and result stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bytes {
    /// The operand's bytes.
    pub from: Affine,
    /// Results are divided by this, then by `scale`.
    pub divisor: f32,
    /// The scale of the result.
    pub scale: f32,
    /// Where the quotient goes.
    pub range: Range,
}

impl Bytes {
    #[inline(always)]
    fn real<X: Level>(&self, x: X) -> f32 {
        self.from.real(x.value())
    }

    #[inline(always)]
    fn byte<Y: Level>(&self, v: f32) -> Y {
        Y::narrow(self.range.round(v / self.divisor / self.scale))
    }
}

/// The average of each window's numbers, by the rules of `avg_pool2d`.
#[inline]
pub fn qavg_pool2d<C: Cpu, X: Level, Y: Level>(cpu: C, p: &Pool2d, bytes: &Bytes, x: &[X], y: &mut [Y]) {
    debug_assert!(x.len() >= p.in_len() && y.len() >= p.out_len());
    cpu.run(Average { p, bytes, x, y });
}

struct Average<'a, X, Y> {
    p: &'a Pool2d,
    bytes: &'a Bytes,
    x: &'a [X],
    y: &'a mut [Y],
}

impl<X: Level, Y: Level> Kernel for Average<'_, X, Y> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Average { p, bytes, x, y } = self;
        let (height, width) = (p.height(), p.width());
        for batch in 0..p.batch {
            for row in 0..p.out_h {
                let rows = height.taps(row);
                let first_row = batch * p.in_h + height.position(row, rows.first);
                for column in 0..p.out_w {
                    let columns = width.taps(column);
                    let first_column = width.position(column, columns.first);
                    let count = if p.count_include_pad {
                        height.padded_taps(row, p.pad_bottom) * width.padded_taps(column, p.pad_right)
                    } else {
                        rows.len() * columns.len()
                    };
                    let first = (first_row * p.in_w + first_column) * p.in_pitch;
                    let to = ((batch * p.out_h + row) * p.out_w + column) * p.out_pitch;
                    let Some(y) = y.get_mut(to..).and_then(|y| y.get_mut(..p.channels)) else { return };
                    for (block, y) in y.chunks_mut(LANES).enumerate() {
                        let mut sums = [0.0; LANES];
                        for row in 0..rows.len() {
                            for column in 0..columns.len() {
                                let tap = row * p.dilation_h * p.in_w + column * p.dilation_w;
                                let x = x.get(first + tap * p.in_pitch + block * LANES..).unwrap_or(&[]);
                                match x.first_chunk::<LANES>() {
                                    Some(x) => add(bytes, &mut sums, x),
                                    None => add(bytes, &mut sums, x),
                                }
                            }
                        }
                        for (y, sum) in y.iter_mut().zip(&sums) {
                            *y = bytes.byte(*sum / count as f32);
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn add<X: Level>(bytes: &Bytes, sums: &mut [f32; LANES], x: &[X]) {
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum += bytes.real(*x);
    }
}

/// The sum of each column's numbers, in the lanes and by the tree of `reduce`.
#[inline]
pub fn qsum<C: Cpu, X: Level, Y: Level>(cpu: C, p: &Reduce, bytes: &Bytes, x: &[X], y: &mut [Y]) {
    debug_assert!(x.len() == p.outer * p.n * p.inner && y.len() == p.outer * p.inner);
    cpu.run(Sum { p, bytes, x, y });
}

struct Sum<'a, X, Y> {
    p: &'a Reduce,
    bytes: &'a Bytes,
    x: &'a [X],
    y: &'a mut [Y],
}

impl<X: Level, Y: Level> Kernel for Sum<'_, X, Y> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Sum { p, bytes, x, y } = self;
        for o in 0..p.outer {
            let Some(y) = y.get_mut(o * p.inner..).and_then(|y| y.get_mut(..p.inner)) else { return };
            for (block, y) in y.chunks_mut(LANES).enumerate() {
                // Eight columns side by side, each in eight lanes.
                let mut lanes = [[0.0; LANES]; LANES];
                for r in 0..p.n {
                    let x = x.get((o * p.n + r) * p.inner + block * LANES..).unwrap_or(&[]);
                    let Some(lane) = lanes.get_mut(r % LANES) else { return };
                    match x.first_chunk::<LANES>() {
                        Some(x) => add(bytes, lane, x),
                        None => add(bytes, lane, x),
                    }
                }
                for (column, y) in y.iter_mut().enumerate() {
                    let lanes = lanes.map(|lane| lane.get(column).copied().unwrap_or(0.0));
                    *y = bytes.byte(join(lanes, |a, b| a + b));
                }
            }
        }
    }
}

/// The softmax of each column's numbers, by the rules of `softmax`.
#[inline]
pub fn qsoftmax<C: Cpu, X: Level, Y: Level>(cpu: C, p: &Softmax, bytes: &Bytes, x: &[X], y: &mut [Y]) {
    debug_assert!(x.len() == p.outer * p.n * p.inner && y.len() == x.len());
    cpu.run(Weights { p, bytes, x, y });
}

struct Weights<'a, X, Y> {
    p: &'a Softmax,
    bytes: &'a Bytes,
    x: &'a [X],
    y: &'a mut [Y],
}

impl<X: Level, Y: Level> Kernel for Weights<'_, X, Y> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, _: I) {
        let Weights { p, bytes, x, y } = self;
        let Softmax { outer, n, inner } = *p;
        for o in 0..outer {
            for i in 0..inner {
                let first = o * n * inner + i;
                let at = |r: usize| x.get(first + r * inner).map_or(0.0, |x| bytes.real(*x));
                // Numbers rise with their bytes, and none is NaN.
                let m = (0..n).map(at).fold(f32::NEG_INFINITY, |m, v| if v > m { v } else { m });
                let mut lanes = [0.0; LANES];
                for r in 0..n {
                    if let Some(lane) = lanes.get_mut(r % LANES) {
                        *lane += exp(at(r) - m);
                    }
                }
                let factor = 1.0 / join(lanes, |a, b| a + b);
                for r in 0..n {
                    if let Some(y) = y.get_mut(first + r * inner) {
                        *y = bytes.byte(exp(at(r) - m) * factor);
                    }
                }
            }
        }
    }
}
