// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Tiles of quantized products, for instruction sets that add four products of bytes in a lane.
//!
//! Invariant: everything that a loop reads or writes lies inside its slices, which is checked once, before the loop.
use super::super::arch::bytes::Bytes;
use super::super::terms::dots::{Inputs, Outputs, Scaling, Task, Weights};
use super::super::terms::line::ROWS;
use super::super::terms::quant::ROUND;
use super::super::terms::rows::each_row;
use super::super::terms::sizes::{PANEL, QUAD};

/// The largest of the first `R` offsets.
#[inline(always)]
fn largest<const R: usize>(at: &[usize; ROWS]) -> usize {
    let mut last = 0;
    each_row!(R, ROW => { last = if at[ROW] > last { at[ROW] } else { last }; });
    last
}

/// The task for `tiles` tiles of `R` rows and `P` panels, without outputs; none if an operand is too short.
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
    // SAFETY: `at` is at most the largest offset, which lies in `x`.
    each_row!(R, ROW => { tile.rows[ROW] = unsafe { p.x.as_ptr().add(p.at[ROW]) }; });
    Some(tile)
}

/// Computes and requantizes tiles of `R` rows and `P` panels. The last panel may have fewer columns; a single panel of
/// at most eight is computed as half a panel. Needs [`Bytes::has_dots`]; `R` is 1 or 6, and `P` is 1, 2 or 4, or 8 for
/// one row. Returns early if an operand is too short; the plan rules that out.
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
    // SAFETY: `at` is at most the largest offset, which lies in `y`.
    each_row!(R, ROW => { tile.y[ROW] = unsafe { out.y.as_mut_ptr().add(out.at[ROW]) }; });
    tile.y_next = out.next;
    (tile.bias, tile.multiplier) = (scaling.bias.as_ptr(), scaling.multiplier.as_ptr());
    tile.mask = (1 << tail) - 1;
    (tile.bounds, tile.zero) = (scaling.bounds, scaling.zero);
    // SAFETY: everything that is read or written lies inside, as checked here and by `tile`; columns past the last are
    // masked.
    unsafe { isa.dots([R, P], half, &mut tile) };
}

/// Adds the products of one tile of `R` rows and `P` panels to `sums`, under the conditions of [`bytes`].
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
    // SAFETY: everything that is read or written lies inside, as checked by `tile`; there are sums for six rows.
    unsafe { isa.dots([R, P], half, &mut tile) };
}
