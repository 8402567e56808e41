// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Recurrent layers: what all cells share. The products with the inputs of some steps are computed together; the products
//! with the state are added to them, step by step.
//!
//! Invariant: a sum starts from its bias and adds the products with the inputs, then those with the state, each ascending,
//! each by one multiply-add. So neither the number of steps in a block nor the way in which weights are written ever shows.
use super::super::error::DataError;
use super::super::terms::recurrent::Recurrent;
use super::copy::copy;

/// The constants of a layer.
#[derive(Debug)]
pub struct Matrices<'a, W, R> {
    /// The weights of inputs, for each gate.
    pub w: W,
    /// The weights of the state, for each gate.
    pub r: R,
    /// What the sums start from.
    pub bias: &'a [f32],
}

impl<'a, W, R> Matrices<'a, W, R> {
    /// Of weights of inputs and of the state, and what sums start from.
    #[inline(always)]
    pub fn new(w: W, r: R, bias: &'a [f32]) -> Self {
        Matrices { w, r, bias }
    }
}

/// What a layer reads.
#[derive(Clone, Copy, Debug)]
pub struct Sequences<'a> {
    /// The sequences.
    pub x: &'a [f32],
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

/// Where the inputs and sums of some steps lie.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    /// Steps.
    pub count: usize,
    /// Numbers of an input.
    pub depth: usize,
    /// From an input to the next.
    pub x_pitch: usize,
    /// Sums that start from the bias and the input.
    pub columns: usize,
    /// From the sums of a step to those of the next.
    pub pitch: usize,
}

impl Rows {
    /// The input of a step, and its sums.
    #[inline(always)]
    pub fn at<'x, 's>(&self, step: usize, x: &'x [f32], sums: &'s mut [f32]) -> (&'x [f32], &'s mut [f32]) {
        let x = x.get(step * self.x_pitch..).and_then(|x| x.get(..self.depth)).unwrap_or(&[]);
        let sums = sums.get_mut(step * self.pitch..).and_then(|y| y.get_mut(..self.columns)).unwrap_or(&mut []);
        (x, sums)
    }
}

/// Weights of inputs.
pub trait OfInputs<C> {
    /// Sets the sums of some steps to the bias and the products with the inputs.
    fn begin(&mut self, cpu: C, rows: &Rows, operands: (&[f32], &[f32]), sums: &mut [f32]);
}

/// Weights of the state.
pub trait OfState<C> {
    /// Adds the products with a state, or something like it.
    fn add(&mut self, cpu: C, h: &[f32], sums: &mut [f32]);
}

/// Weights of which the first columns can be taken by themselves.
pub trait Split: Sized {
    /// The first columns, which are packed by themselves, and those behind.
    fn split(self, depth: usize, columns: usize) -> (Self, Self);
}

/// A cell: what one step does.
pub trait Cell<C> {
    /// Columns of `w` for each number of a state.
    const COLUMNS: usize;
    /// Numbers of the sums of a step, for each number of a state.
    const SUMS: usize;

    /// Sets the cell's other states to those before the first step.
    fn begin(&mut self, p: &Recurrent);

    /// Computes the state of sequence `batch` after a step from the one before; `sums` are bias and products with the input,
    /// `room` is what the cell needs besides.
    fn step(&mut self, cpu: C, batch: usize, h: &mut [f32], sums: &mut [f32], room: &mut [f32]);
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
pub fn layer<C: Copy, L: Cell<C>, W: OfInputs<C>>(
    cpu: C,
    p: &Recurrent,
    mut cell: L,
    (mut w, bias): (W, &[f32]),
    sequences: Sequences<'_>,
    results: Results<'_>,
) {
    debug_assert!(p.block > 0 && sequences.x.len() >= p.steps * p.batch * p.input);
    debug_assert!(results.h.len() == p.batch * p.hidden);
    let Results { scratch, h, y } = results;
    let (row, hidden) = (L::SUMS * p.hidden, p.hidden);
    begin(p, sequences.h0, h);
    cell.begin(p);
    let Some((sums, room)) = scratch.split_at_mut_checked(p.block * row) else { return };
    for batch in 0..p.batch {
        let Some(h) = h.get_mut(batch * hidden..).and_then(|h| h.get_mut(..hidden)) else { return };
        let steps = sequences.lens.get(batch).map_or(p.steps, |len| *len as usize);
        let mut done = 0;
        while done < steps {
            let count = if steps - done < p.block { steps - done } else { p.block };
            let first = if p.reverse { steps - done - count } else { done };
            let x = sequences.x.get((first * p.batch + batch) * p.input..).unwrap_or(&[]);
            let x_pitch = p.batch * p.input;
            let rows = Rows { count, depth: p.input, x_pitch, columns: L::COLUMNS * hidden, pitch: row };
            w.begin(cpu, &rows, (x, bias), sums);
            for k in 0..count {
                let at = if p.reverse { count - 1 - k } else { k };
                let Some(sums) = sums.get_mut(at * row..).and_then(|sums| sums.get_mut(..row)) else { return };
                cell.step(cpu, batch, h, sums, room);
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

/// Sums that are the layer's input, but for their bias.
#[derive(Clone, Copy, Debug)]
pub struct Given;

impl<C> OfInputs<C> for Given {
    #[inline(always)]
    fn begin(&mut self, _cpu: C, rows: &Rows, (x, bias): (&[f32], &[f32]), sums: &mut [f32]) {
        for step in 0..rows.count {
            let (x, sums) = rows.at(step, x, sums);
            for ((sum, x), bias) in sums.iter_mut().zip(x).zip(bias) {
                *sum = *bias + *x;
            }
        }
    }
}
