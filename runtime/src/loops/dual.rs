// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Quantized products for CPUs that multiply two pairs of 16-bit numbers in one instruction.
//!
//! Invariant: everything that a loop reads or writes lies inside its slices, which is checked once, before the loop.
use super::super::arch::byte::Byte;
use super::super::arch::dual::Dual;
use super::super::terms::dual::{FOUR, Products};

/// The bytes of words.
#[inline(always)]
pub fn bytes(words: &mut [u32]) -> &mut [u8] {
    // SAFETY: a word is four bytes, and every value of a byte is valid.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), 4 * words.len()) }
}

/// Widens `quads * 4` bytes from each of the four positions `at` on.
#[inline(always)]
pub fn widen<C: Dual, X: Byte>(cpu: C, x: &[X], at: [usize; FOUR], quads: usize, patch: &mut [u32]) {
    let last = at.iter().fold(0, |last, at| if *at > last { *at } else { last });
    if quads == 0 || last + 4 * quads > x.len() || 2 * FOUR * quads > patch.len() {
        debug_assert!(quads == 0, "inputs or their words lie outside");
        return;
    }
    // SAFETY: inputs and words lie inside, as checked.
    unsafe { cpu.widen(x, at, quads, patch) }
}

/// Widens `quads * 4` bytes from one position.
#[inline(always)]
pub fn widen_one<C: Dual, X: Byte>(cpu: C, x: &[X], quads: usize, patch: &mut [u32]) {
    if quads == 0 || 4 * quads > x.len() || 2 * quads > patch.len() {
        debug_assert!(quads == 0, "inputs or their words lie outside");
        return;
    }
    // SAFETY: inputs and words lie inside, as checked.
    unsafe { cpu.widen_one(x, quads, patch) }
}

impl Products<'_> {
    /// The number of columns that have a bias and a multiplier.
    fn columns(&self) -> usize {
        if self.bias.len() < self.multiplier.len() { self.bias.len() } else { self.multiplier.len() }
    }

    /// Whether the inputs of `pixels` pixels and the weights of `columns` columns lie inside.
    fn fits(&self, pixels: usize, columns: usize) -> bool {
        self.quads > 0 && self.patch.len() >= 2 * pixels * self.quads && self.w.len() >= FOUR * self.quads * columns
    }
}

/// Computes all columns of four pixels, whose outputs lie `pitch` apart.
#[inline(never)]
pub fn pixels<C: Dual, Y: Byte>(cpu: C, p: &Products<'_>, y: &mut [Y], pitch: usize) {
    let columns = p.columns();
    if !p.fits(FOUR, columns) || columns == 0 || y.len() < (FOUR - 1) * pitch + columns {
        debug_assert!(columns == 0, "operands lie outside");
        return;
    }
    // SAFETY: the operands lie inside, as checked.
    unsafe { cpu.pixels(p, columns, y, pitch) }
}

/// Computes all columns of one pixel.
#[inline(never)]
pub fn pixel<C: Dual, Y: Byte>(cpu: C, p: &Products<'_>, y: &mut [Y]) {
    let columns = p.columns();
    if !p.fits(1, columns.next_multiple_of(FOUR)) || y.len() < columns {
        debug_assert!(columns == 0, "operands lie outside");
        return;
    }
    // SAFETY: the operands lie inside, as checked, the weights up to a multiple of four columns.
    unsafe { cpu.pixel(p, columns, y) }
}
