// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Spells out what is done for each pixel of a tile.

/// Runs the body for each pixel, with `$i` its constant number. Pixels are spelled out: at `opt-level = "z"` a loop is
/// not unrolled, and the sums would live in memory.
macro_rules! each_pixel {
    ($i:ident => $body:block) => {{
        {
            const $i: usize = 0;
            $body
        }
        {
            const $i: usize = 1;
            $body
        }
        {
            const $i: usize = 2;
            $body
        }
        {
            const $i: usize = 3;
            $body
        }
    }};
}
pub(crate) use each_pixel;
