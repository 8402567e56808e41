// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized depthwise convolution for CPUs that multiply two pairs of 16-bit numbers at once: the rows that a few lines of
//! outputs need are widened channel by channel, and every window is read from there.
//!
//! Invariants: those of `qdepthwise`, with equal bits, since integer sums have no order. Lines lie along the width of a map, or
//! along its height if fewer fours of pixels cover the map that way.
use super::super::arch::byte::Byte;
use super::super::arch::dual::Dual;
use super::super::loops::lines::{compute, shift, spread};
use super::super::terms::conv2d::Conv2d;
use super::super::terms::lines::{FOUR, LineTaps, Lines, Part};
use super::super::terms::qconv2d::QConv2d;
use super::super::terms::window::div_ceil;

/// Lines of outputs whose rows are widened together.
const LINES: usize = 4;

/// One of the two directions of a map.
#[derive(Clone, Copy, Debug)]
struct Way {
    input: usize,
    output: usize,
    taps: LineTaps,
    pad: usize,
    /// Input pixels between neighbours.
    x_step: usize,
    /// Output pixels between neighbours.
    y_step: usize,
}

impl Way {
    /// Inputs that the windows of so many outputs cover.
    const fn span(&self, outputs: usize) -> usize {
        outputs.saturating_sub(1) * self.taps.stride + self.taps.count.saturating_sub(1) * self.taps.dilation + 1
    }

    /// Fours of outputs.
    const fn fours(&self) -> usize {
        div_ceil(self.output, FOUR)
    }

    /// Numbers of a line, even: what the windows of whole fours of outputs are read from.
    const fn pitch(&self) -> usize {
        self.taps.reach(self.fours() * FOUR)
    }

    /// Rows that are widened together.
    const fn rows(&self) -> usize {
        self.span(if self.output < LINES { self.output } else { LINES })
    }
}

/// Whether lines lie along the height. Then the taps of the weights are those of kernel columns first.
pub const fn is_upright(m: &Conv2d) -> bool {
    div_ceil(m.out_h, FOUR) * m.out_w < div_ceil(m.out_w, FOUR) * m.out_h
}

/// From line to line, and along a line.
const fn ways(m: &Conv2d) -> [Way; 2] {
    let down = Way {
        input: m.in_h,
        output: m.out_h,
        taps: LineTaps { count: m.kernel_h, dilation: m.dilation_h, stride: m.stride_h },
        pad: m.pad_top,
        x_step: m.in_w,
        y_step: m.out_w,
    };
    let right = Way {
        input: m.in_w,
        output: m.out_w,
        taps: LineTaps { count: m.kernel_w, dilation: m.dilation_w, stride: m.stride_w },
        pad: m.pad_left,
        x_step: 1,
        y_step: 1,
    };
    if is_upright(m) { [right, down] } else { [down, right] }
}

/// How many rows of taps a kernel has, and the taps of a row.
pub const fn taps(m: &Conv2d) -> (usize, LineTaps) {
    let [down, right] = ways(m);
    (down.taps.count, right.taps)
}

/// Words of scratch that [`qdepthwise2d_dual`] needs: the rows that a few lines of outputs need, of four channels.
pub const fn scratch(m: &Conv2d) -> usize {
    let [down, right] = ways(m);
    down.rows() * FOUR * right.pitch() / 2
}

/// Computes a convolution whose `groups`, `in_c` and `out_c` are equal, and multiples of four. Weights are
/// `[channels][rows][words]` as [`taps`] has them: two neighbouring taps in a word, the first in its low half, and zeros for
/// what is not there; or one tap where they do not touch; of three taps the first and the second, then the second and the third
/// (see [`LineTaps::is_three`]). What `qconv2d_dual` says of bias and finish holds here; there is no residual.
#[inline(never)]
pub fn qdepthwise2d_dual<C: Dual, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[u32],
    (bias, multiplier): (&[i32], &[f32]),
    words: &mut [u32],
    y: &mut [Y],
) {
    let m = &p.map;
    debug_assert!(x.len() >= m.in_len() && y.len() >= m.out_len() && words.len() >= scratch(m));
    let [down, right] = ways(m);
    let zero = X::narrow(p.zero).wide() as u32 & 0xffff;
    let (pitch, zero) = (right.pitch(), zero | zero << 16);
    cpu.fill_words(words, zero);
    let mut layer = Layer { cpu, p, down, right, pitch, row: FOUR * pitch / 2, zero, words };
    let channel = down.taps.count * right.taps.words();
    for batch in 0..m.batch {
        let (mut x_at, mut y_at) = (batch * m.in_h * m.in_w * m.in_pitch, batch * m.out_h * m.out_w * m.out_pitch);
        let mut first = 0;
        while first < m.out_c {
            let (bias, multiplier) = (bias.get(first..), multiplier.get(first..));
            let (Some(bias), Some(multiplier)) =
                (bias.and_then(|b| b.first_chunk()), multiplier.and_then(|m| m.first_chunk()))
            else {
                return;
            };
            let (Some(x), Some(w), Some(y)) = (x.get(x_at..), w.get(first * channel..), y.get_mut(y_at..)) else {
                return;
            };
            layer.channels(x, w, (bias, multiplier), y);
            (first, x_at, y_at) = (first + FOUR, x_at + FOUR, y_at + FOUR);
        }
    }
}

/// A layer with its widened rows, each of four lines.
struct Layer<'a, C> {
    cpu: C,
    p: &'a QConv2d,
    down: Way,
    right: Way,
    /// Numbers of a line.
    pitch: usize,
    /// Words of a row.
    row: usize,
    /// The zero point, twice.
    zero: u32,
    words: &'a mut [u32],
}

impl<C: Dual> Layer<'_, C> {
    /// Four channels.
    #[inline(never)]
    fn channels<X: Byte, Y: Byte>(
        &mut self,
        x: &[X],
        w: &[u32],
        (bias, multiplier): (&[i32; FOUR], &[f32; FOUR]),
        y: &mut [Y],
    ) {
        let LineTaps { count: height, dilation, stride } = self.down.taps;
        let line = self.down.y_step * self.p.map.out_pitch;
        let (mut first, mut held) = (0, 0);
        while first < self.down.output {
            let left = self.down.output - first;
            let count = if left < LINES { left } else { LINES };
            let rows = self.down.span(count);
            for at in held..rows {
                self.widen(x, (first * stride + at).wrapping_sub(self.down.pad), at);
            }
            let lines = Lines {
                x: &*self.words,
                pitch: self.pitch,
                w,
                rows: height,
                dilation,
                stride,
                taps: self.right.taps,
                bias,
                multiplier,
                range: self.p.finish.range,
            };
            let Some(y) = y.get_mut(first * line..) else { return };
            self.compute(&lines, count, y);
            first += count;
            // The last rows are the first of the next lines.
            held = rows.saturating_sub(count * stride);
            shift(self.cpu, self.words, count * stride * self.row, held * self.row / FOUR);
        }
    }

    /// Widens a row of inputs; outside of the map, the zero point.
    fn widen<X: Byte>(&mut self, x: &[X], from: usize, at: usize) {
        let (right, pitch) = (&self.right, self.p.map.in_pitch);
        let words = self.words.get_mut(at * self.row..).and_then(|words| words.get_mut(..self.row));
        let Some(words) = words else { return };
        if from < self.down.input {
            let room = self.pitch.saturating_sub(right.pad);
            let pixels = if room < right.input { room } else { right.input };
            let x = x.get(from * self.down.x_step * pitch..).unwrap_or(&[]);
            spread(self.cpu, x, right.x_step * pitch, pixels, words, (self.pitch, right.pad));
        } else {
            self.cpu.fill_words(words, self.zero);
        }
    }

    /// Computes lines of outputs, four pixels at a time. The last four of a line may reach into the next line, which is written
    /// later; if no line follows, they are computed aside and copied.
    fn compute<Y: Byte>(&self, lines: &Lines<'_>, count: usize, y: &mut [Y]) {
        let (right, pitch) = (&self.right, self.p.map.out_pitch);
        let steps = [right.y_step * pitch, self.down.y_step * pitch];
        let (mut fours, rest) = (right.output / FOUR, right.output % FOUR);
        let spills = rest > 0 && right.y_step == 1 && y.len() > (count * right.output + FOUR - rest) * pitch;
        fours += usize::from(spills);
        if fours > 0 {
            compute(self.cpu, lines, &Part { first: 0, lines: count, fours }, y, steps);
        }
        if rest == 0 || spills {
            return;
        }
        for line in 0..count {
            let mut last = [Y::narrow(0); FOUR * FOUR];
            let first = line * lines.stride * self.row + fours * FOUR * right.taps.stride / 2;
            compute(self.cpu, lines, &Part { first, lines: 1, fours: 1 }, &mut last, [FOUR, 0]);
            let mut at = line * steps[1] + fours * FOUR * steps[0];
            for last in last.as_chunks::<{ FOUR }>().0.iter().take(rest) {
                if let Some(y) = y.get_mut(at..).and_then(|y| y.first_chunk_mut()) {
                    *y = *last;
                }
                at += steps[0];
            }
        }
    }
}
