// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sums of tiles of quantized products: by the instruction set's own loop, or a few rows at a time.
//!
//! Invariant: integer sums wrap and have no order, so every instruction set gives the same bits.
use super::super::arch::bytes::Bytes;
use super::super::terms::dots::{Inputs, Weights};
use super::super::terms::each_quad_row::each_quad_row;
use super::super::terms::line::ROWS;
use super::super::terms::quads::{Rows, alike};
use super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::dots;

/// Adds the products of a tile of `count` rows and `P` panels, one alone without [`Bytes::has_dots`], to its sums.
#[inline(always)]
pub fn tile_sums<I: Bytes, const P: usize>(
    isa: I,
    inputs: &Inputs<'_>,
    count: usize,
    (w, pairs): (&Weights<'_>, bool),
    sums: &mut [[[i32; PANEL]; P]; ROWS],
) {
    match (isa.has_dots(), count == 1) {
        (true, true) => dots::sums::<I, 1, P>(isa, inputs, w, sums),
        (true, false) => dots::sums::<I, ROWS, P>(isa, inputs, w, sums),
        (false, _) if w.width <= LANES => rows::<I, 1, P>(isa, inputs, count, (w.w, pairs), sums),
        (false, _) => rows::<I, 2, P>(isa, inputs, count, (w.w, pairs), sums),
    }
}

/// Adds the products of the first panel, of `H` times eight columns, a few rows at a time.
#[inline(always)]
fn rows<I: Bytes, const H: usize, const P: usize>(
    isa: I,
    inputs: &Inputs<'_>,
    count: usize,
    (w, pairs): (&[i8], bool),
    sums: &mut [[[i32; PANEL]; P]; ROWS],
) {
    let (w, _) = w.as_chunks::<{ QUAD * LANES }>();
    let (w, _) = w.as_chunks::<H>();
    let mut row = 0;
    while row < count {
        row += match (I::TILE_VECTORS >= 2, count - row) {
            (true, 2..) => some_rows::<I, 3, H, P>(isa, (inputs, row), w, pairs, sums),
            _ => some_rows::<I, 1, H, P>(isa, (inputs, row), w, pairs, sums),
        };
    }
}

/// `R` rows from the `first` on; gives `R`.
#[inline(always)]
fn some_rows<I: Bytes, const R: usize, const H: usize, const P: usize>(
    isa: I,
    (inputs, first): (&Inputs<'_>, usize),
    w: &[[[i8; QUAD * LANES]; H]],
    pairs: bool,
    sums: &mut [[[i32; PANEL]; P]; ROWS],
) -> usize {
    let at = |row: usize| inputs.at.get(first + row).copied().unwrap_or(0);
    let none = isa.sums(&[0; LANES]);
    let mut added = alike([none, none]);
    for outer in 0..inputs.outer {
        let w = w.get(outer * inputs.quads..).and_then(|w| w.get(..inputs.quads)).unwrap_or(&[]);
        let mut x: Rows<'_> = [&[], &[], &[]];
        each_quad_row!(R, ROW => { x[ROW] = inputs.run(at(ROW), outer); });
        added = isa.quads::<R, H>(pairs, (x, inputs.flip), w, added);
    }
    for (added, sums) in added.into_iter().zip(sums.iter_mut().skip(first)).take(R) {
        for (added, sums) in added.into_iter().zip(sums.as_flattened_mut().as_chunks_mut::<LANES>().0).take(H) {
            for (sum, added) in sums.iter_mut().zip(isa.to_ints(added)) {
                *sum = sum.wrapping_add(added);
            }
        }
    }
    R
}
