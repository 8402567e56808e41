// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loop of products of one row with columns that are dense. On vector instructions blocks of eight columns by eight
//! elements are transposed in registers.
//!
//! Invariants: everything that a loop of an instruction set reads or writes lies inside its slices, which is checked once, before it. Each sum
//! adds its products with `k` ascending, each by one [`Isa::mul_add`](super::super::arch::isa::Isa::mul_add).
use super::super::arch::floats::{FloatKernel, Floats};
use super::super::terms::scores::Scores;
use super::super::terms::sizes::LANES;

/// Adds all products. Returns early if an operand is too short; the plan rules that out.
#[inline(always)]
pub fn add<I: Floats>(isa: I, p: Scores<'_>) {
    let (Some(last), [_, ..]) = (p.y.len().checked_sub(1), p.x) else { return };
    if last * p.pitch + p.x.len() > p.w.len() {
        debug_assert!(false, "a column lies outside");
        return;
    }
    isa.dispatch_floats(p);
}

impl FloatKernel for Scores<'_> {
    #[inline(always)]
    fn run<I: Floats>(mut self, isa: I) {
        // SAFETY: `add` has checked that all columns lie inside.
        if unsafe { isa.scores(&mut self) } {
            return;
        }
        let Scores { x, mut w, pitch, y } = self;
        let (eights, rest) = if I::TILE_VECTORS < 2 { (&mut [][..], y) } else { y.as_chunks_mut::<LANES>() };
        for sums in eights {
            eight(isa, x, (w, pitch), sums);
            w = w.get(LANES * pitch..).unwrap_or(&[]);
        }
        for (j, sum) in rest.iter_mut().enumerate() {
            for (x, w) in x.iter().zip(w.get(j * pitch..).unwrap_or(&[])) {
                *sum = isa.mul_add1(*x, *w, *sum);
            }
        }
    }
}

/// Adds the products of eight columns.
#[inline(always)]
fn eight<I: Floats>(isa: I, x: &[f32], (mut w, pitch): (&[f32], usize), sums: &mut [f32; LANES]) {
    let (blocks, rest) = x.as_chunks::<LANES>();
    let mut sum = isa.load(sums);
    let mut block = [isa.splat(0.0); LANES];
    for x in blocks {
        for (i, column) in block.iter_mut().enumerate() {
            let Some(w) = w.get(i * pitch..).and_then(|w| w.first_chunk()) else { return };
            *column = isa.load(w);
        }
        for (x, w) in x.iter().zip(isa.transpose(block)) {
            sum = isa.mul_add(isa.splat(*x), w, sum);
        }
        w = w.get(LANES..).unwrap_or(&[]);
    }
    if !rest.is_empty() {
        for (i, column) in block.iter_mut().enumerate() {
            let Some(w) = w.get(i * pitch..).and_then(|w| w.get(..rest.len())) else { return };
            *column = isa.load_part(w);
        }
        for (x, w) in rest.iter().zip(isa.transpose(block)) {
            sum = isa.mul_add(isa.splat(*x), w, sum);
        }
    }
    isa.store(sum, sums);
}
