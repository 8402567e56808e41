// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized convolution and matrix product for CPUs that multiply two pairs of 16-bit numbers at once: the windows of four
//! pixels are widened side by side, then every output channel takes them.
//!
//! Invariants: those of `qconv`, of which these kernels give the bits; integer sums have no order. Where windows reach into
//! the padding, the lines of a row of windows are copied with their padding first, so that no window needs a check.
use super::super::arch::dual::{FOUR, Products, Windows, bytes, widen, widen_one};
use super::conv2d::Conv2d;
use super::qconv::QConv2d;
use super::quant::{Byte, Residual};

/// Neighbouring inputs of a window: so many elements, and how many times in each kernel row.
const fn runs(m: &Conv2d) -> (usize, usize) {
    match m.in_c.checked_div(m.groups) {
        Some(inputs) if m.groups == 1 && m.dilation_w == 1 => (m.kernel_w * inputs, 1),
        Some(inputs) => (inputs, m.kernel_w),
        None => (0, 0),
    }
}

/// The depth of a window by four: every run is filled up.
const fn quads(m: &Conv2d) -> usize {
    let (run, count) = runs(m);
    m.kernel_h * count * run.div_ceil(4)
}

/// Whether windows are read where they lie: all on the map, in runs of whole fours.
const fn is_direct(m: &Conv2d) -> bool {
    let (run, count) = runs(m);
    let reach_h = m.out_h.saturating_sub(1) * m.stride_h + (m.kernel_h - 1) * m.dilation_h;
    let reach_w = m.out_w.saturating_sub(1) * m.stride_w + (m.kernel_w - 1) * m.dilation_w;
    let touch = count > 1 || m.kernel_w == 1 || m.in_pitch == m.in_c;
    run.is_multiple_of(4) && touch && m.pad_top == 0 && m.pad_left == 0 && reach_h < m.in_h && reach_w < m.in_w
}

/// Words of scratch that [`qconv2d_dual`] needs.
pub const fn scratch(p: &QConv2d) -> usize {
    let m = &p.map;
    // Widened windows, the outputs of four pixels before the residual, lines; a run that is filled up reads what follows it.
    let outputs = if p.finish.residual.is_some() { m.out_c } else { 0 };
    let lines = if is_direct(m) { 0 } else { (m.kernel_h * line(m)).div_ceil(4) + 1 };
    2 * FOUR * quads(m) + outputs + lines
}

/// Computes the convolution. Weights are packed group by group in panels of four output channels, `[depth / 4][4][4]` with the
/// depth in the order of kernel row, kernel column, input channel, and zeros for what is not there; kernel rows are filled up
/// to whole fours by zeros, or taps, where there are groups or taps that do not touch. The bias is less the sum of the
/// channel's weights times the number that stands for 0, wrapped. The finish has `lo <= zero <= hi`, and multipliers are
/// finite. `scratch` has as many words as [`scratch`] says.
pub fn qconv2d_dual<X: Byte, Y: Byte>(
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    (bias, multiplier): (&[i32], &[f32]),
    words: &mut [u32],
    y: &mut [Y],
) {
    let m = &p.map;
    debug_assert!(x.len() >= m.in_len() && y.len() >= m.out_len() && words.len() >= scratch(p));
    let quads = quads(m);
    let outputs = if p.finish.residual.is_some() { m.out_c } else { 0 };
    let Some((patch, rest)) = words.split_at_mut_checked(2 * FOUR * quads) else { return };
    let Some((sums, lines)) = rest.split_at_mut_checked(outputs) else { return };
    let (sums, lines) = (Y::of_bits(bytes(sums)), X::of_bits(bytes(lines)));
    let mut layer = Layer { p, w, bias, multiplier, quads, patch, sums };
    if !is_direct(m) {
        lines.fill(X::narrow(p.zero));
        let pitches = [m.dilation_w * m.in_c, line(m), m.in_c];
        for batch in 0..m.batch {
            for row in 0..m.out_h {
                fill(p, x, [batch, row], lines);
                let at = (batch * m.out_h + row) * m.out_w * m.out_pitch;
                layer.row(lines, pitches, m.out_w, y.get_mut(at..).unwrap_or(&mut []));
            }
        }
        return;
    }
    let pitches = [m.dilation_w * m.in_pitch, m.dilation_h * m.in_w * m.in_pitch, m.in_pitch];
    // The pixels of a map that is taken as it is are one row.
    let is_flat = m.kernel_h * m.kernel_w * m.stride_h * m.stride_w == 1 && m.in_h * m.in_w == m.out_h * m.out_w;
    let all = m.batch * m.out_h * m.out_w;
    let [batches, rows, columns] = if is_flat { [1, 1, all] } else { [m.batch, m.out_h, m.out_w] };
    for batch in 0..batches {
        for row in 0..rows {
            let x = x.get((batch * m.in_h + row * m.stride_h) * m.in_w * m.in_pitch..).unwrap_or(&[]);
            let at = (batch * rows + row) * columns * m.out_pitch;
            layer.row(x, pitches, columns, y.get_mut(at..).unwrap_or(&mut []));
        }
    }
}

/// Copies the lines that the windows of a row of outputs lie in, of all maps' rows, with their padding.
fn fill<X: Byte>(p: &QConv2d, x: &[X], [batch, row]: [usize; 2], lines: &mut [X]) {
    let m = &p.map;
    let first = row * m.stride_h;
    for (kh, line) in lines.chunks_exact_mut(line(m).max(1)).take(m.kernel_h).enumerate() {
        match (first + kh * m.dilation_h).checked_sub(m.pad_top).filter(|&h| h < m.in_h) {
            Some(h) => copy_row(m, x.get((batch * m.in_h + h) * m.in_w * m.in_pitch..).unwrap_or(&[]), line),
            None => line.fill(X::narrow(p.zero)),
        }
    }
}

/// A convolution with what it works with.
struct Layer<'a, Y> {
    p: &'a QConv2d,
    w: &'a [i8],
    bias: &'a [i32],
    multiplier: &'a [f32],
    quads: usize,
    patch: &'a mut [u32],
    /// Outputs before the residual.
    sums: &'a mut [Y],
}

impl<Y: Byte> Layer<'_, Y> {
    /// A row of pixels, whose first window begins with `x`; from tap to tap, from kernel row to kernel row and from pixel to
    /// pixel there are so many inputs.
    fn row<X: Byte>(&mut self, x: &[X], pitches: [usize; 3], pixels: usize, y: &mut [Y]) {
        let m = &self.p.map;
        let (Some(inputs), Some(outputs)) = (m.in_c.checked_div(m.groups), m.out_c.checked_div(m.groups)) else {
            return;
        };
        let panels = outputs.next_multiple_of(FOUR) * 4 * self.quads;
        let mut next = 0;
        while next < pixels {
            let count = if pixels - next < FOUR { 1 } else { FOUR };
            for group in 0..m.groups {
                self.gather(x, next * m.stride_w * pitches[2] + group * inputs, pitches, count);
                let first = group * outputs;
                let w = self.w.get(group * panels..).unwrap_or(&[]);
                let (bias, multiplier) =
                    (self.bias.get(first..first + outputs), self.multiplier.get(first..first + outputs));
                let (Some(bias), Some(multiplier)) = (bias, multiplier) else { return };
                let products =
                    Products { patch: self.patch, w, quads: self.quads, bias, multiplier, range: self.p.finish.range };
                let Some(y) = y.get_mut(next * m.out_pitch + first..) else { return };
                match &self.p.finish.residual {
                    None => compute(&products, count, y, m.out_pitch),
                    Some(residual) => {
                        let Some(sums) = self.sums.get_mut(..count * outputs) else { return };
                        compute(&products, count, sums, outputs);
                        for (sums, y) in sums.chunks_exact(outputs.max(1)).zip(y.chunks_mut(m.out_pitch.max(1))) {
                            add(residual, sums, y);
                        }
                    }
                }
            }
            next += count;
        }
    }

    /// Widens the windows of a pixel, or of four.
    fn gather<X: Byte>(&mut self, x: &[X], first: usize, [tap, row, pixel]: [usize; 3], count: usize) {
        let m = &self.p.map;
        let (run, columns) = runs(m);
        let step = m.stride_w * pixel;
        let (run, words) = (run.div_ceil(4), if count == FOUR { 2 * FOUR } else { 2 });
        let mut patches = self.patch.chunks_mut((run * words).max(1));
        for kh in 0..m.kernel_h {
            for kw in 0..columns {
                let at = first + kh * row + kw * tap;
                let Some(patch) = patches.next() else { return };
                if count == FOUR {
                    widen(x, [at, at + step, at + 2 * step, at + 3 * step], run, patch);
                } else {
                    widen_one(x.get(at..).unwrap_or(&[]), run, patch);
                }
            }
        }
    }
}

/// The outputs of a pixel, or of four.
fn compute<Y: Byte>(products: &Products<'_>, count: usize, y: &mut [Y], pitch: usize) {
    if count == FOUR {
        products.pixels(y, pitch);
    } else {
        products.pixel(y);
    }
}

/// Adds finished sums to the outputs.
fn add<Y: Byte>(residual: &Residual, t: &[Y], y: &mut [Y]) {
    for (t, y) in t.iter().zip(y) {
        let sum = residual.other.real(y.wide()) + residual.sum.real(t.wide());
        *y = Y::narrow(residual.range.round(sum / residual.scale));
    }
}

/// Copies `n` elements.
fn copy<X: Byte>(from: &[X], to: &mut [X], n: usize) {
    if let (Some(from), Some(to)) = (from.get(..n), to.get_mut(..n)) {
        let (fours, rest) = from.as_chunks::<4>();
        let (to_fours, to_rest) = to.as_chunks_mut::<4>();
        to_fours.iter_mut().zip(fours).for_each(|(to, from)| *to = *from);
        to_rest.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    }
}

/// Words of scratch that [`qdepthwise2d_dual`] needs: the lines that the windows of a row of outputs lie in.
pub const fn depthwise_scratch(m: &Conv2d) -> usize {
    (m.kernel_h * line(m)).div_ceil(4)
}

/// Elements of a line of inputs with its padding, as far as windows reach.
const fn line(m: &Conv2d) -> usize {
    (m.out_w.saturating_sub(1) * m.stride_w + (m.kernel_w - 1) * m.dilation_w + 1) * m.in_c
}

/// Computes a convolution whose `groups`, `in_c` and `out_c` are equal, and multiples of four. Weights are
/// `[channels / 4][taps][2]`, two in a word: those of the first and the third channel, then of the second and the fourth. What
/// `qconv2d_dual` says of bias, finish and scratch holds here.
pub fn qdepthwise2d_dual<X: Byte, Y: Byte>(
    p: &QConv2d,
    x: &[X],
    w: &[u32],
    (bias, multiplier): (&[i32], &[f32]),
    words: &mut [u32],
    y: &mut [Y],
) {
    let m = &p.map;
    debug_assert!(x.len() >= m.in_len() && y.len() >= m.out_len() && words.len() >= depthwise_scratch(m));
    let (Some(bias), Some(multiplier)) = (bias.get(..m.out_c), multiplier.get(..m.out_c)) else { return };
    let (line, lines) = (line(m), X::of_bits(bytes(words)));
    if m.out_w == 0 || line == 0 {
        return;
    }
    lines.fill(X::narrow(p.zero));
    for at in 0..m.batch * m.out_h {
        let batch = at.checked_div(m.out_h).unwrap_or(0);
        fill(p, x, [batch, at - batch * m.out_h], lines);
        let windows = Windows {
            x: &*lines,
            w,
            taps: [m.kernel_h, m.kernel_w],
            steps: [line, m.dilation_w * m.in_c],
            pixels: m.out_w,
            stride: m.stride_w * m.in_c,
            pitch: m.out_pitch,
            bias,
            multiplier,
            range: p.finish.range,
        };
        let Some(y) = y.get_mut(at * m.out_w * m.out_pitch..) else { return };
        windows.compute(y);
    }
}

/// Copies a row of inputs into a line, behind the padding.
fn copy_row<X: Byte>(m: &Conv2d, x: &[X], line: &mut [X]) {
    let Some(line) = line.get_mut(m.pad_left * m.in_c..) else { return };
    if m.in_pitch == m.in_c {
        let n = (m.in_w * m.in_c).min(line.len());
        if let (Some(from), Some(to)) = (x.get(..n), line.get_mut(..n)) {
            to.copy_from_slice(from);
        }
    } else {
        for (to, from) in line.chunks_exact_mut(m.in_c.max(1)).take(m.in_w).zip(x.chunks(m.in_pitch.max(1))) {
            copy(from, to, m.in_c);
        }
    }
}
