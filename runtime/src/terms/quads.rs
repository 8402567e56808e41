// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What products of quads of bytes are told: four products a step.
use super::sizes::{LANES, QUAD};

/// The weights of a step: a quad for each of eight columns, `H` times.
pub type Step<const H: usize> = [[i8; QUAD * LANES]; H];

/// The most rows of a tile of quads.
pub const MOST: usize = 3;

/// The inputs of the rows of a tile; those that are not there are empty.
pub type Rows<'a> = [&'a [[u8; QUAD]]; MOST];

/// The sums of a tile: of each row two vectors of eight columns. Its size is fixed, and it is never made by repetition,
/// which is a loop at `opt-level = "z"`: sums would then live in memory.
pub type Sums<V> = [[V; 2]; MOST];

/// All rows alike.
#[inline(always)]
pub const fn alike<V: Copy>(row: [V; 2]) -> Sums<V> {
    [row, row, row]
}
