// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The operands of quantized depthwise convolutions, and the task of the loop in assembly that computes them.
use super::sizes::{PANEL, QUAD};

/// The inputs of sixteen channels at four taps.
pub type FourTaps<'a> = [&'a [u8; PANEL]; QUAD];

/// The input windows of a rectangle of pixels. Each tap reads sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// The bits of the inputs, from the window of the first pixel on.
    pub x: &'a [u8],
    /// Exclusive or with it makes four bytes unsigned.
    pub flip: u32,
    /// From the window of a pixel to that of the next pixel, and of the pixel below.
    pub steps: [usize; 2],
    /// The offset of each tap in a window, by fours.
    pub taps: &'a [[usize; QUAD]],
    /// Columns and rows of pixels.
    pub count: [usize; 2],
}

/// The outputs of the pixels.
#[derive(Debug)]
pub struct Outputs<'a> {
    /// The bits of the outputs, from the first pixel on.
    pub y: &'a mut [u8],
    /// From a pixel to the next, and to the pixel below.
    pub steps: [usize; 2],
    /// Channels, at most sixteen.
    pub width: usize,
}

/// What the loop reads; steps in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct Task {
    /// The window of the first pixel of a row.
    pub x: *const u8,
    /// From a pixel to the next, and from a row to the next.
    pub steps: [usize; 2],
    /// The offsets of the taps.
    pub taps: *const [usize; QUAD],
    /// The number of fours of taps, at least 1.
    pub quads: usize,
    /// Weights `[quads][16][4]`.
    pub w: *const i8,
    /// Columns and rows, at least 1; a single pixel if there are `sums`.
    pub count: [usize; 2],
    /// Sums to add to, instead of writing bytes; or null.
    pub sums: *mut i32,
    /// The outputs of the first pixel of a row.
    pub y: *mut u8,
    /// From a pixel to the next, and from a row to the next.
    pub y_steps: [usize; 2],
    /// The bias of the channels.
    pub bias: *const i32,
    /// The multipliers of the channels.
    pub multiplier: *const f32,
    /// The channels, a bit for each.
    pub mask: usize,
    /// The bounds of the rounded numbers.
    pub bounds: [f32; 2],
    /// [`ROUND`](super::quant::ROUND).
    pub round: f32,
    /// The zero point, added after rounding.
    pub zero: i32,
    /// Exclusive or with it makes four bytes unsigned.
    pub flip: u32,
}

impl<'a> Pixels<'a> {
    /// The inputs of four taps of the first pixel.
    #[inline(always)]
    pub fn quad(&self, taps: &[usize; QUAD]) -> Option<FourTaps<'a>> {
        let tap = |tap: usize| self.x.get(tap..).and_then(|x| x.first_chunk());
        let &[a, b, c, d] = taps;
        Some([tap(a)?, tap(b)?, tap(c)?, tap(d)?])
    }
}
