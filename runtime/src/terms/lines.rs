// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The operands of depthwise convolutions along lines of one channel.
use super::quant::Range;

/// Channels, and pixels, that one loop computes together.
pub const FOUR: usize = 4;

/// The taps of one row of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTaps {
    /// The number of taps.
    pub count: usize,
    /// Inputs between neighbouring taps.
    pub dilation: usize,
    /// Inputs between neighbouring windows.
    pub stride: usize,
}

impl LineTaps {
    /// Whether there are three neighbouring taps, and the stride is 1 or 2: the most common windows, which have loops
    /// of their own. Their weights are two words: the first and second, and the second and third.
    pub const fn is_three(self) -> bool {
        self.count == 3 && self.dilation == 1 && self.stride <= 2
    }

    /// Words of weights: two neighbouring taps in each, or one tap if the dilation is above 1.
    pub const fn words(self) -> usize {
        if self.dilation == 1 { self.count.div_ceil(2) } else { self.count }
    }

    /// The number of inputs that the windows of `pixels` pixels (at least 1) read, rounded up to words.
    pub const fn reach(self, pixels: usize) -> usize {
        let last = (pixels.saturating_sub(1)) * self.stride + self.count.saturating_sub(1) * self.dilation;
        // The last tap is read together with its neighbour.
        (last + 3) / 2 * 2
    }
}

/// The operands of four channels.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// The rows of the windows: in each, four lines of `pitch` numbers, two numbers in a word.
    pub x: &'a [u32],
    /// Numbers in a line, even.
    pub pitch: usize,
    /// The weights `[4][rows][words]`.
    pub w: &'a [u32],
    /// Rows of a window.
    pub rows: usize,
    /// Rows of `x` between the rows of a window.
    pub dilation: usize,
    /// Rows of `x` between the windows of neighbouring lines.
    pub stride: usize,
    /// The taps of a row of a window.
    pub taps: LineTaps,
    /// The bias of each channel.
    pub bias: &'a [i32; FOUR],
    /// The multiplier of each channel.
    pub multiplier: &'a [f32; FOUR],
    /// The range of the results; `lo <= zero <= hi`.
    pub range: Range,
}

/// The pixels to compute.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The word in which the first window begins.
    pub first: usize,
    /// Lines of the output.
    pub lines: usize,
    /// Pixels of each line, divided by four.
    pub fours: usize,
}
