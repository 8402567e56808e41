// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What rows of pixels of quantized depthwise convolutions are told, and the task that a loop in assembly reads.
use super::sizes::{PANEL, QUAD};

/// The inputs of sixteen channels in four taps.
pub type FourTaps<'a> = [&'a [u8; PANEL]; QUAD];

/// Rows of pixels, and where the inputs of their windows lie. Of each tap sixteen bytes are read.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// The bits of the bytes; the windows of the first pixel begin there.
    pub x: &'a [u8],
    /// What makes the bits of four bytes unsigned.
    pub flip: u32,
    /// From a pixel's window to the next one's, and to that below.
    pub steps: [usize; 2],
    /// Where each tap lies from there on, by four.
    pub taps: &'a [[usize; QUAD]],
    /// Columns and rows.
    pub count: [usize; 2],
}

/// Where the bytes of the pixels go.
#[derive(Debug)]
pub struct Outputs<'a> {
    /// Their bits, from the first pixel on.
    pub y: &'a mut [u8],
    /// From a pixel to the next, and to that below.
    pub steps: [usize; 2],
    /// Channels that are there, at most sixteen.
    pub width: usize,
}

/// What the loop reads; all steps in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct Task {
    /// The windows of the first pixel of a row.
    pub x: *const u8,
    /// From one pixel to the next, and from a row to the next.
    pub steps: [usize; 2],
    /// Where the taps lie, and how many fours they are, at least 1.
    pub taps: *const [usize; QUAD],
    /// See there.
    pub quads: usize,
    /// Weights `[quads][16][4]`.
    pub w: *const i8,
    /// Columns and rows, at least 1; one pixel alone where sums are added to.
    pub count: [usize; 2],
    /// Sums to be added to instead of writing bytes; or null.
    pub sums: *mut i32,
    /// The bytes of the first pixel of a row.
    pub y: *mut u8,
    /// From one pixel to the next, and from a row to the next.
    pub y_steps: [usize; 2],
    /// The bias of the channels.
    pub bias: *const i32,
    /// Their multipliers.
    pub multiplier: *const f32,
    /// Channels that are there, a bit each.
    pub mask: usize,
    /// The bounds of the rounded numbers.
    pub bounds: [f32; 2],
    /// [`ROUND`](super::quant::ROUND).
    pub round: f32,
    /// Added after rounding.
    pub zero: i32,
    /// What makes four bytes unsigned.
    pub flip: u32,
}

impl<'a> Pixels<'a> {
    /// A four's inputs of the first pixel.
    #[inline(always)]
    pub fn quad(&self, taps: &[usize; QUAD]) -> Option<FourTaps<'a>> {
        let tap = |tap: usize| self.x.get(tap..).and_then(|x| x.first_chunk());
        let &[a, b, c, d] = taps;
        Some([tap(a)?, tap(b)?, tap(c)?, tap(d)?])
    }
}
