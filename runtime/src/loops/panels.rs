// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of one row in small code, whose sums start from a bias or from the output: panel after panel.
//!
//! Invariants: those of `loops/compact`.
use super::super::arch::floats::{FloatKernel, Floats};
use super::super::terms::panels::Panels;
use super::super::terms::tile::{COLUMNS, Pixel, TapGrid, Tile};
use super::compact::compute;

/// Computes all columns. Returns early if an operand is too short; the plan rules that out.
#[inline(never)]
pub fn panels<I: Floats>(isa: I, p: Panels<'_>) {
    let has_bias = p.bias.is_none_or(|bias| bias.is_empty() || bias.len() >= p.y.len());
    if has_bias && p.x.len() * p.y.len() <= p.w.len() {
        isa.dispatch_floats(Inside(p));
    } else {
        debug_assert!(false, "a row lies outside");
    }
}

/// A row whose operands are long enough.
struct Inside<'a>(Panels<'a>);

impl FloatKernel for Inside<'_> {
    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let mut p = self.0;
        // SAFETY: `panels` has checked that all operands are long enough.
        if unsafe { isa.panels(&mut p) } {
            return;
        }
        let (depth, columns) = (p.x.len(), p.y.len());
        let taps = TapGrid { column_inputs: depth, depth, ..TapGrid::ONE };
        let mut tile = Tile::new(p.x, p.w, p.y, taps, 0);
        (tile.resume, tile.plan) = (p.bias.is_none(), p.plan);
        let mut first = 0;
        while first < columns {
            let left = columns - first;
            tile.width = if left < COLUMNS { left } else { COLUMNS };
            tile.taps.pitch = tile.width;
            tile.w = p.w.get(first * depth..).unwrap_or(&[]);
            tile.bias = p.bias.and_then(|bias| bias.get(first..)).unwrap_or(&[]);
            let pixel = Pixel { x: 0, y: first };
            tile.pixels = [pixel, pixel, pixel, pixel];
            tile.count = 1;
            compute(isa, &mut tile);
            first += tile.width;
        }
    }
}
