// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of numbers that are quantized as they come, for CPUs that multiply two pairs of 16-bit numbers in one instruction.
//!
//! Invariant: everything that a loop reads or writes lies inside its slices, which is checked once, before the loop.
use super::super::arch::dynamic::Dynamic;
use super::super::terms::dual::FOUR;
use super::super::terms::dynamic::{Row, Scale};

/// Writes the bytes of whole fours of numbers, widened; gives their sum.
#[inline(always)]
pub fn quantize<C: Dynamic>(cpu: C, x: &[f32], scale: Scale, patch: &mut [u32]) -> i32 {
    let quads = x.len() / FOUR;
    if patch.len() < 2 * quads {
        debug_assert!(quads == 0, "words lie outside");
        return 0;
    }
    // SAFETY: there are so many numbers and words, as checked.
    unsafe { cpu.quantize(x, scale, quads, patch) }
}

/// Computes the columns of a row, whole fours of them.
#[inline(always)]
pub fn columns<C: Dynamic>(cpu: C, row: &Row<'_>, y: &mut [f32]) {
    let (of, quads) = (row.columns, row.quads);
    let columns = y.len() / FOUR * FOUR;
    let constants =
        of.sums.len() >= columns && of.multiplier.len() >= columns && (of.bias.is_empty() || of.bias.len() >= columns);
    if quads == 0 || !constants || row.patch.len() < 2 * quads || row.w.len() < FOUR * quads * columns {
        debug_assert!(columns == 0, "operands lie outside");
        return;
    }
    // SAFETY: the operands of so many columns lie inside, as checked, and there are so many results.
    unsafe { cpu.columns(row, columns, y) }
}
