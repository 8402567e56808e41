// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized convolution and matrix product: bytes times bytes, exact sums in 32 bits, bytes again.
//!
//! Invariants: padded taps add nothing; whoever packs the weights has proved that no sum leaves 32 bits; integer sums
//! have no order, so every instruction set gives the same bits.
//!
//! The windows of a few pixels are gathered side by side, less the zero point, as 16-bit numbers; then every panel of
//! eight output channels takes them two by two.
use super::super::arch::isa::{Cpu, Isa, Kernel, LANES};
use super::conv2d::Conv2d;
use super::quant::{Byte, Finish, Ready, widen};
use super::rows::each_row;

/// Pixels that are computed together: with two panels, their eight sums stay in registers.
const ROWS: usize = 4;
/// Inputs of a window that are gathered at once: on small targets the stack holds few.
const DEPTH: usize = if cfg!(target_pointer_width = "64") { 1152 } else { 96 };
/// Pairs of them.
const PAIRS: usize = DEPTH / 2;

/// The gathered inputs of the pixels.
type Patch = [[[i16; 2]; PAIRS]; ROWS];

/// A quantized convolution. A matrix product is one of a map of one row, by a kernel of one tap.
///
/// Weights are packed group by group in panels of 8 output channels, `[depth / 2][8][2]` with the depth in the order of
/// kernel row, kernel column, input channel; an odd depth and a narrow last panel are filled with zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QConv2d {
    /// The maps and the window.
    pub map: Conv2d,
    /// The input byte that stands for 0.
    pub zero: i32,
    /// What is done with the sums.
    pub finish: Finish,
}

impl QConv2d {
    /// A convolution from its parts.
    pub const fn new(map: Conv2d, zero: i32, finish: Finish) -> Self {
        QConv2d { map, zero, finish }
    }
}

/// Computes the convolution. `bias` and `multiplier` have `out_c` elements.
#[inline]
pub fn qconv2d<C: Cpu, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    bias: &[i32],
    multiplier: &[f32],
    y: &mut [Y],
) {
    debug_assert!(x.len() >= p.map.in_len() && y.len() >= p.map.out_len());
    debug_assert!(bias.len() >= p.map.out_c && multiplier.len() >= p.map.out_c);
    cpu.run(Convolution { p, x, w, bias, multiplier, y });
}

struct Convolution<'a, X, Y> {
    p: &'a QConv2d,
    x: &'a [X],
    w: &'a [i8],
    bias: &'a [i32],
    multiplier: &'a [f32],
    y: &'a mut [Y],
}

/// The pixels of a tile.
#[derive(Clone, Copy)]
struct Pixels {
    count: usize,
    /// Map, row and column of each window's first tap, which count from the padding on.
    at: [[usize; 3]; ROWS],
    /// Where the results of each go.
    y: [usize; ROWS],
}

/// The sizes of a group.
#[derive(Clone, Copy)]
struct Group {
    inputs: usize,
    outputs: usize,
    /// Inputs of a window.
    depth: usize,
    panels: usize,
    /// Weights of a panel.
    panel: usize,
}

impl<X: Byte, Y: Byte> Kernel for Convolution<'_, X, Y> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let m = &self.p.map;
        let (Some(inputs), Some(outputs)) = (m.in_c.checked_div(m.groups), m.out_c.checked_div(m.groups)) else {
            return;
        };
        let depth = m.kernel_h * m.kernel_w * inputs;
        let panel = depth.div_ceil(2) * 2 * LANES;
        let group = Group { inputs, outputs, depth, panels: outputs.div_ceil(LANES), panel };
        let ready = self.p.finish.prepare(isa);
        let mut patch: Patch = [[[0; 2]; PAIRS]; ROWS];
        let mut pixels = Pixels { count: 0, at: [[0; 3]; ROWS], y: [0; ROWS] };
        let mut next = 0;
        for batch in 0..m.batch {
            for row in 0..m.out_h {
                for column in 0..m.out_w {
                    if let (Some(at), Some(y)) = (pixels.at.get_mut(pixels.count), pixels.y.get_mut(pixels.count)) {
                        (*at, *y) = ([batch, row * m.stride_h, column * m.stride_w], next);
                    }
                    next += m.out_pitch;
                    pixels.count += 1;
                    if pixels.count == ROWS {
                        self.tile(&ready, isa, &pixels, &mut patch, &group);
                        pixels.count = 0;
                    }
                }
            }
        }
        if pixels.count > 0 {
            self.tile(&ready, isa, &pixels, &mut patch, &group);
        }
    }
}

impl<X: Byte, Y: Byte> Convolution<'_, X, Y> {
    /// All channels of some pixels.
    #[inline(always)]
    fn tile<I: Isa>(&mut self, ready: &Ready<I>, isa: I, pixels: &Pixels, patch: &mut Patch, size: &Group) {
        for group in 0..self.p.map.groups {
            // Where one gathering holds the windows, all panels share it.
            if size.depth <= DEPTH {
                self.gather(pixels, patch, (group * size.inputs, size.inputs), (0, size.depth));
            }
            let mut panel = 0;
            while panel < size.panels {
                let many = I::TILE_VECTORS >= 2;
                let left = size.panels - panel;
                // Vector registers hold eight sums and what they are made of.
                panel += if many && pixels.count == 1 && left >= 4 {
                    self.panels::<I, 1, 4>((isa, ready), pixels, patch, size, [group, panel])
                } else if pixels.count == 1 {
                    self.panels::<I, 1, 1>((isa, ready), pixels, patch, size, [group, panel])
                } else if many && left >= 2 {
                    self.panels::<I, ROWS, 2>((isa, ready), pixels, patch, size, [group, panel])
                } else {
                    self.panels::<I, ROWS, 1>((isa, ready), pixels, patch, size, [group, panel])
                };
            }
        }
    }

    /// `P` panels of `R` pixels; gives `P`.
    #[inline(always)]
    fn panels<I: Isa, const R: usize, const P: usize>(
        &mut self,
        (isa, ready): (I, &Ready<I>),
        pixels: &Pixels,
        patch: &mut Patch,
        size: &Group,
        [group, panel]: [usize; 2],
    ) -> usize {
        let first = group * size.outputs + panel * LANES;
        let width = size.outputs - panel * LANES;
        let mut sums = [[isa.sums(&[0; LANES]); P]; R];
        let mut from = 0;
        while from < size.depth {
            let n = DEPTH.min(size.depth - from);
            if size.depth > DEPTH {
                self.gather(pixels, patch, (group * size.inputs, size.inputs), (from, n));
            }
            let at = (group * size.panels + panel) * size.panel + from * LANES;
            let w = self.w.get(at..).unwrap_or(&[]);
            sums = add::<I, R, P>(isa, sums, patch, n.div_ceil(2), (w, size.panel));
            from += n;
        }
        for (row, y) in sums.iter().zip(&pixels.y).take(pixels.count) {
            for (i, sums) in row.iter().enumerate() {
                let (first, width) = (first + i * LANES, width - i * LANES);
                let bias = self.bias.get(first..).unwrap_or(&[]);
                let multiplier = self.multiplier.get(first..).unwrap_or(&[]);
                let mut sums = isa.to_ints(*sums);
                for (sum, bias) in sums.iter_mut().zip(bias) {
                    *sum = sum.wrapping_add(*bias);
                }
                let y = self.y.get_mut(y + first..).unwrap_or(&mut []);
                ready.store_from(&sums, multiplier, width.min(LANES), y);
            }
        }
        P
    }

    /// Gathers `n` inputs of each pixel's window, from the `from`th on, less the zero point. `first` is the group's first
    /// channel of `channels`.
    #[inline(always)]
    fn gather(&self, pixels: &Pixels, patch: &mut Patch, (first, channels): (usize, usize), (from, n): (usize, usize)) {
        let m = &self.p.map;
        // Neighbouring taps of a row are one run where nothing lies between them.
        let joined = m.dilation_w == 1 && m.in_pitch == channels;
        let skip = from.checked_div(channels).unwrap_or(0);
        for (out, at) in patch.iter_mut().zip(&pixels.at).take(pixels.count) {
            let out = out.as_flattened_mut();
            let [batch, row, column] = *at;
            let whole = column.checked_sub(m.pad_left).filter(|w| w + m.kernel_w <= m.in_w);
            let (mut kh, mut kw) =
                (skip.checked_div(m.kernel_w).unwrap_or(0), skip.checked_rem(m.kernel_w).unwrap_or(0));
            let mut channel = from - skip * channels;
            let mut to = 0;
            while to < n {
                let taps = if joined && whole.is_some() { m.kernel_w - kw } else { 1 };
                let len = (taps * channels - channel).min(n - to);
                let Some(out) = out.get_mut(to..).and_then(|o| o.get_mut(..len)) else { return };
                let h = (row + kh * m.dilation_h).checked_sub(m.pad_top).filter(|&h| h < m.in_h);
                let w = (column + kw * m.dilation_w).checked_sub(m.pad_left).filter(|&w| w < m.in_w);
                let x = match (h, w) {
                    (Some(h), Some(w)) => {
                        let at = ((batch * m.in_h + h) * m.in_w + w) * m.in_pitch + first + channel;
                        self.x.get(at..).and_then(|x| x.get(..len))
                    }
                    _ => None,
                };
                match x {
                    Some(x) => widen(x, self.p.zero, out),
                    None => out.fill(0),
                }
                to += len;
                channel = 0;
                kw += taps;
                if kw >= m.kernel_w {
                    (kh, kw) = (kh + 1, 0);
                }
            }
            // An odd depth ends with a weight of zero.
            if let Some(odd) = out.get_mut(n).filter(|_| n % 2 == 1) {
                *odd = 0;
            }
        }
    }
}

/// Adds `n` pairs of products to the sums of `R` pixels and `P` panels, whose weights lie `panel` apart.
#[inline(always)]
fn add<I: Isa, const R: usize, const P: usize>(
    isa: I,
    mut sums: [[I::Sums; P]; R],
    patch: &Patch,
    n: usize,
    (w, panel): (&[i8], usize),
) -> [[I::Sums; P]; R] {
    let mut rows: [&[[i16; 2]]; R] = [&[]; R];
    let mut weights: [&[[i8; 2 * LANES]]; P] = [&[]; P];
    // All slices have the same length, so that the checks in the loop below are seen to hold.
    each_row!(R, ROW => {
        let Some(row) = patch.get(ROW).and_then(|r| r.get(..n)) else { return sums };
        rows[ROW] = row;
    });
    each_row!(P, PANEL => {
        let Some(w) = w.get(PANEL * panel..).and_then(|w| w.as_chunks().0.get(..n)) else { return sums };
        weights[PANEL] = w;
    });
    for k in 0..n {
        each_row!(P, PANEL => {
            let w = isa.pairs(weights[PANEL].get(k).unwrap_or(&[0; 2 * LANES]));
            each_row!(R, ROW => {
                let x = rows[ROW].get(k).copied().unwrap_or([0; 2]);
                sums[ROW][PANEL] = isa.dot(sums[ROW][PANEL], x, w);
            });
        });
    }
    sums
}
