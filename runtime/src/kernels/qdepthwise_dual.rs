// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized depthwise convolution for CPUs that multiply two pairs of 16-bit numbers at once: the rows that a few lines of
//! outputs need are widened channel by channel, and every window is read from there.
//!
//! Invariants: those of `qdepthwise`, of which this kernel gives the bits; integer sums have no order. Lines lie along the
//! width of a map, or along its height where fewer fours of pixels cover it so.
use super::super::arch::lines::{FOUR, Lines, Taps, shift, spread};
use super::conv2d::Conv2d;
use super::qconv::QConv2d;
use super::quant::Byte;
use super::window::div_ceil;

/// Lines of outputs whose rows are widened together.
const LINES: usize = 4;

/// One of the two directions of a map.
#[derive(Clone, Copy, Debug)]
struct Way {
    input: usize,
    output: usize,
    taps: Taps,
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
        taps: Taps { count: m.kernel_h, dilation: m.dilation_h, stride: m.stride_h },
        pad: m.pad_top,
        x_step: m.in_w,
        y_step: m.out_w,
    };
    let right = Way {
        input: m.in_w,
        output: m.out_w,
        taps: Taps { count: m.kernel_w, dilation: m.dilation_w, stride: m.stride_w },
        pad: m.pad_left,
        x_step: 1,
        y_step: 1,
    };
    if is_upright(m) { [right, down] } else { [down, right] }
}

/// How many rows of taps a kernel has, and the taps of a row.
pub const fn taps(m: &Conv2d) -> (usize, Taps) {
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
/// (see [`Taps::is_three`]). What `qconv2d_dual` says of bias and finish holds here; there is no residual.
#[inline(never)]
pub fn qdepthwise2d_dual<X: Byte, Y: Byte>(
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
    words.fill(zero | zero << 16);
    let mut layer = Layer { p, down, right, zero: zero | zero << 16, words };
    let channel = down.taps.count * right.taps.words();
    for batch in 0..m.batch {
        let x = x.get(batch * m.in_h * m.in_w * m.in_pitch..).unwrap_or(&[]);
        let y = y.get_mut(batch * m.out_h * m.out_w * m.out_pitch..).unwrap_or(&mut []);
        let sums = bias.as_chunks().0.iter().zip(multiplier.as_chunks().0).take(m.out_c / FOUR);
        for (four, (bias, multiplier)) in sums.enumerate() {
            let w = w.get(four * FOUR * channel..).unwrap_or(&[]);
            let (Some(x), Some(y)) = (x.get(four * FOUR..), y.get_mut(four * FOUR..)) else { return };
            layer.channels(x, w, (bias, multiplier), y);
        }
    }
}

/// A layer with its widened rows, each of four lines.
struct Layer<'a> {
    p: &'a QConv2d,
    down: Way,
    right: Way,
    /// Two of the number that stands for 0.
    zero: u32,
    words: &'a mut [u32],
}

impl Layer<'_> {
    /// Words of a row.
    fn row(&self) -> usize {
        FOUR * self.right.pitch() / 2
    }

    /// Four channels.
    #[inline(never)]
    fn channels<X: Byte, Y: Byte>(
        &mut self,
        x: &[X],
        w: &[u32],
        (bias, multiplier): (&[i32; FOUR], &[f32; FOUR]),
        y: &mut [Y],
    ) {
        let (m, down, right) = (&self.p.map, self.down, self.right);
        let (mut first, mut held) = (0, 0);
        while first < down.output {
            let count = if down.output - first < LINES { down.output - first } else { LINES };
            let rows = down.span(count);
            for at in held..rows {
                self.widen(x, (first * down.taps.stride + at).checked_sub(down.pad), at);
            }
            let lines = Lines {
                x: &*self.words,
                pitch: right.pitch(),
                w,
                rows: down.taps.count,
                dilation: down.taps.dilation,
                lines: count,
                stride: down.taps.stride,
                taps: right.taps,
                bias,
                multiplier,
                range: self.p.finish.range,
            };
            let Some(y) = y.get_mut(first * down.y_step * m.out_pitch..) else { return };
            self.compute(&lines, y);
            first += count;
            held = self.keep(count * down.taps.stride, rows);
        }
    }

    /// Widens a row of inputs, or what stands for zeros outside of the map.
    fn widen<X: Byte>(&mut self, x: &[X], from: Option<usize>, at: usize) {
        let (m, right, row) = (&self.p.map, self.right, self.row());
        let Some(words) = self.words.get_mut(at * row..).and_then(|words| words.get_mut(..row)) else { return };
        match from.filter(|&from| from < self.down.input) {
            Some(from) => {
                let pixels = right.pitch().saturating_sub(right.pad);
                let pixels = if pixels < right.input { pixels } else { right.input };
                let x = x.get(from * self.down.x_step * m.in_pitch..).unwrap_or(&[]);
                spread(x, right.x_step * m.in_pitch, pixels, words, (right.pitch(), right.pad));
            }
            None => words.fill(self.zero),
        }
    }

    /// Moves the rows from `first` on to the beginning; gives how many there are.
    fn keep(&mut self, first: usize, rows: usize) -> usize {
        let (row, kept) = (self.row(), rows.saturating_sub(first));
        shift(self.words, first * row, kept * row / FOUR);
        kept
    }

    /// Lines of outputs. What is left by way of four goes where the next line begins, which is written later; without a next
    /// line there, beside them.
    fn compute<Y: Byte>(&self, lines: &Lines<'_>, y: &mut [Y]) {
        let (right, pitch) = (&self.right, self.p.map.out_pitch);
        let (pixel, line, rest) = (right.y_step * pitch, self.down.y_step * pitch, right.output % FOUR);
        // How many lines have all of their fours inside.
        let follows = right.y_step == 1;
        let inside = match lines.lines {
            all if rest == 0 || (follows && y.len() > (all * right.output + FOUR - rest) * pitch) => all,
            all if follows => all - 1,
            _ => 0,
        };
        if inside > 0 {
            Lines { lines: inside, ..*lines }.compute(right.fours(), y, [pixel, line]);
        }
        for at in inside..lines.lines {
            let x = lines.x.get(at * lines.stride * self.row()..).unwrap_or(&[]);
            let Some(y) = y.get_mut(at * line..) else { return };
            one(&Lines { x, lines: 1, ..*lines }, right.output, y, pixel);
        }
    }
}

/// A line of outputs, which lie `pixel` apart: whole fours, then what is left.
fn one<Y: Byte>(line: &Lines<'_>, pixels: usize, y: &mut [Y], pixel: usize) {
    let (fours, rest) = (pixels / FOUR, pixels % FOUR);
    if fours > 0 {
        line.compute(fours, y, [pixel, 0]);
    }
    let mut last = [Y::narrow(0); FOUR * FOUR];
    let line = Lines { x: line.x.get(fours * FOUR * line.taps.stride / 2..).unwrap_or(&[]), ..*line };
    line.compute(1, &mut last, [FOUR, 0]);
    for (at, last) in last.as_chunks::<{ FOUR }>().0.iter().take(rest).enumerate() {
        if let Some(y) = y.get_mut((fours * FOUR + at) * pixel..).and_then(|y| y.first_chunk_mut()) {
            *y = *last;
        }
    }
}
