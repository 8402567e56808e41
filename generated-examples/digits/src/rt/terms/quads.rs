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

/// Runs the body for each row of a tile below `$rows`, with `$i` its constant number: as `each_row` does.
#[allow(unused_macros, reason = "crates for CPUs without such loops have none that uses it")]
macro_rules! each_quad_row {
    ($rows:expr, $i:ident => $body:block) => {{
        {
            const $i: usize = 0;
            $body
        }
        if $rows > 1 {
            const $i: usize = 1;
            $body
        }
        if $rows > 2 {
            const $i: usize = 2;
            $body
        }
    }};
}

#[allow(unused_imports, reason = "as above")]
pub(crate) use each_quad_row;

/// All rows alike.
#[inline(always)]
pub const fn alike<V: Copy>(row: [V; 2]) -> Sums<V> {
    [row, row, row]
}
