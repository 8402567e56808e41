// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What quantized products of two pairs of 16-bit numbers at once are told.
use super::quant::Range;

/// Pixels, or output channels, that are computed together.
pub const FOUR: usize = 4;

/// Inputs `[quads][2][pixels]` in words of two, and weights: of four pixels `[columns][quads][4]`, of one pixel
/// `[columns / 4][quads][4][4]` with zeros up to whole fours of columns.
#[derive(Clone, Copy, Debug)]
pub struct Products<'a> {
    /// The widened inputs.
    pub patch: &'a [u32],
    /// The weights.
    pub w: &'a [i8],
    /// The depth, by four.
    pub quads: usize,
    /// The bias of each column.
    pub bias: &'a [i32],
    /// The multiplier of each column, as many.
    pub multiplier: &'a [f32],
    /// What becomes of sums times multipliers, where `lo <= zero <= hi`.
    pub range: Range,
}
