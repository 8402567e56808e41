// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The rows of a register tile, spelled out.

/// Runs the body for each row below `$rows`, with `$i` its constant number. Rows are spelled out: at `opt-level = "z"`
/// a loop is not unrolled, and the sums would live in memory.
macro_rules! each_row {
    ($rows:expr, $i:ident => $body:block) => {{
        if $rows > 0 {
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
        if $rows > 3 {
            const $i: usize = 3;
            $body
        }
        if $rows > 4 {
            const $i: usize = 4;
            $body
        }
        if $rows > 5 {
            const $i: usize = 5;
            $body
        }
    }};
}
pub(crate) use each_row;
