// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Selects rows by a mask: a cache that is updated under a mask.
use super::copy::copy;
use super::index::{Indices, offset};
use super::map::{Dense, Map, Splat};

/// Row by row: `y` is `yes` if `which` is not 0, else `no`. For a missing operand, `y` keeps its row.
pub fn select_rows<T: Copy, const D: usize>(
    map: &Map<D>,
    Splat(which, which_strides): Splat<'_, u8, D>,
    yes: Option<Dense<'_, T, D>>,
    no: Option<Dense<'_, T, D>>,
    y: &mut [T],
) {
    let rows = [yes, no].map(|rows| rows.unwrap_or(Dense(&[], [0; D])));
    let [(yes, yes_strides), (no, no_strides)] = rows.map(|Dense(rows, strides)| (rows, strides));
    let strides = [which_strides, yes_strides, no_strides, map.y];
    // Neighbouring rows are reached by steps instead of by their indices.
    let (blocks, count) = Indices::rows(map.outer);
    let [which_step, yes_step, no_step, y_step] = strides.map(|strides| strides.last().copied().unwrap_or(0));
    for at in blocks {
        let [mut which_at, mut yes_at, mut no_at, mut y_at] = strides.map(|strides| offset(&at, &strides));
        for _ in 0..count {
            let Some(&is_yes) = which.get(which_at) else {
                return debug_assert!(false, "select_rows: a truth value lies outside");
            };
            let (rows, from) = if is_yes != 0 { (yes, yes_at) } else { (no, no_at) };
            if !rows.is_empty() {
                let (Some(x), Some(y)) = (rows.get(from..from + map.inner), y.get_mut(y_at..y_at + map.inner)) else {
                    return debug_assert!(false, "select_rows: a row lies outside");
                };
                copy(x, y);
            }
            which_at += which_step;
            yes_at += yes_step;
            no_at += no_step;
            y_at += y_step;
        }
    }
}
