// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Recurrent layers: what all cells share. The products with the inputs of some steps are computed together; the products
//! with the state are added to them, step by step.
//!
//! Invariant: a sum starts from its bias and adds the products with the inputs, then those with the state, each ascending,
//! each by one multiply-add. So the number of steps in a block never shows.
use super::super::arch::floats::{FloatCpu, FloatKernel, Floats};
use super::super::error::DataError;
use super::super::loops::panels::panels;
use super::super::loops::products::Runs;
use super::super::loops::tile::{Task, tile};
use super::super::terms::epilogue::Plan;
use super::super::terms::line::Line;
use super::super::terms::panels::Panels;
use super::super::terms::recurrent::Recurrent;
use super::super::terms::regions::Places;
use super::copy::copy;
use super::matmul_packed::{MatMulPacked, matmul_packed, matvec_packed};

/// What a layer reads. `w` and `r` are packed as for `matmul_packed`.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    /// The sequences.
    pub x: &'a [f32],
    /// The weights of inputs, for each gate.
    pub w: &'a [f32],
    /// The weights of the state, for each gate.
    pub r: &'a [f32],
    /// What the sums start from.
    pub bias: &'a [f32],
    /// Steps of each sequence, none of them more than there are; empty where all have all.
    pub lens: &'a [i32],
    /// The initial state; may be empty.
    pub h0: &'a [f32],
}

/// What a layer writes.
#[derive(Debug)]
pub struct Results<'a> {
    /// Room for the sums of a block, and for what the cell needs besides; with any values.
    pub scratch: &'a mut [f32],
    /// The state, at the end that of the last step.
    pub h: &'a mut [f32],
    /// The states of all steps, zeros behind the end of a sequence; empty where nobody wants them.
    pub y: &'a mut [f32],
}

/// A cell: what one step does.
pub trait Cell {
    /// Columns of `w` for each number of a state.
    const COLUMNS: usize;
    /// Numbers of the sums of a step, for each number of a state.
    const SUMS: usize;

    /// Sets the cell's other states to those before the first step.
    fn begin(&mut self, p: &Recurrent);

    /// Computes the state of sequence `batch` after a step from the one before; `sums` are bias and products with the input,
    /// `room` is what the cell needs besides.
    fn step<I: Floats>(&mut self, isa: I, batch: usize, h: &mut [f32], sums: &mut [f32], room: &mut [f32]);
}

/// Whether all lengths of sequences are possible.
///
/// # Errors
/// One is negative or more than `steps`.
pub fn check_lens(lens: &[i32], steps: usize) -> Result<(), DataError> {
    for len in lens {
        if *len < 0 || *len as usize > steps {
            return Err(DataError::IndexOutOfRange);
        }
    }
    Ok(())
}

/// Sets a state to its initial values, or to zeros if it does not keep those that it has.
#[inline(always)]
pub fn begin(p: &Recurrent, initial: &[f32], state: &mut [f32]) {
    if !initial.is_empty() {
        copy(initial, state);
    } else if !p.resume {
        state.fill(0.0);
    }
}

/// Computes a layer.
#[inline]
pub fn layer<C: FloatCpu, L: Cell>(cpu: C, p: &Recurrent, cell: L, operands: Operands<'_>, results: Results<'_>) {
    debug_assert!(p.block > 0 && operands.x.len() >= p.steps * p.batch * p.input);
    debug_assert!(results.h.len() == p.batch * p.hidden);
    cpu.run_floats(Layer { p, cell, operands, results });
}

struct Layer<'a, L> {
    p: &'a Recurrent,
    cell: L,
    operands: Operands<'a>,
    results: Results<'a>,
}

impl<L: Cell> FloatKernel for Layer<'_, L> {
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Floats>(self, isa: I) {
        let Layer { p, mut cell, operands, results: Results { scratch, h, y } } = self;
        let (row, hidden) = (L::SUMS * p.hidden, p.hidden);
        begin(p, operands.h0, h);
        cell.begin(p);
        let Some((sums, room)) = scratch.split_at_mut_checked(p.block * row) else { return };
        for batch in 0..p.batch {
            let Some(h) = h.get_mut(batch * hidden..).and_then(|h| h.get_mut(..hidden)) else { return };
            let steps = operands.lens.get(batch).map_or(p.steps, |len| *len as usize);
            let mut done = 0;
            while done < steps {
                let count = if steps - done < p.block { steps - done } else { p.block };
                let first = if p.reverse { steps - done - count } else { done };
                let x = operands.x.get((first * p.batch + batch) * p.input..).unwrap_or(&[]);
                inputs(isa, p, [count, L::COLUMNS * hidden, row], (x, operands.w, operands.bias), sums);
                for k in 0..count {
                    let at = if p.reverse { count - 1 - k } else { k };
                    let Some(sums) = sums.get_mut(at * row..).and_then(|sums| sums.get_mut(..row)) else { return };
                    cell.step(isa, batch, h, sums, room);
                    let y = y.get_mut(((first + at) * p.batch + batch) * p.y_pitch..);
                    if let Some(y) = y.and_then(|y| y.get_mut(..hidden)) {
                        copy(h, y);
                    }
                }
                done += count;
            }
            for step in steps..p.steps {
                let y = y.get_mut((step * p.batch + batch) * p.y_pitch..);
                y.and_then(|y| y.get_mut(..hidden)).unwrap_or(&mut []).fill(0.0);
            }
        }
    }
}

/// Bias and products with the inputs of `count` steps: some columns in rows of `pitch` sums.
#[inline(always)]
fn inputs<I: Floats>(
    isa: I,
    p: &Recurrent,
    [count, columns, pitch]: [usize; 3],
    (x, w, bias): (&[f32], &[f32], &[f32]),
    sums: &mut [f32],
) {
    if I::COMPACT {
        for row in 0..count {
            let x = x.get(row * p.batch * p.input..).and_then(|x| x.get(..p.input)).unwrap_or(&[]);
            let y = sums.get_mut(row * pitch..).and_then(|y| y.get_mut(..columns)).unwrap_or(&mut []);
            panels(isa, Panels { x, w, bias: Some(bias), y });
        }
        return;
    }
    let product = MatMulPacked::new(count, p.input, columns).pitch(p.batch * p.input, pitch);
    if count == 1 {
        matvec_packed(isa, &product, x, w, bias, sums);
    } else {
        matmul_packed(isa, &product, x, w, bias, sums);
    }
}

/// Adds the products of a state, or something like it, and a matrix in panels.
#[inline(always)]
pub fn add_state<I: Floats>(isa: I, h: &[f32], r: &[f32], sums: &mut [f32]) {
    let (depth, columns) = (h.len(), sums.len());
    if I::COMPACT {
        panels(isa, Panels { x: h, w: r, bias: None, y: sums });
        return;
    }
    let task =
        Task { x: h, w: r, depth, skip: 0, bias: &[], columns, runs: Runs::one(depth), plan: Plan::NONE, resume: true };
    tile::<I, 1>(isa, &task, &Places { rows: 1, x: Line::one(1, 0), y: Line::one(1, 0) }, sums);
}
