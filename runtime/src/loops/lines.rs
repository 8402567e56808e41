// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Lines of one channel, widened to 16 bits, and sums over their windows: the loops of `arm_lines` where they run, and the same
//! in plain Rust.
//!
//! Four channels are taken side by side: a row is one line of each. Neighbours share a word, so that two taps are multiplied
//! at once.
//!
//! Invariant: all that is read and written lies in the slices given, which is checked once, before a loop.
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
use super::super::arch::arm::bytes as arm_bytes;
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
use super::super::arch::arm::lines as arm_lines;
use super::super::arch::byte::Byte;
use super::super::terms::lines::{FOUR, Lines, Part};

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
