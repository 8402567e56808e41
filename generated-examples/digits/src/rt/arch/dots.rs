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
/// 1.5 * 2^23: from 2^23 to 2^24 every f32 is an integer, so that a small number added to it is rounded to one, ties to
/// even; the low bits are that integer.
pub const ROUND: f32 = 12_582_912.0;

/// Where the inputs of tiles lie: in each row `outer` runs of `quads * 4` bytes.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The bits of the bytes.
    pub x: &'a [u8],
    /// What makes the bits of four bytes unsigned, the least as 0: [`Byte::FLIP`](super::super::kernels::quant::Byte::FLIP)
    /// of each.
    pub flip: u32,
    /// Where the inputs of each row of the first tile begin.
    pub at: [usize; ROWS],
    /// From a row of a tile to the same of the next.
    pub next: usize,
    /// Runs.
    pub outer: usize,
    /// Bytes between the starts of runs.
    pub outer_step: usize,
    /// Depth of a run, by four.
    pub quads: usize,
}

/// Where the bytes of tiles go.
#[derive(Debug)]
pub struct Outputs<'a> {
    /// The bits of the bytes.
    pub y: &'a mut [u8],
    /// Where the first byte of each row of the first tile goes.
    pub at: [usize; ROWS],
    /// From a row of a tile to the same of the next.
    pub next: usize,
    /// Tiles, at least 1.
    pub tiles: usize,
}

/// Packed weights: panels of sixteen columns, `[depth / 4][16][4]`.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// The first panel and those that follow.
    pub w: &'a [i8],
    /// From one panel to the next.
    pub panel: usize,
    /// Columns that are there.
    pub width: usize,
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
    /// Sums to be added to instead of writing bytes, `[row][panel][16]`; or null.
    pub sums: *mut i32,
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
    /// From a tile's inputs to the next one's.
    pub next: usize,
    /// From a tile's bytes to the next one's.
    pub y_next: usize,
    /// Tiles, at least 1; one alone where sums are added to.
    pub tiles: usize,
    /// The bias of the columns.
    pub bias: *const i32,
    /// Their multipliers.
    pub multiplier: *const f32,
    /// Columns of the last panel that are there, a bit each.
    pub mask: usize,
    /// The bounds of the rounded numbers.
    pub bounds: [f32; 2],
    /// [`ROUND`].
    pub round: f32,
    /// Added after rounding.
    pub zero: i32,
    /// What makes four bytes unsigned.
    pub flip: u32,
}

impl Inputs<'_> {
    /// Bytes from the first to the last of a row.
    #[inline(always)]
    pub fn span(&self) -> usize {
        self.outer.saturating_sub(1) * self.outer_step + self.quads * QUAD
    }

    /// A run's inputs of a row; nothing where they lie outside, which they do not.
    #[inline(always)]
    pub fn run(&self, at: usize, outer: usize) -> &[[u8; QUAD]] {
        let from = at + outer * self.outer_step;
        self.x.get(from..).and_then(|x| x.get(..self.quads * QUAD)).map_or(&[], |x| x.as_chunks().0)
    }
}

/// The largest of the first `R`.
#[inline(always)]
fn largest<const R: usize>(at: &[usize; ROWS]) -> usize {
    let mut last = 0;
    each_row!(R, ROW => { last = if at[ROW] > last { at[ROW] } else { last }; });
    last
}

/// The loop's operands, where all that so many tiles of `P` panels read lies inside; for sums, without places for bytes.
#[inline(always)]
fn tile<const R: usize, const P: usize>(p: &Inputs<'_>, w: &Weights<'_>, half: bool, tiles: usize) -> Option<Tile> {
    let columns = if half { PANEL / 2 } else { PANEL };
    let weights = (P - 1) * w.panel + p.outer * p.quads * QUAD * columns;
    let reach = largest::<R>(&p.at) + tiles.saturating_sub(1) * p.next + p.span();
    if p.outer == 0 || p.quads == 0 || tiles == 0 || reach > p.x.len() || weights > w.w.len() {
        debug_assert!(p.outer == 0 || p.quads == 0, "a tile lies outside");
        return None;
    }
    let mut tile = Tile {
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
/// one of eight. [`Isa::has_dots`]; `R` is 1 or 6, `P` 1, 2 or 4, or 8 of one row. Nothing is done where an operand is
/// too short, which it is not.
#[inline(always)]
pub fn bytes<I: Isa, const R: usize, const P: usize>(
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
pub fn sums<I: Isa, const R: usize, const P: usize>(
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

/// Signed bytes as their bits.
#[inline(always)]
pub fn bits(x: &[i8]) -> &[u8] {
    // SAFETY: the same memory, lent for as long; all bits are valid in both types.
    unsafe { core::slice::from_raw_parts(x.as_ptr().cast(), x.len()) }
}

/// Signed bytes as their bits, to be written.
#[inline(always)]
pub fn bits_mut(y: &mut [i8]) -> &mut [u8] {
    // SAFETY: the same memory, lent for as long; all bits are valid in both types.
    unsafe { core::slice::from_raw_parts_mut(y.as_mut_ptr().cast(), y.len()) }
}

/// Bits as signed bytes.
#[inline(always)]
pub fn signed(bits: &mut [u8]) -> &mut [i8] {
    // SAFETY: both are bytes of any value.
    unsafe { core::slice::from_raw_parts_mut(bits.as_mut_ptr().cast(), bits.len()) }
}
