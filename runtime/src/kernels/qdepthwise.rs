// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized depthwise convolution: each channel has a kernel of its own.
//!
//! Invariants: those of `qconv`.
use super::super::arch::isa::{Cpu, Isa, Kernel, LANES};
use super::qconv::QConv2d;
use super::quant::{Byte, Ready};

/// Channels that are computed together.
const BLOCK: usize = 2 * LANES;

/// Computes a convolution whose `groups`, `in_c` and `out_c` are equal. Weights are `[kernel_h][kernel_w][channels]`;
/// `bias` and `multiplier` have an element for each channel.
#[inline]
pub fn qdepthwise2d<C: Cpu, X: Byte, Y: Byte>(
    cpu: C,
    p: &QConv2d,
    x: &[X],
    w: &[i8],
    bias: &[i32],
    multiplier: &[f32],
    y: &mut [Y],
) {
    debug_assert!(p.map.in_c == p.map.groups && p.map.out_c == p.map.groups);
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

impl<X: Byte, Y: Byte> Kernel for Convolution<'_, X, Y> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let ready = self.p.finish.prepare(isa);
        let m = &self.p.map;
        let [height, width] = m.axes();
        for batch in 0..m.batch {
            for row in 0..m.out_h {
                let rows = height.taps(row);
                let first_row = batch * m.in_h + height.position(row, rows.first);
                for column in 0..m.out_w {
                    let columns = width.taps(column);
                    let window = Window {
                        rows: rows.len(),
                        columns: columns.len(),
                        tap: rows.first * m.kernel_w + columns.first,
                        x: (first_row * m.in_w + width.position(column, columns.first)) * m.in_pitch,
                        y: ((batch * m.out_h + row) * m.out_w + column) * m.out_pitch,
                    };
                    self.pixel(isa, &ready, &window);
                }
            }
        }
    }
}

/// The taps of a window that lie on the map: `rows * columns` from the tap `tap` on, whose input lies at `x`.
#[derive(Clone, Copy)]
struct Window {
    rows: usize,
    columns: usize,
    tap: usize,
    x: usize,
    /// Where the result goes.
    y: usize,
}

impl<X: Byte, Y: Byte> Convolution<'_, X, Y> {
    /// All channels of one pixel.
    #[inline(always)]
    fn pixel<I: Isa>(&mut self, isa: I, ready: &Ready<I>, window: &Window) {
        let channels = self.p.map.out_c;
        let mut first = 0;
        while first < channels {
            let width = BLOCK.min(channels - first);
            let sums = isa.in_order(self.sums(isa, window, first, width));
            let Some(y) = self.y.get_mut(window.y + first..) else { return };
            let (multiplier, bias) = (self.multiplier.get(first..), self.bias.get(first..));
            let (Some(multiplier), Some(bias)) = (multiplier, bias) else { return };
            for (i, mut sums) in sums.into_iter().enumerate() {
                let at = i * LANES;
                let (Some(y), Some(multiplier)) = (y.get_mut(at..), multiplier.get(at..)) else { break };
                for (sum, bias) in sums.iter_mut().zip(bias.get(at..).unwrap_or(&[])) {
                    *sum = sum.wrapping_add(*bias);
                }
                ready.store_from(&sums, multiplier, width.saturating_sub(at).min(LANES), y);
            }
            first += BLOCK;
        }
    }

    /// The sums of `width` channels from `first` on, without the bias: two taps at a time.
    #[inline(always)]
    fn sums<I: Isa>(&self, isa: I, window: &Window, first: usize, width: usize) -> [I::Sums; 2] {
        let m = &self.p.map;
        let zero = self.p.zero as i16;
        let none = isa.wide_i8(&[0; BLOCK], 0);
        let mut sums = [isa.sums(&[0; LANES]); 2];
        let mut held: Option<(I::Wide, I::Wide)> = None;
        for row in 0..window.rows {
            for column in 0..window.columns {
                let tap = window.tap + row * m.kernel_w + column;
                let at = window.x + (row * m.dilation_h * m.in_w + column * m.dilation_w) * m.in_pitch + first;
                let (Some(x), Some(w)) = (self.x.get(at..), self.w.get(tap * m.out_c + first..)) else { return sums };
                let (x, w) = match (x.first_chunk::<BLOCK>(), w.first_chunk::<BLOCK>()) {
                    (Some(x), Some(w)) if width == BLOCK => (X::lanes(isa, x, zero), isa.wide_i8(w, 0)),
                    _ => {
                        let x = part(x, width, X::narrow(self.p.zero));
                        (X::lanes(isa, &x, zero), isa.wide_i8(&part(w, width, 0), 0))
                    }
                };
                held = match held {
                    None => Some((x, w)),
                    Some((x0, w0)) => {
                        sums = isa.dot_lanes(sums, [x0, x], [w0, w]);
                        None
                    }
                };
            }
        }
        match held {
            Some((x, w)) => isa.dot_lanes(sums, [x, none], [w, none]),
            None => sums,
        }
    }
}

/// The first `width` elements, and `fill` up to a block.
#[inline(always)]
fn part<T: Copy>(x: &[T], width: usize, fill: T) -> [T; BLOCK] {
    let mut out = [fill; BLOCK];
    for (out, x) in out.iter_mut().zip(x.get(..width).unwrap_or(&[])) {
        *out = *x;
    }
    out
}
