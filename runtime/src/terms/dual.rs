// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The operands of quantized products by instructions that multiply two pairs of 16-bit numbers.
use super::quant::Range;

/// Pixels, or output channels, that one loop computes together.
pub const FOUR: usize = 4;

/// Inputs `[quads][2][pixels]`, two numbers in a word. Weights: for four pixels `[columns][quads][4]`; for one pixel
/// `[columns / 4][quads][4][4]`, padded with zeros to a multiple of four columns.
#[derive(Clone, Copy, Debug)]
pub struct Products<'a> {
    /// The widened inputs.
    pub patch: &'a [u32],
    /// The weights.
    pub w: &'a [i8],
    /// Quads in the depth.
    pub quads: usize,
    /// The bias of each column.
    pub bias: &'a [i32],
    /// The multiplier of each column.
    pub multiplier: &'a [f32],
    /// The range of the results; `lo <= zero <= hi`.
    pub range: Range,
}
