// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Depthwise convolution of 16-bit numbers with 8-bit weights: each channel has a kernel of its own.
//!
//! Invariant: the sums of all `(x - zero) * w` of a channel fit 32 bits, times `2^lead` too, as whoever packs the weights has proved.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::terms::wide::{Ends, Wide2d};
use super::super::terms::window::Taps;
use super::level::Level;
use super::wide::WideEnds;

/// Computes a convolution whose `groups`, `in_c` and `out_c` are equal. Weights are `[kernel_h][kernel_w][channels]`; `sums` has room
/// for the channels.
pub fn depthwise2d_wide<C: Cpu, X: Level, Y: Level>(
    cpu: C,
    p: &Wide2d,
    x: &[X],
    w: &[i8],
    ends: WideEnds<'_>,
    sums: &mut [i32],
    y: &mut [Y],
) {
    debug_assert!(x.len() >= p.map.in_len() && y.len() >= p.map.out_len() && sums.len() >= p.map.out_c);
    cpu.run(Depthwise { p, x, w, ends, sums, y });
}

struct Depthwise<'a, X, Y> {
    p: &'a Wide2d,
    x: &'a [X],
    w: &'a [i8],
    ends: WideEnds<'a>,
    sums: &'a mut [i32],
    y: &'a mut [Y],
}

/// The taps of a window on the map.
struct Window {
    /// The input under the first tap of the kernel; wraps where that is not on the map.
    at: usize,
    rows: Taps,
    columns: Taps,
}

impl<X: Level, Y: Level> Kernel for Depthwise<'_, X, Y> {
    type Output = ();

    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(mut self, _isa: I) {
        let m = &self.p.map;
        let [height, width] = m.axes();
        for batch in 0..m.batch {
            for row in 0..m.out_h {
                for column in 0..m.out_w {
                    let top = (batch * m.in_h + row * m.stride_h).wrapping_sub(m.pad_top);
                    let left = (column * m.stride_w).wrapping_sub(m.pad_left);
                    let at = top.wrapping_mul(m.in_w).wrapping_add(left).wrapping_mul(m.in_pitch);
                    let window = Window { at, rows: height.taps(row), columns: width.taps(column) };
                    self.pixel(&window, ((batch * m.out_h + row) * m.out_w + column) * m.out_pitch);
                }
            }
        }
    }
}

impl<X: Level, Y: Level> Depthwise<'_, X, Y> {
    /// All channels of a pixel, whose outputs begin at `to`.
    #[inline(always)]
    fn pixel(&mut self, window: &Window, to: usize) {
        let m = &self.p.map;
        let Some(sums) = self.sums.get_mut(..m.out_c) else { return };
        sums.fill(0);
        let zero = self.p.zero.wrapping_sub(X::LESS);
        let line = m.dilation_h * m.in_w * m.in_pitch;
        for kh in window.rows.first..window.rows.end {
            for kw in window.columns.first..window.columns.end {
                let at = window.at.wrapping_add(kh * line + kw * m.dilation_w * m.in_pitch);
                let x = self.x.get(at..).unwrap_or(&[]);
                let w = self.w.get((kh * m.kernel_w + kw) * m.out_c..).unwrap_or(&[]);
                for ((sum, x), w) in sums.iter_mut().zip(x).zip(w) {
                    *sum = sum.wrapping_add((i32::from(x.word()) - zero).wrapping_mul(i32::from(*w)));
                }
            }
        }
        let (bias, multiplier, shift) = self.ends;
        let ends = bias.iter().zip(multiplier).zip(shift);
        let y = self.y.get_mut(to..).unwrap_or(&mut []);
        for ((sum, ((&bias, &multiplier), &shift)), y) in sums.iter().zip(ends).zip(y) {
            let v = Ends { bias, multiplier, shift }.round(*sum, self.p.lead);
            *y = Y::narrow(self.p.range.place(v));
        }
    }
}
