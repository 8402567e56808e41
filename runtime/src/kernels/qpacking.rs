// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The order in which quantized kernels read their weights, one function for each kernel.
//!
//! The compiler packs by these functions and tests call kernels by them, so that a layout is written once. Weights come as
//! `[out_c][kernel_h][kernel_w][in_c / groups]`, and `put` is given them in their new order. Emitted crates do not need this file.
use super::super::terms::conv2d::Conv2d;
use super::super::terms::sizes::{PANEL, QUAD};
use super::super::terms::wide::COLUMNS;
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

/// For `conv2d_wide`: panels of eight output channels, `[depth / 4][8][4]`, the second and third of each four in each other's place.
pub fn conv2d_wide(m: &Conv2d, w: &[i8], mut put: impl FnMut(i8)) {
    for group in groups(m, w, ratio(m.kernel_h * m.kernel_w * m.in_c, m.groups)) {
        for first in (0..group.channels).step_by(COLUMNS) {
            for quad in 0..group.depth() / QUAD {
                for column in first..first + COLUMNS {
                    [0, 2, 1, 3].into_iter().for_each(|k| put(group.weight(column, QUAD * quad + k)));
                }
            }
        }
    }
}

/// For `depthwise2d_wide`: `[taps][channels]`.
pub fn depthwise2d_wide(m: &Conv2d, w: &[i8], mut put: impl FnMut(i8)) {
    let taps = m.kernel_h * m.kernel_w;
    for tap in 0..taps {
        (0..m.out_c).for_each(|channel| put(w.get(channel * taps + tap).copied().unwrap_or(0)));
    }
}

/// Quads of the depth whose products with any numbers of 16 bits add up to a number of 32 bits, times `2^lead`, in every chunk of so
/// many: all quads where that is true of the whole depth. Sums of several chunks have 64 bits: of those the lead is not asked.
pub fn wide_chunk(m: &Conv2d, w: &[i8], lead: u8) -> usize {
    let depth = m.kernel_h * m.kernel_w * ratio(m.in_c, m.groups);
    let sum = |w: &[i8]| w.iter().map(|w| u64::from(w.unsigned_abs())).sum::<u64>();
    // 32768 times that is below 2^31.
    let mut quads = depth.div_ceil(QUAD).max(1);
    if w.chunks(depth.max(1)).all(|w| sum(w) << lead.min(30) < 1 << 16) {
        return quads;
    }
    let fits = |quads: usize| w.chunks(depth.max(1)).all(|w| w.chunks(QUAD * quads).all(|w| sum(w) < 1 << 16));
    // Several, or none of one quad: the lead is met in 64 bits.
    quads = quads.div_ceil(2).min(quads - 1);
    while quads > 1 && !fits(quads) {
        quads = quads.div_ceil(2);
    }
    quads
}

/// Whether packed as for `depthwise2d_wide` all sums of a channel, of inputs that lie up to 65535 from 0, fit 32 bits times `2^lead`.
pub fn depthwise_fits(m: &Conv2d, w: &[i8], lead: u8) -> bool {
    let taps = (m.kernel_h * m.kernel_w).max(1);
    let fits = |w: &[i8]| w.iter().map(|w| 65535 * u64::from(w.unsigned_abs())).sum::<u64>() << lead.min(30) < 1 << 31;
    w.chunks(taps).all(fits)
}

/// Whether the products of all pairs of packed weights with unsigned bytes fit 16 bits: 255 * 128 does.
pub fn pairs_fit(packed: &[i8]) -> bool {
    packed.chunks(2).all(|pair| pair.iter().map(|w| u32::from(w.unsigned_abs())).sum::<u32>() <= 128)
}

/// The bias of `conv2d_wide`, which is added to multiplied sums: less what `zero`, times `2^lead` already, adds to every window. Sums
/// wrap.
pub fn wide_bias_less(bias: &[i64], multiplier: &[i32], w: &[i8], zero: i64) -> impl Iterator<Item = i64> {
    let depth = ratio(w.len(), bias.len());
    let sum = |w: &[i8]| w.iter().map(|w| i64::from(*w)).sum::<i64>();
    let column = move |i: usize| w.get(i * depth..).and_then(|w| w.get(..depth)).unwrap_or(&[]);
    let more = move |i: usize, m: i32| zero.wrapping_mul(sum(column(i))).wrapping_mul(i64::from(m));
    bias.iter().zip(multiplier).enumerate().map(move |(i, (b, m))| b.wrapping_sub(more(i, *m)))
}

/// The bias less what `zero` adds to every window, of weights `[columns][depth]`. Sums wrap until they are finished.
pub fn bias_less(bias: &[i32], w: &[i8], zero: i32) -> impl Iterator<Item = i32> {
    let depth = ratio(w.len(), bias.len());
    let sum = |w: &[i8]| w.iter().fold(0i32, |sum, w| sum.wrapping_add(i32::from(*w)));
    let column = move |i: usize| w.get(i * depth..).and_then(|w| w.get(..depth)).unwrap_or(&[]);
    bias.iter().enumerate().map(move |(i, b)| b.wrapping_sub(zero.wrapping_mul(sum(column(i)))))
}
