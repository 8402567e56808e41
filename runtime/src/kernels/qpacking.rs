// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The order in which quantized kernels read their weights, one function for each kernel.
//!
//! The compiler packs by these functions and tests call kernels by them, so that a layout is written once. Weights come as
//! `[out_c][kernel_h][kernel_w][in_c / groups]`, and `put` is given them in their new order. Emitted crates do not need this file.
use super::super::terms::conv2d::Conv2d;
use super::super::terms::sizes::{PANEL, QUAD};
use super::qdepthwise_dual::{is_upright, taps};
use super::qdual::runs;

/// `a / b`; 0 where `b` is 0.
fn ratio(a: usize, b: usize) -> usize {
    a.checked_div(b).unwrap_or(0)
}

/// Weights of some channels, `[channels][rows][run]`. Each run of neighbouring inputs counts as filled up with zeros to a
/// multiple of four.
struct Runs<'a> {
    w: &'a [i8],
    channels: usize,
    rows: usize,
    run: usize,
}

impl Runs<'_> {
    /// Weights of a channel, with what fills up its runs.
    fn depth(&self) -> usize {
        self.rows * self.run.next_multiple_of(QUAD)
    }

    /// The weight `k` of a channel; 0 beyond the last channel and behind a run.
    fn weight(&self, channel: usize, k: usize) -> i8 {
        let filled = self.run.next_multiple_of(QUAD);
        let (row, at) = (ratio(k, filled), k.checked_rem(filled).unwrap_or(0));
        let inside = channel < self.channels && row < self.rows && at < self.run;
        let place = (channel * self.rows + row) * self.run + at;
        if inside { self.w.get(place).copied().unwrap_or(0) } else { 0 }
    }

    /// Panels of columns, `[depth / 4][width][4]`. `width` tells the columns of a panel from the channels that are left.
    fn panels(&self, width: impl Fn(usize) -> usize, mut put: impl FnMut(i8)) {
        let mut first = 0;
        while first < self.channels {
            let width = width(self.channels - first);
            for quad in 0..self.depth() / QUAD {
                for column in first..first + width {
                    (0..QUAD).for_each(|k| put(self.weight(column, QUAD * quad + k)));
                }
            }
            first += width;
        }
    }
}

/// The weights of each group of a convolution, in runs of so many inputs.
fn groups<'a>(m: &Conv2d, w: &'a [i8], run: usize) -> impl Iterator<Item = Runs<'a>> {
    let depth = ratio(w.len(), m.out_c);
    let (channels, rows) = (ratio(m.out_c, m.groups), ratio(depth, run));
    w.chunks((channels * depth).max(1)).map(move |w| Runs { w, channels, rows, run })
}

/// Columns of a panel of `qconv2d`: sixteen, or eight where no more are left.
fn sixteen(left: usize) -> usize {
    if left <= PANEL / 2 { PANEL / 2 } else { PANEL }
}

/// For `qconv2d`: panels of sixteen output channels, or of eight at the end of a group, `[depth / 4][16][4]`, where every
/// kernel row is filled up with zeros.
pub fn qconv2d(m: &Conv2d, w: &[i8], mut put: impl FnMut(i8)) {
    groups(m, w, ratio(m.kernel_w * m.in_c, m.groups)).for_each(|group| group.panels(sixteen, &mut put));
}

/// For `dynamic_matmul`: a matrix `[n][k]` as a convolution of one pixel.
pub fn dynamic_matmul(w: &[i8], n: usize, k: usize, put: impl FnMut(i8)) {
    Runs { w, channels: n, rows: 1, run: k }.panels(sixteen, put);
}

/// The same for `dynamic_matmul_dual`.
pub fn dynamic_matmul_dual(w: &[i8], n: usize, k: usize, put: impl FnMut(i8)) {
    Runs { w, channels: n, rows: 1, run: k }.panels(|_| QUAD, put);
}

/// For `qdepthwise2d`: sixteen channels, `[taps / 4][16][4]`, with zeros for taps and channels that are not there.
pub fn qdepthwise2d(m: &Conv2d, w: &[i8], put: impl FnMut(i8)) {
    Runs { w, channels: m.out_c, rows: 1, run: m.kernel_h * m.kernel_w }.panels(|_| PANEL, put);
}

/// For `qconv2d_dual`: one output channel after the other. Kernel rows are filled up with zeros to a multiple of four, or taps
/// where there are groups or the taps do not touch.
pub fn qconv2d_dual(m: &Conv2d, w: &[i8], mut put: impl FnMut(i8)) {
    for group in groups(m, w, runs(m).0) {
        for channel in 0..group.channels {
            (0..group.depth()).for_each(|k| put(group.weight(channel, k)));
        }
    }
}

/// For `qconv2d_dual_one`: as for [`qconv2d_dual`], in panels of four output channels, `[depth / 4][4][4]`.
pub fn qconv2d_dual_one(m: &Conv2d, w: &[i8], mut put: impl FnMut(i8)) {
    groups(m, w, runs(m).0).for_each(|group| group.panels(|_| QUAD, &mut put));
}

/// For `qdepthwise2d_dual`: `[channels][rows][words]`, two neighbouring taps of a line in a word, the first in the low half, and
/// 0 for what is not there; one tap where taps do not touch; of three taps the first and the second, then the second and the
/// third.
pub fn qdepthwise2d_dual(m: &Conv2d, w: &[i8], mut put: impl FnMut(u32)) {
    let (rows, taps) = taps(m);
    let (row_step, tap_step) = if is_upright(m) { (1, m.kernel_w) } else { (m.kernel_w, 1) };
    for channel in w.chunks((rows * taps.count).max(1)) {
        for (row, word) in (0..rows).flat_map(|row| (0..taps.words()).map(move |word| (row, word))) {
            let (low, high) = match (taps.is_three(), taps.dilation) {
                (true, _) => (word, word + 1),
                (false, 1) => (2 * word, 2 * word + 1),
                (false, _) => (word, taps.count),
            };
            let tap = |tap: usize| channel.get(row * row_step + tap * tap_step).filter(|_| tap < taps.count);
            let [low, high] = [low, high].map(|at| u32::from(tap(at).copied().unwrap_or(0) as u16));
            put(low | high << 16);
        }
    }
}

/// Whether the products of all pairs of packed weights with unsigned bytes fit 16 bits: 255 * 128 does.
pub fn pairs_fit(packed: &[i8]) -> bool {
    packed.chunks(2).all(|pair| pair.iter().map(|w| u32::from(w.unsigned_abs())).sum::<u32>() <= 128)
}

/// The bias less what `zero` adds to every window, of weights `[columns][depth]`. Sums wrap until they are finished.
pub fn bias_less(bias: &[i32], w: &[i8], zero: i32) -> impl Iterator<Item = i32> {
    let depth = ratio(w.len(), bias.len());
    let sum = |w: &[i8]| w.iter().fold(0i32, |sum, w| sum.wrapping_add(i32::from(*w)));
    let column = move |i: usize| w.get(i * depth..).and_then(|w| w.get(..depth)).unwrap_or(&[]);
    bias.iter().enumerate().map(move |(i, b)| b.wrapping_sub(zero.wrapping_mul(sum(column(i)))))
}
