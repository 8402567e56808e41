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
use super::quant::{Byte, Finish};

/// Pixels that are computed together.
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

/// The pixels of a tile: where their windows begin, in rows and columns that count from the padding on, and where their
/// results go.
#[derive(Clone, Copy)]
struct Pixels {
    count: usize,
    batch: [usize; ROWS],
    row: [usize; ROWS],
    column: [usize; ROWS],
    y: [usize; ROWS],
}

impl<X: Byte, Y: Byte> Kernel for Convolution<'_, X, Y> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let m = &self.p.map;
        let (Some(group_in), Some(group_out)) = (m.in_c.checked_div(m.groups), m.out_c.checked_div(m.groups)) else {
            return;
        };
        let depth = m.kernel_h * m.kernel_w * group_in;
        let mut patch: Patch = [[[0; 2]; PAIRS]; ROWS];
        let mut pixels = Pixels { count: 0, batch: [0; ROWS], row: [0; ROWS], column: [0; ROWS], y: [0; ROWS] };
        let mut next = 0;
        for batch in 0..m.batch {
            for row in 0..m.out_h {
                for column in 0..m.out_w {
                    let at = pixels.count;
                    if let (Some(b), Some(r), Some(c), Some(y)) = (
                        pixels.batch.get_mut(at),
                        pixels.row.get_mut(at),
                        pixels.column.get_mut(at),
                        pixels.y.get_mut(at),
                    ) {
                        (*b, *r, *c, *y) = (batch, row * m.stride_h, column * m.stride_w, next);
                    }
                    next += m.out_pitch;
                    pixels.count += 1;
                    if pixels.count == ROWS {
                        self.tile(isa, &pixels, &mut patch, [group_in, group_out, depth]);
                        pixels.count = 0;
                    }
                }
            }
        }
        if pixels.count > 0 {
            self.tile(isa, &pixels, &mut patch, [group_in, group_out, depth]);
        }
    }
}

impl<X: Byte, Y: Byte> Convolution<'_, X, Y> {
    /// All channels of some pixels.
    #[inline(always)]
    fn tile<I: Isa>(&mut self, isa: I, pixels: &Pixels, patch: &mut Patch, [group_in, group_out, depth]: [usize; 3]) {
        let panel_len = depth.div_ceil(2) * 2 * LANES;
        let panels = group_out.div_ceil(LANES);
        for group in 0..self.p.map.groups {
            // Where one gathering holds the windows, all panels share it.
            if depth <= DEPTH {
                self.gather(pixels, patch, group * group_in, group_in, 0, depth);
            }
            for panel in 0..panels {
                let first = group * group_out + panel * LANES;
                let width = LANES.min(group_out - panel * LANES);
                let w = self.w.get((group * panels + panel) * panel_len..).unwrap_or(&[]);
                let start = isa.sums(&eight(self.bias, first, width, 0));
                let mut sums = [start; ROWS];
                let mut from = 0;
                while from < depth {
                    let n = DEPTH.min(depth - from);
                    if depth > DEPTH {
                        self.gather(pixels, patch, group * group_in, group_in, from, n);
                    }
                    let w = w.get(from * LANES..).unwrap_or(&[]);
                    sums = match pixels.count {
                        1 => [add::<I, 1>(isa, [sums[0]], patch, n, w)[0]; ROWS],
                        _ => add::<I, ROWS>(isa, sums, patch, n, w),
                    };
                    from += n;
                }
                let multiplier = eight(self.multiplier, first, width, 0.0);
                for (sums, y) in sums.iter().zip(&pixels.y).take(pixels.count) {
                    let at = y + first;
                    if let Some(y) = self.y.get_mut(at..).and_then(|y| y.get_mut(..width)) {
                        self.p.finish.store(&isa.to_ints(*sums), &multiplier, y);
                    }
                }
            }
        }
    }

    /// Gathers `n` inputs of each pixel's window, from the `from`th on, less the zero point. `first` is the group's first
    /// channel of `channels`.
    #[inline(always)]
    fn gather(&self, pixels: &Pixels, patch: &mut Patch, first: usize, channels: usize, from: usize, n: usize) {
        let m = &self.p.map;
        for (i, out) in patch.iter_mut().enumerate().take(pixels.count) {
            let out = out.as_flattened_mut();
            let (Some(batch), Some(row), Some(column)) = (pixels.batch.get(i), pixels.row.get(i), pixels.column.get(i))
            else {
                return;
            };
            let (mut tap, mut channel) =
                (from.checked_div(channels).unwrap_or(0), from.checked_rem(channels).unwrap_or(0));
            let mut at = 0;
            while at < n {
                let (kh, kw) = (tap.checked_div(m.kernel_w).unwrap_or(0), tap.checked_rem(m.kernel_w).unwrap_or(0));
                let len = (channels - channel).min(n - at);
                let Some(out) = out.get_mut(at..).and_then(|o| o.get_mut(..len)) else { return };
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
                    Some(x) => {
                        for (out, x) in out.iter_mut().zip(x) {
                            *out = (x.wide() - self.p.zero) as i16;
                        }
                    }
                    None => out.fill(0),
                }
                at += len;
                tap += 1;
                channel = 0;
            }
            // An odd depth ends with a weight of zero.
            if let Some(odd) = out.get_mut(n).filter(|_| n % 2 == 1) {
                *odd = 0;
            }
        }
    }
}

/// Adds `n` products of each row's inputs to its sums.
#[inline(always)]
fn add<I: Isa, const R: usize>(isa: I, mut sums: [I::Sums; R], patch: &Patch, n: usize, w: &[i8]) -> [I::Sums; R] {
    let (w, _) = w.as_chunks::<{ 2 * LANES }>();
    let n = n.div_ceil(2).min(PAIRS);
    let Some(w) = w.get(..n) else { return sums };
    for (k, w) in w.iter().enumerate() {
        let w = isa.pairs(w);
        for (sums, row) in sums.iter_mut().zip(patch) {
            if let Some(x) = row.get(k) {
                *sums = isa.dot(*sums, *x, w);
            }
        }
    }
    sums
}

/// `width` elements from `first` on, and `fill` up to eight.
#[inline(always)]
fn eight<T: Copy>(x: &[T], first: usize, width: usize, fill: T) -> [T; LANES] {
    let mut out = [fill; LANES];
    if let Some(x) = x.get(first..).and_then(|x| x.get(..width)) {
        for (out, x) in out.iter_mut().zip(x) {
            *out = *x;
        }
    }
    out
}
