// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sliding windows over a padded axis: which taps of a window fall inside the input, and which neighbouring windows
//! have the same taps.
//!
//! Neighbouring windows with the same taps form a run. A run of rows times a run of columns is a region, in which no
//! tap needs a check. The middle of a map is one region, its borders a few more.

/// One axis of a sliding window.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    /// Positions of the input.
    pub input: usize,
    /// Windows, one for each position of the output.
    pub output: usize,
    /// Taps of a window.
    pub kernel: usize,
    /// Positions between neighbouring windows.
    pub stride: usize,
    /// Positions between neighbouring taps, at least 1.
    pub dilation: usize,
    /// Positions of padding before the input.
    pub pad: usize,
}

/// The taps `first..end` of a window; none if `first == end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// The first tap inside.
    pub first: usize,
    /// One past the last tap inside.
    pub end: usize,
}

impl Taps {
    /// The number of taps.
    #[inline]
    pub const fn len(self) -> usize {
        self.end - self.first
    }

    /// Whether there are no taps.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.end == self.first
    }
}

/// `a / b` rounded up. `a + b` must not overflow; if `b` is 0, the result is `a`.
///
/// `core` has such a function, but where it is not inlined it keeps a check for 0, and with it a panic.
#[inline]
pub const fn div_ceil(a: usize, b: usize) -> usize {
    match (a + b.saturating_sub(1)).checked_div(b) {
        Some(quotient) => quotient,
        None => a,
    }
}

impl Axis {
    /// The taps of window `o` at positions `from..limit`, counted from the start of the padding.
    #[inline]
    const fn taps_within(&self, o: usize, from: usize, limit: usize) -> Taps {
        let start = o * self.stride;
        let first = if start < from { div_ceil(from - start, self.dilation) } else { 0 };
        let end = if start < limit { div_ceil(limit - start, self.dilation) } else { 0 };
        let end = if end < self.kernel { end } else { self.kernel };
        if first < end { Taps { first, end } } else { Taps { first: 0, end: 0 } }
    }

    /// The taps of window `o` that fall inside the input.
    #[inline]
    pub const fn taps(&self, o: usize) -> Taps {
        self.taps_within(o, self.pad, self.pad + self.input)
    }

    /// How many taps of window `o` fall inside the input or its padding, with `pad_end` positions of padding at the
    /// end.
    #[inline]
    pub const fn padded_taps(&self, o: usize, pad_end: usize) -> usize {
        self.taps_within(o, 0, self.pad + self.input + pad_end).len()
    }

    /// The input position of a tap that falls inside the input.
    #[inline]
    pub const fn position(&self, o: usize, tap: usize) -> usize {
        (o * self.stride + tap * self.dilation).saturating_sub(self.pad)
    }

    /// The taps of window `o` that fall inside the input, and one past the last of the following windows known to have
    /// the same taps: all such windows if no tap of `o` is in the padding.
    #[inline(never)]
    pub const fn run(&self, o: usize) -> (Taps, usize) {
        let taps = self.taps(o);
        let mut end = o + 1;
        // The last window with all taps is the one whose last tap is still inside the input.
        if taps.len() == self.kernel && taps.end > 0 {
            let room = self.pad + self.input - (self.kernel - 1) * self.dilation;
            end = if self.stride > 0 { div_ceil(room, self.stride) } else { self.output };
            end = if end < self.output { end } else { self.output };
        }
        (taps, end)
    }

    /// One past the last window of the run that begins at `o`.
    #[inline]
    pub fn run_end(&self, o: usize) -> usize {
        let taps = self.taps(o);
        let mut end = o + 1;
        while end < self.output && self.taps(end) == taps {
            end += 1;
        }
        end
    }
}
