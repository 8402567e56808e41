// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The tiles of `loops/compact` on Armv7E-M and Armv8-M with an FPU, by the micro-kernels of `tile_loops`. These are in assembly,
//! so that they are as fast in small code.
//!
//! Invariants: those of `loops/compact`. A micro-kernel computes eight columns of two pixels, eight or sixteen columns of one, or
//! one column of one. Sums stay in registers from beginning to end, and each weight is loaded once for all pixels.
use super::super::super::terms::epilogue::{Plan, Residual};
use super::super::super::terms::panels::Panels;
use super::super::super::terms::tile::Tile;
use super::tile_loops::{AT_LEAST, AT_MOST, RESIDUAL, Task, apart1, apart2, dense1, dense1_wide, dense2, single};

/// Columns that are computed together.
const WIDE: usize = 8;

/// What a micro-kernel does with finished sums.
struct Ends {
    at_least: [f32; 2],
    at_most: f32,
    then: usize,
}

impl Ends {
    #[inline(always)]
    fn of(plan: &Plan) -> Ends {
        let bounds = plan.bounds;
        // A bound of -0 must keep +0, which is equal to it: compare with the largest number below zero.
        let below = if bounds.lo.to_bits() == (-0.0_f32).to_bits() { -f32::from_bits(1) } else { bounds.lo };
        Ends {
            at_least: [below, bounds.lo],
            at_most: bounds.hi,
            then: if plan.residual == Residual::Accumulate { RESIDUAL } else { 0 }
                + if bounds.lo > f32::NEG_INFINITY { AT_LEAST } else { 0 }
                + if bounds.hi < f32::INFINITY { AT_MOST } else { 0 },
        }
    }
}

/// Computes a tile that `fits` has accepted, with fused products.
#[inline(never)]
pub fn tile(tile: &mut Tile<'_>) {
    let taps = &tile.taps;
    let ends = Ends::of(&tile.plan);
    // Neighbouring taps of a row whose inputs touch are one long tap.
    let joined = !tile.apart && taps.column_inputs == taps.depth;
    let (columns, depth) = if joined { (1, taps.columns * taps.depth) } else { (taps.columns, taps.depth) };
    let (x, y, start) = (tile.x.as_ptr(), tile.y.as_mut_ptr(), tile.bias.as_ptr());
    let mut task = Task {
        x: [x, x],
        w: tile.w.as_ptr(),
        start: [start, start],
        y: [y, y],
        rows: if columns * depth == 0 { 0 } else { taps.rows },
        columns,
        depth,
        row_inputs: 4 * taps.row_inputs,
        column_inputs: 4 * taps.column_inputs,
        skip: 0,
        row_gap: 4 * taps.row_gap,
        at_least: ends.at_least,
        at_most: ends.at_most,
        then: ends.then,
    };
    let mut next = 0;
    while next < tile.count {
        let is_pair = next + 1 < tile.count && tile.width >= WIDE;
        let second = tile.pixels.get(if is_pair { next + 1 } else { next });
        let (Some(first), Some(second)) = (tile.pixels.get(next), second) else { return };
        task.x = [x.wrapping_add(first.x), x.wrapping_add(second.x)];
        task.y = [y.wrapping_add(first.y), y.wrapping_add(second.y)];
        task.start = [tile.start(task.y[0]), tile.start(task.y[1])];
        task.w = tile.w.as_ptr();
        let mut left = tile.width;
        while left > 0 {
            let wide = if left < WIDE {
                1
            } else if left < 2 * WIDE || is_pair || tile.apart {
                WIDE
            } else {
                2 * WIDE
            };
            task.skip = (4 * taps.pitch).wrapping_sub(4 * wide);
            // SAFETY: `fits` has checked that all inputs, weights and outputs of the tile lie inside.
            unsafe { run(&mut task, wide, is_pair, tile.apart) }
            left -= wide;
            task.w = task.w.wrapping_add(wide);
            task.y = [task.y[0].wrapping_add(wide), task.y[1].wrapping_add(wide)];
            task.start = [task.start[0].wrapping_add(wide), task.start[1].wrapping_add(wide)];
            if tile.apart {
                task.x = [task.x[0].wrapping_add(wide), task.x[1].wrapping_add(wide)];
            }
        }
        next += if is_pair { 2 } else { 1 };
    }
}

/// Computes all columns of a row, with fused products: whole panels by one call each.
///
/// # Safety
/// There are as many weights as the row has products with all columns, and a bias has an element for each column or none.
#[inline(never)]
pub unsafe fn panels(p: &mut Panels<'_>) {
    let (x, y, depth) = (p.x.as_ptr(), p.y.as_mut_ptr(), p.x.len());
    const ZEROS: [f32; 2 * WIDE] = [0.0; 2 * WIDE];
    let has_zeros = p.bias.is_some_and(<[f32]>::is_empty);
    let start = if has_zeros { ZEROS.as_ptr() } else { p.bias.map_or(y.cast_const(), <[f32]>::as_ptr) };
    let ends = Ends::of(&p.plan);
    let mut task = Task {
        x: [x, x],
        w: p.w.as_ptr(),
        start: [start, start],
        y: [y, y],
        rows: if depth == 0 { 0 } else { 1 },
        columns: 1,
        depth,
        row_inputs: 0,
        column_inputs: 0,
        skip: 0,
        row_gap: 0,
        at_least: ends.at_least,
        at_most: ends.at_most,
        then: ends.then,
    };
    let mut left = p.y.len();
    while left > 0 {
        let pitch = if left < 2 * WIDE { left } else { 2 * WIDE };
        let (mut rest, end) = (pitch, task.w.wrapping_add(pitch * depth));
        while rest > 0 {
            let wide = if rest < WIDE {
                1
            } else if rest < 2 * WIDE {
                WIDE
            } else {
                2 * WIDE
            };
            task.skip = 4 * (pitch - wide);
            // SAFETY: the weights of these columns lie inside, as the caller promises, and so do their sums.
            unsafe { run(&mut task, wide, false, false) }
            rest -= wide;
            task.w = task.w.wrapping_add(wide);
            task.y = [task.y[0].wrapping_add(wide), task.y[1].wrapping_add(wide)];
            // As many zeros as a panel has columns are enough for all.
            let from = if has_zeros { 0 } else { wide };
            task.start = [task.start[0].wrapping_add(from), task.start[1].wrapping_add(from)];
        }
        task.w = end;
        left -= pitch;
    }
}

/// Computes `wide` columns of one pixel, or of a pair of pixels; a single column takes one call for each pixel.
///
/// # Safety
/// The inputs and weights of all taps may be read, and the outputs written.
#[inline(always)]
unsafe fn run(tile: &mut Task, wide: usize, is_pair: bool, apart: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        match (wide, is_pair, apart) {
            (1, true, _) => {
                single(tile);
                tile.turn();
                single(tile);
                tile.turn();
            }
            (1, false, _) => single(tile),
            (_, true, true) => apart2(tile),
            (_, false, true) => apart1(tile),
            (_, true, false) => dense2(tile),
            (WIDE, false, false) => dense1(tile),
            (_, false, false) => dense1_wide(tile),
        }
    }
}
