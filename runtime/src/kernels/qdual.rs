// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized convolution and matrix product for CPUs that multiply two pairs of 16-bit numbers at once: the windows of four
//! pixels are widened side by side, then every output channel takes them.
//!
//! Invariants: those of `qconv`, of which these kernels give the bits; integer sums have no order.
use super::super::arch::dual::{FOUR, Products, Windows, bytes, widen, widen_one};
use super::conv2d::Conv2d;
use super::qconv::QConv2d;
use super::quant::{Byte, Residual};

/// Words of scratch that [`qconv2d_dual`] needs.
pub const fn scratch(p: &QConv2d) -> usize {
    let m = &p.map;
    let inputs = match m.in_c.checked_div(m.groups) {
        Some(inputs) => inputs,
        None => 0,
    };
    let quads = (m.kernel_h * m.kernel_w * inputs).div_ceil(4);
    // Widened windows, their bytes where they are gathered, and the outputs of four pixels before the residual.
    let outputs = if p.finish.residual.is_some() { m.out_c } else { 0 };
    3 * FOUR * quads + outputs
}

/// Computes the convolution. Weights are packed group by group in panels of four output channels, `[depth / 4][4][4]` with the
/// depth in the order of kernel row, kernel column, input channel, and zeros for what is not there. The bias is less the sum
/// of the channel's weights times the number that stands for 0, wrapped. The finish has `lo <= zero <= hi`, and multipliers
/// are finite. `scratch` has as many words as [`scratch`] says.
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
    let (Some(inputs), Some(outputs)) = (m.in_c.checked_div(m.groups), m.out_c.checked_div(m.groups)) else { return };
    let quads = (m.kernel_h * m.kernel_w * inputs).div_ceil(4);
    let (Some((patch, rest)), pixels) = (words.split_at_mut_checked(2 * FOUR * quads), m.batch * m.out_h * m.out_w)
    else {
        return;
    };
    let mut place = [0; 3];
    let mut next = 0;
    while next < pixels {
        let count = if pixels - next < FOUR { 1 } else { FOUR };
        let mut at = [[0; 3]; FOUR];
        for at in at.iter_mut().take(count) {
            *at = place;
            let [batch, row, column] = place;
            place = match (column + 1 < m.out_w, row + 1 < m.out_h) {
                (true, _) => [batch, row, column + 1],
                (false, true) => [batch, row + 1, 0],
                (false, false) => [batch + 1, 0, 0],
            };
        }
        for group in 0..m.groups {
            let tile = Tile { p, x, inputs, first: group * inputs, quads, at: &at, count };
            tile.gather(patch, bytes(rest));
            let first = group * outputs;
            let w = w.get(group * outputs.next_multiple_of(FOUR) * 4 * quads..).unwrap_or(&[]);
            let (bias, multiplier) = (bias.get(first..first + outputs), multiplier.get(first..first + outputs));
            let (Some(bias), Some(multiplier)) = (bias, multiplier) else { return };
            let products = Products { patch, w, quads, bias, multiplier, range: p.finish.range };
            let Some(y) = y.get_mut(next * m.out_pitch + first..) else { return };
            match &p.finish.residual {
                None => compute(&products, count, y, m.out_pitch),
                Some(residual) => {
                    let Some(t) = Y::of_bits(bytes(rest)).get_mut(..count * outputs) else { return };
                    compute(&products, count, t, outputs);
                    for (t, y) in t.chunks_exact(outputs.max(1)).zip(y.chunks_mut(m.out_pitch.max(1))) {
                        add(residual, t, y);
                    }
                }
            }
        }
        next += count;
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

/// The windows of a pixel, or of four.
struct Tile<'a, X> {
    p: &'a QConv2d,
    x: &'a [X],
    /// Channels.
    inputs: usize,
    /// The first of them.
    first: usize,
    /// The depth, by four.
    quads: usize,
    /// Map, row and column of each pixel.
    at: &'a [[usize; 3]; FOUR],
    count: usize,
}

impl<X: Byte> Tile<'_, X> {
    /// Widens the inputs.
    fn gather(&self, patch: &mut [u32], bytes: &mut [u8]) {
        let m = &self.p.map;
        let is_joined = m.dilation_w == 1 && m.in_pitch == self.inputs;
        let run = if is_joined { m.kernel_w * self.inputs } else { self.inputs };
        if let Some(places) = self.inside().filter(|_| run.is_multiple_of(4)) {
            // Where neighbouring taps of a row touch, they are one.
            let columns = if is_joined { 1 } else { m.kernel_w };
            let words = if self.count == FOUR { 2 * FOUR } else { 2 };
            let mut words = patch.chunks_mut((run / 4 * words).max(1));
            for row in 0..m.kernel_h {
                for column in 0..columns {
                    let step = (row * m.dilation_h * m.in_w + column * m.dilation_w) * m.in_pitch;
                    let Some(patch) = words.next() else { return };
                    self.widen(self.x, places.map(|at| at + step), run / 4, patch);
                }
            }
            return;
        }
        let depth = 4 * self.quads;
        let staged = X::of_bits(bytes);
        for (window, at) in staged.chunks_exact_mut(depth.max(1)).zip(self.at).take(self.count) {
            self.stage(window, *at, if is_joined { m.kernel_w } else { 1 });
        }
        self.widen(staged, [0, depth, 2 * depth, 3 * depth], self.quads, patch);
    }

    fn widen(&self, x: &[X], at: [usize; FOUR], quads: usize, patch: &mut [u32]) {
        if self.count == FOUR {
            widen(x, at, quads, patch);
        } else {
            widen_one(x.get(at[0]..).unwrap_or(&[]), quads, patch);
        }
    }

    /// Where the windows begin, where all of them lie on the map.
    fn inside(&self) -> Option<[usize; FOUR]> {
        let mut places = [0; FOUR];
        for (to, at) in places.iter_mut().zip(self.at).take(self.count) {
            let m = &self.p.map;
            let row = (at[1] * m.stride_h).checked_sub(m.pad_top)?;
            let column = (at[2] * m.stride_w).checked_sub(m.pad_left)?;
            let is_inside =
                row + (m.kernel_h - 1) * m.dilation_h < m.in_h && column + (m.kernel_w - 1) * m.dilation_w < m.in_w;
            if !is_inside {
                return None;
            }
            *to = ((at[0] * m.in_h + row) * m.in_w + column) * m.in_pitch + self.first;
        }
        Some(places)
    }

    /// Copies the inputs of a pixel; what lies in the padding is the number that stands for 0. `joined` neighbouring taps are
    /// one run of inputs.
    fn stage(&self, window: &mut [X], [batch, row, column]: [usize; 3], joined: usize) {
        let m = &self.p.map;
        window.fill(X::narrow(self.p.zero));
        let [height, width] = m.axes();
        let (rows, columns) = (height.taps(row), width.taps(column));
        let (top, left) = (height.position(row, rows.first), width.position(column, columns.first));
        let step = joined.min(columns.len()).max(1);
        for kh in 0..rows.len() {
            for kw in (0..columns.len()).step_by(step) {
                let input = (batch * m.in_h + top + kh * m.dilation_h) * m.in_w + left + kw * m.dilation_w;
                let tap = (rows.first + kh) * m.kernel_w + columns.first + kw;
                let n = step.min(columns.len() - kw) * self.inputs;
                let from = self.x.get(input * m.in_pitch + self.first..).unwrap_or(&[]);
                let to = window.get_mut(tap * self.inputs..).unwrap_or(&mut []);
                copy(from, to, n);
            }
        }
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
    let zero = X::narrow(p.zero);
    lines.fill(zero);
    let mut next = 0;
    for batch in 0..m.batch {
        for row in 0..m.out_h {
            for (kh, line) in lines.chunks_exact_mut(line).take(m.kernel_h).enumerate() {
                match (row * m.stride_h + kh * m.dilation_h).checked_sub(m.pad_top).filter(|&h| h < m.in_h) {
                    Some(h) => copy_row(m, x.get((batch * m.in_h + h) * m.in_w * m.in_pitch..).unwrap_or(&[]), line),
                    None => line.fill(zero),
                }
            }
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
            let Some(y) = y.get_mut(next..) else { return };
            windows.compute(y);
            next += m.out_w * m.out_pitch;
        }
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
