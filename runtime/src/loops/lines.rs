// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Lines of one channel, widened to 16 bits, and sums over their windows.
//!
//! Four channels are taken side by side: a row is one line of each. Neighbours share a word, so that two taps are multiplied
//! at once.
//!
//! Invariant: all that is read and written lies in the slices given, which is checked once, before a loop.
use super::super::arch::byte::Byte;
use super::super::arch::dual::Dual;
use super::super::terms::lines::{FOUR, Lines, Part};

/// The words as numbers, to be written.
#[inline(always)]
fn halves_mut(words: &mut [u32]) -> &mut [i16] {
    // SAFETY: a word is two numbers of any value.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), 2 * words.len()) }
}

/// Widens four neighbouring channels of `pixels` pixels, which lie `step` apart, to the numbers from `at` on of four lines of
/// `pitch` numbers each.
pub fn spread<C: Dual, X: Byte>(
    cpu: C,
    x: &[X],
    step: usize,
    pixels: usize,
    words: &mut [u32],
    (pitch, at): (usize, usize),
) {
    let lines = halves_mut(words);
    if pixels == 0 || (pixels - 1) * step + FOUR > x.len() || 3 * pitch + at + pixels > lines.len() {
        debug_assert!(pixels == 0, "inputs or their lines lie outside");
        return;
    }
    // SAFETY: the inputs and their places were checked to lie inside.
    unsafe { cpu.spread(x, step, pixels, lines, (pitch, at)) }
}

/// Moves the words from `first` on, whole fours of them, to the beginning.
pub fn shift<C: Dual>(cpu: C, words: &mut [u32], first: usize, fours: usize) {
    if fours == 0 || first + FOUR * fours > words.len() {
        debug_assert!(fours == 0, "words lie outside");
        return;
    }
    // SAFETY: the words were checked to lie inside.
    unsafe { cpu.shift(words, first, fours) }
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
}

/// Computes pixels, whose outputs lie `steps[0]` apart, and those of neighbouring lines `steps[1]`; those of a line may lie
/// where some of the next line belong, which are written later.
#[inline(never)]
pub fn compute<C: Dual, Y: Byte>(cpu: C, lines: &Lines<'_>, part: &Part, y: &mut [Y], steps: [usize; 2]) {
    if !lines.fits(part, y.len(), steps) {
        debug_assert!(false, "operands lie outside");
        return;
    }
    // SAFETY: the operands were checked to lie inside.
    unsafe { cpu.lines(lines, part, y, steps) }
}
