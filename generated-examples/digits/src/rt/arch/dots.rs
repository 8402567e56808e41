// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Tiles of quantized products whose inner loop an instruction set has of its own: four products of bytes a lane.
//!
//! Invariant: all that a loop reads and writes lies in the slices given, which is checked once, before the loop.
use super::super::kernels::line::ROWS;
use super::super::kernels::rows::each_row;
use super::isa::Isa;

/// Output channels of a panel of weights.
pub const PANEL: usize = 16;
/// Depth that is multiplied at once.
pub const QUAD: usize = 4;

/// Where the inputs of a tile lie: in each row `outer` runs of `quads * 4` bytes.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Unsigned bytes.
    pub x: &'a [u8],
    /// Where the inputs of each row begin.
    pub at: [usize; ROWS],
    /// Runs.
    pub outer: usize,
    /// Bytes between the starts of runs.
    pub outer_step: usize,
    /// Depth of a run, by four.
    pub quads: usize,
}

/// What becomes of a tile's sums: `clamp(round_half_even(f32(sum + bias) * multiplier), lo, hi) + zero`.
#[derive(Clone, Copy, Debug)]
pub struct Scaling<'a> {
    /// The bias of the tile's columns.
    pub bias: &'a [i32],
    /// Their multipliers.
    pub multiplier: &'a [f32],
    /// The bounds, which are whole numbers.
    pub bounds: [f32; 2],
    /// Added after rounding.
    pub zero: i32,
}

/// What the loop reads; all steps in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct Tile {
    /// The first input of each row.
    pub rows: [*const u8; ROWS],
    /// Where the bytes of each row go.
    pub y: [*mut u8; ROWS],
    /// Sums of each row, to be added to instead of writing bytes; or null.
    pub sums: [*mut i32; ROWS],
    /// The first weight.
    pub w: *const i8,
    /// From one panel to the next.
    pub panel: usize,
    /// Quads of a run, at least 1.
    pub quads: usize,
    /// Runs, at least 1.
    pub outer: usize,
    /// From the start of one run to that of the next.
    pub outer_step: usize,
    /// The bias of the columns.
    pub bias: *const i32,
    /// Their multipliers.
    pub multiplier: *const f32,
    /// Columns of the last panel that are there, a bit each.
    pub mask: usize,
    /// The bounds of the rounded numbers.
    pub bounds: [f32; 2],
    /// 1.5 * 2^23, which rounds.
    pub round: f32,
    /// Added after rounding.
    pub zero: i32,
}

impl Inputs<'_> {
    /// Bytes from the first to the last of a row.
    #[inline(always)]
    fn span(&self) -> usize {
        self.outer.saturating_sub(1) * self.outer_step + self.quads * QUAD
    }

    /// A run's inputs of a row; nothing where they lie outside, which they do not.
    #[inline(always)]
    pub fn run(&self, at: usize, outer: usize) -> &[[u8; QUAD]] {
        let from = at + outer * self.outer_step;
        self.x.get(from..).and_then(|x| x.get(..self.quads * QUAD)).map_or(&[], |x| x.as_chunks().0)
    }
}

/// The loop's operands, where all that a tile of `P` panels of `columns` reads lies inside.
#[inline(always)]
fn tile<const R: usize, const P: usize>(p: &Inputs<'_>, w: &[i8], panel: usize, columns: usize) -> Option<Tile> {
    let mut last = 0;
    each_row!(R, ROW => { last = if p.at[ROW] > last { p.at[ROW] } else { last }; });
    let weights = (P - 1) * panel + p.outer * p.quads * QUAD * columns;
    if p.outer == 0 || p.quads == 0 || last + p.span() > p.x.len() || weights > w.len() {
        debug_assert!(p.outer == 0 || p.quads == 0, "a tile lies outside");
        return None;
    }
    let mut tile = Tile {
        rows: [p.x.as_ptr(); ROWS],
        y: [core::ptr::null_mut(); ROWS],
        sums: [core::ptr::null_mut(); ROWS],
        w: w.as_ptr(),
        panel,
        quads: p.quads,
        outer: p.outer,
        outer_step: p.outer_step,
        bias: core::ptr::null(),
        multiplier: core::ptr::null(),
        mask: 0,
        bounds: [0.0; 2],
        round: 0.0,
        zero: 0,
    };
    // SAFETY: `at` is at most `last`, which lies in `x`.
    each_row!(R, ROW => { tile.rows[ROW] = unsafe { p.x.as_ptr().add(p.at[ROW]) }; });
    Some(tile)
}

/// Computes the bytes of `R` rows and `P` panels, of which the last has `width - (P - 1) * 16` columns; a panel alone may
/// be one of eight. [`Isa::has_dots`]; `R` is 1 or 6, `P` 1, 2 or 4. Nothing is done where an operand is too short, which it is not.
#[inline(always)]
pub fn bytes<I: Isa, const R: usize, const P: usize>(
    isa: I,
    p: &Inputs<'_>,
    (w, panel, width): (&[i8], usize, usize),
    scaling: &Scaling<'_>,
    (y, at): (&mut [u8], &[usize; ROWS]),
) {
    let half = P == 1 && width <= PANEL / 2;
    let Some(mut tile) = tile::<R, P>(p, w, panel, if half { PANEL / 2 } else { PANEL }) else { return };
    let mut last = 0;
    each_row!(R, ROW => { last = if at[ROW] > last { at[ROW] } else { last }; });
    let columns = scaling.bias.len().min(scaling.multiplier.len());
    let tail = width.saturating_sub((P - 1) * PANEL);
    if !isa.has_dots() || tail == 0 || tail > PANEL || columns < width || last + width > y.len() {
        debug_assert!(false, "a tile lies outside");
        return;
    }
    // SAFETY: `at` is at most `last`, which lies in `y`.
    each_row!(R, ROW => { tile.y[ROW] = unsafe { y.as_mut_ptr().add(at[ROW]) }; });
    (tile.bias, tile.multiplier) = (scaling.bias.as_ptr(), scaling.multiplier.as_ptr());
    tile.mask = (1 << tail) - 1;
    (tile.bounds, tile.zero, tile.round) = (scaling.bounds, scaling.zero, 12_582_912.0);
    // SAFETY: all that is read and written lies inside, as checked here and by `tile`; columns behind the last are masked.
    unsafe { isa.dots([R, P], half, &mut tile) };
}

/// Adds the products of `R` rows and one panel, of eight columns where `half`, to sums. As [`bytes`] otherwise.
#[inline(always)]
pub fn sums<I: Isa, const R: usize>(isa: I, p: &Inputs<'_>, (w, half): (&[i8], bool), sums: &mut [[i32; PANEL]; ROWS]) {
    let Some(mut tile) = tile::<R, 1>(p, w, 0, if half { PANEL / 2 } else { PANEL }) else { return };
    if !isa.has_dots() {
        debug_assert!(false, "the CPU has no such loop");
        return;
    }
    each_row!(R, ROW => { tile.sums[ROW] = sums[ROW].as_mut_ptr(); });
    // SAFETY: all that is read and written lies inside, as checked by `tile`.
    unsafe { isa.dots([R, 1], half, &mut tile) };
}

/// Signed bytes as their bits.
#[inline(always)]
pub fn bits(y: &mut [i8]) -> &mut [u8] {
    // SAFETY: the same memory, lent for as long; all bits are valid in both types.
    unsafe { core::slice::from_raw_parts_mut(y.as_mut_ptr().cast(), y.len()) }
}
