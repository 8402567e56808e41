// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What sums over windows in lines of one channel are told.
use super::quant::Range;

/// Channels that are taken side by side, and pixels.
pub const FOUR: usize = 4;

/// The taps of a window along a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTaps {
    /// How many there are.
    pub count: usize,
    /// Inputs between neighbours.
    pub dilation: usize,
    /// Inputs between neighbouring windows.
    pub stride: usize,
}

impl LineTaps {
    /// Three neighbours in windows that are one or two inputs apart: the loops that most windows have. Their weights are two
    /// words, the first and the second, the second and the third.
    pub const fn is_three(self) -> bool {
        self.count == 3 && self.dilation == 1 && self.stride <= 2
    }

    /// Words of weights: those of two neighbours in each, or of one tap where taps do not touch.
    pub const fn words(self) -> usize {
        if self.dilation == 1 { self.count.div_ceil(2) } else { self.count }
    }

    /// Inputs that the windows of so many pixels are read from, whole words; at least one pixel.
    pub const fn reach(self, pixels: usize) -> usize {
        let last = (pixels.saturating_sub(1)) * self.stride + self.count.saturating_sub(1) * self.dilation;
        // With the last tap its neighbour is read.
        (last + 3) / 2 * 2
    }
}

/// The windows of pixels in lines, of four channels.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// Rows from the first of the windows on: four lines of `pitch` numbers each, two in a word.
    pub x: &'a [u32],
    /// Numbers of a line, even.
    pub pitch: usize,
    /// The weights `[4][rows][words]`.
    pub w: &'a [u32],
    /// Rows of a window.
    pub rows: usize,
    /// Rows of `x` between the rows of a window.
    pub dilation: usize,
    /// Rows of `x` between the windows of neighbouring lines.
    pub stride: usize,
    /// The taps of a window's row.
    pub taps: LineTaps,
    /// The bias of each channel.
    pub bias: &'a [i32; FOUR],
    /// The multiplier of each channel.
    pub multiplier: &'a [f32; FOUR],
    /// What becomes of sums times multipliers, where `lo <= zero <= hi`.
    pub range: Range,
}

/// Some of the pixels, at least four.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The first word of the first window.
    pub first: usize,
    /// Lines of outputs.
    pub lines: usize,
    /// Pixels of each, by four.
    pub fours: usize,
}
