// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Tiles of quantized products whose inner loop an instruction set has of its own: four products of bytes a lane.
//!
//! Invariant: all that a loop reads and writes lies in the slices given, which is checked once, before the loop.
use super::super::arch::bytes::Bytes;
use super::super::terms::dots::{Inputs, Outputs, Scaling, Task, Weights};
use super::super::terms::line::ROWS;
use super::super::terms::quant::ROUND;
use super::super::terms::rows::each_row;
use super::super::terms::sizes::{PANEL, QUAD};

/// The largest of the first `R`.
#[inline(always)]
fn largest<const R: usize>(at: &[usize; ROWS]) -> usize {
    let mut last = 0;
    each_row!(R, ROW => { last = if at[ROW] > last { at[ROW] } else { last }; });
    last
}

/// The loop's operands, where all that so many tiles of `P` panels read lies inside; for sums, without places for bytes.
#[inline(always)]
fn tile<const R: usize, const P: usize>(p: &Inputs<'_>, w: &Weights<'_>, half: bool, tiles: usize) -> Option<Task> {
    let columns = if half { PANEL / 2 } else { PANEL };
    let weights = (P - 1) * w.panel + p.outer * p.quads * QUAD * columns;
    let reach = largest::<R>(&p.at) + tiles.saturating_sub(1) * p.next + p.span();
    if p.outer == 0 || p.quads == 0 || tiles == 0 || reach > p.x.len() || weights > w.w.len() {
        debug_assert!(p.outer == 0 || p.quads == 0, "a tile lies outside");
        return None;
    }
    let mut tile = Task {
        rows: [p.x.as_ptr(); ROWS],
        y: [core::ptr::null_mut(); ROWS],
        sums: core::ptr::null_mut(),
        w: w.w.as_ptr(),
        panel: w.panel,
        quads: p.quads,
        outer: p.outer,
        outer_step: p.outer_step,
        next: p.next,
        y_next: 0,
        tiles,
        bias: core::ptr::null(),
        multiplier: core::ptr::null(),
        mask: 0,
        bounds: [0.0; 2],
        round: ROUND,
        zero: 0,
        flip: p.flip,
    };
    // SAFETY: `at` is at most the largest, which lies in `x`.
    each_row!(R, ROW => { tile.rows[ROW] = unsafe { p.x.as_ptr().add(p.at[ROW]) }; });
    Some(tile)
}

/// Computes the bytes of tiles of `R` rows and `P` panels, of which the last may have fewer columns; a panel alone may be
/// one of eight. [`Bytes::has_dots`]; `R` is 1 or 6, `P` 1, 2 or 4, or 8 of one row. Nothing is done where an operand is
/// too short, which it is not.
#[inline(always)]
pub fn bytes<I: Bytes, const R: usize, const P: usize>(
    isa: I,
    p: &Inputs<'_>,
    w: &Weights<'_>,
    scaling: &Scaling<'_>,
    out: Outputs<'_>,
) {
    let half = P == 1 && w.width <= PANEL / 2;
    let Some(mut tile) = tile::<R, P>(p, w, half, out.tiles) else { return };
    let last = largest::<R>(&out.at) + (out.tiles - 1) * out.next;
    let columns = scaling.bias.len().min(scaling.multiplier.len());
    let tail = w.width.saturating_sub((P - 1) * PANEL);
    if !isa.has_dots() || tail == 0 || tail > PANEL || columns < w.width || last + w.width > out.y.len() {
        debug_assert!(false, "a tile lies outside");
        return;
    }
    // SAFETY: `at` is at most the largest, which lies in `y`.
    each_row!(R, ROW => { tile.y[ROW] = unsafe { out.y.as_mut_ptr().add(out.at[ROW]) }; });
    tile.y_next = out.next;
    (tile.bias, tile.multiplier) = (scaling.bias.as_ptr(), scaling.multiplier.as_ptr());
    tile.mask = (1 << tail) - 1;
    (tile.bounds, tile.zero) = (scaling.bounds, scaling.zero);
    // SAFETY: all that is read and written lies inside, as checked here and by `tile`; columns behind the last are masked.
    unsafe { isa.dots([R, P], half, &mut tile) };
}

/// Adds the products of a tile of `R` rows and `P` panels to sums. As [`bytes`] otherwise.
#[inline(always)]
pub fn sums<I: Bytes, const R: usize, const P: usize>(
    isa: I,
    p: &Inputs<'_>,
    w: &Weights<'_>,
    sums: &mut [[[i32; PANEL]; P]; ROWS],
) {
    let half = P == 1 && w.width <= PANEL / 2;
    let Some(mut tile) = tile::<R, P>(p, w, half, 1) else { return };
    if !isa.has_dots() {
        debug_assert!(false, "the CPU has no such loop");
        return;
    }
    tile.sums = sums.as_mut_ptr().cast();
    // SAFETY: all that is read and written lies inside, as checked by `tile`; there are sums of six rows.
    unsafe { isa.dots([R, P], half, &mut tile) };
}
