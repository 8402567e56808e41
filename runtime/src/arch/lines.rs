// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Lines of one channel, widened to 16 bits, and sums over their windows: the loops of `arm_lines` where they run, and the same
//! in plain Rust.
//!
//! Four channels are taken side by side: a row is one line of each. Neighbours share a word, so that two taps are multiplied
//! at once.
//!
//! Invariant: all that is read and written lies in the slices given, which is checked once, before a loop.
use super::super::kernels::quant::{Byte, Range};
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
use super::arm_bytes;
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
use super::arm_lines;

/// Channels that are taken side by side, and pixels.
pub const FOUR: usize = 4;

/// The taps of a window along a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// How many there are.
    pub count: usize,
    /// Inputs between neighbours.
    pub dilation: usize,
    /// Inputs between neighbouring windows.
    pub stride: usize,
}

impl Taps {
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
    pub taps: Taps,
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

/// Whether loops of `arm_lines` do the work.
const ON_ARM: bool = cfg!(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"));

/// The words as numbers.
#[inline(always)]
fn halves(words: &[u32]) -> &[i16] {
    // SAFETY: a word is two numbers of any value.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast(), 2 * words.len()) }
}

/// The words as numbers, to be written.
#[inline(always)]
fn halves_mut(words: &mut [u32]) -> &mut [i16] {
    // SAFETY: a word is two numbers of any value.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), 2 * words.len()) }
}

/// Both halves of a word.
#[inline(always)]
fn pair(word: u32) -> [i32; 2] {
    [i32::from(word as i16), word as i32 >> 16]
}

/// Widens four neighbouring channels of `pixels` pixels, which lie `step` apart, to the numbers from `at` on of four lines of
/// `pitch` numbers each.
pub fn spread<X: Byte>(x: &[X], step: usize, pixels: usize, words: &mut [u32], (pitch, at): (usize, usize)) {
    let lines = halves_mut(words);
    if pixels == 0 || (pixels - 1) * step + FOUR > x.len() || 3 * pitch + at + pixels > lines.len() {
        debug_assert!(pixels == 0, "inputs or their lines lie outside");
        return;
    }
    #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
    if pixels > 1 {
        // SAFETY: the inputs and their places were checked to lie inside.
        unsafe { arm_lines::spread(x, step, pixels, lines, (pitch, at)) }
        return;
    }
    for pixel in 0..pixels {
        for channel in 0..FOUR {
            if let (Some(x), Some(y)) = (x.get(pixel * step + channel), lines.get_mut(channel * pitch + at + pixel)) {
                *y = x.wide() as i16;
            }
        }
    }
}

/// Makes all words one.
#[inline(always)]
pub fn fill(words: &mut [u32], word: u32) {
    #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
    // SAFETY: so many bytes.
    unsafe {
        arm_bytes::fill(words.as_mut_ptr().cast(), word, 4 * words.len());
    }
    if !ON_ARM {
        words.fill(word);
    }
}

/// Moves the words from `first` on, whole fours of them, to the beginning.
pub fn shift(words: &mut [u32], first: usize, fours: usize) {
    if fours == 0 || first + FOUR * fours > words.len() {
        debug_assert!(fours == 0, "words lie outside");
        return;
    }
    #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
    // SAFETY: the words were checked to lie inside.
    unsafe {
        arm_lines::shift(words.as_mut_ptr(), words.as_ptr().wrapping_add(first), fours);
    }
    if !ON_ARM {
        for at in 0..FOUR * fours {
            let from = words.get(first + at).copied().unwrap_or(0);
            if let Some(to) = words.get_mut(at) {
                *to = from;
            }
        }
    }
}

impl Lines<'_> {
    /// Whether all that is read and so many outputs lie inside.
    fn fits(&self, part: &Part, outputs: usize, [pixel, line]: [usize; 2]) -> bool {
        let Lines { pitch, rows, taps, .. } = *self;
        let Part { first, lines, fours } = *part;
        let row = rows.saturating_sub(1) * self.dilation + lines.saturating_sub(1) * self.stride;
        let x = (row * FOUR + FOUR - 1) * pitch + taps.reach(FOUR * fours) + 2 * first;
        let y = (FOUR * fours).saturating_sub(1) * pixel + lines.saturating_sub(1) * line + FOUR - 1;
        rows * taps.count * fours * lines > 0
            && pitch.is_multiple_of(2)
            && x <= 2 * self.x.len()
            && FOUR * rows * taps.words() <= self.w.len()
            && y < outputs
    }

    /// Computes pixels, whose outputs lie `steps[0]` apart, and those of neighbouring lines `steps[1]`; those of a line may lie
    /// where some of the next line belong, which are written later.
    #[inline(never)]
    pub fn compute<Y: Byte>(&self, part: &Part, y: &mut [Y], steps: [usize; 2]) {
        if !self.fits(part, y.len(), steps) {
            debug_assert!(false, "operands lie outside");
            return;
        }
        #[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
        // SAFETY: the operands were checked to lie inside.
        unsafe {
            arm_lines::lines(self, part, y, steps);
        }
        if !ON_ARM {
            let channels = self.bias.iter().zip(self.multiplier).enumerate();
            for (channel, (bias, multiplier)) in channels {
                for line in 0..part.lines {
                    for pixel in 0..FOUR * part.fours {
                        let sum = self.sum(channel, [line, 2 * part.first + pixel * self.taps.stride], *bias);
                        if let Some(y) = y.get_mut(line * steps[1] + pixel * steps[0] + channel) {
                            *y = Y::narrow(self.range.round(sum as f32 * multiplier));
                        }
                    }
                }
            }
        }
    }

    /// The sum of a channel's window, which begins `at` numbers behind the first of a line.
    fn sum(&self, channel: usize, [line, at]: [usize; 2], mut sum: i32) -> i32 {
        let (x, taps) = (halves(self.x), self.taps);
        for row in 0..self.rows {
            let first = ((row * self.dilation + line * self.stride) * FOUR + channel) * self.pitch + at;
            for tap in 0..taps.count {
                let half = if taps.dilation == 1 { [tap / 2, tap % 2] } else { [tap, 0] };
                let [word, half] = if taps.is_three() && tap > 0 { [1, tap - 1] } else { half };
                let word = self.w.get((channel * self.rows + row) * taps.words() + word).copied().unwrap_or(0);
                let w = pair(word).get(half).copied().unwrap_or(0);
                let x = x.get(first + tap * taps.dilation).copied().unwrap_or(0);
                sum = sum.wrapping_add(w * i32::from(x));
            }
        }
        sum
    }
}
