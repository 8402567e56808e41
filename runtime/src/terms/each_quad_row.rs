// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Spells out what is done for each row of a tile of bytes.

/// Runs the body for each row of a tile below `$rows`, with `$i` its constant number: as `each_row` does.
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

pub(crate) use each_quad_row;
