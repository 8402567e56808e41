// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Depthwise convolutions along lines of one channel, widened to 16 bits.
//!
//! Four channels are taken together: a row is one line of each. Neighbouring numbers share a word, so one instruction
//! multiplies two taps.
//!
//! Invariant: everything that a loop reads or writes lies inside its slices, which is checked once, before the loop.
use super::super::arch::byte::Byte;
use super::super::arch::dual::Dual;
use super::super::terms::lines::{FOUR, Lines, Part};

/// The 16-bit numbers of words, for writing.
#[inline(always)]
fn halves_mut(words: &mut [u32]) -> &mut [i16] {
    // SAFETY: a word is two 16-bit numbers, and every value of them is valid.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), 2 * words.len()) }
}

/// Widens four neighbouring channels of `pixels` pixels. Pixels lie `step` apart, and channel `i` goes to `lines` from
/// `i * pitch + at` on.
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
    // SAFETY: inputs and outputs lie inside, as checked.
    unsafe { cpu.spread(x, step, pixels, lines, (pitch, at)) }
}

/// Moves `fours * 4` words from `first` on to the beginning.
pub fn shift<C: Dual>(cpu: C, words: &mut [u32], first: usize, fours: usize) {
    if fours == 0 || first + FOUR * fours > words.len() {
        debug_assert!(fours == 0, "words lie outside");
        return;
    }
    // SAFETY: the words lie inside, as checked.
    unsafe { cpu.shift(words, first, fours) }
}

impl Lines<'_> {
    /// Whether all operands and `outputs` outputs lie inside.
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

/// Computes `part` of four channels. Neighbouring pixels of the output lie `steps[0]` apart, neighbouring lines
/// `steps[1]`. The last fours of a line may run over into the next line, which is written later.
#[inline(never)]
pub fn compute<C: Dual, Y: Byte>(cpu: C, lines: &Lines<'_>, part: &Part, y: &mut [Y], steps: [usize; 2]) {
    if !lines.fits(part, y.len(), steps) {
        debug_assert!(false, "operands lie outside");
        return;
    }
    // SAFETY: the operands lie inside, as checked.
    unsafe { cpu.lines(lines, part, y, steps) }
}
