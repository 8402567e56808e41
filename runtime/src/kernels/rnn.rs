// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Plain recurrent layers: the state is a function of bias, input and state times their weights.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::error::DataError;
use super::super::terms::recurrent::Recurrent;
use super::copy::copy;
use super::gates::Gates;
use super::recurrent::{Cell, Matrices, OfInputs, OfState, Results, Sequences, check_lens, layer};

/// Elements of working memory.
pub const fn scratch(p: &Recurrent) -> usize {
    p.block * p.hidden
}

/// Computes the layer, whose function is that of an update; `sequences.lens` is empty.
#[inline]
pub fn rnn<C: Cpu, G: Gates, W: OfInputs<C>, R: OfState<C>>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    matrices: Matrices<'_, W, R>,
    sequences: Sequences<'_>,
    results: Results<'_>,
) {
    debug_assert!(results.scratch.len() >= scratch(p));
    let Matrices { w, r, bias } = matrices;
    layer(cpu, p, Rnn { gates, r }, (w, bias), sequences, results);
}

/// Computes the layer of sequences with lengths of their own.
///
/// # Errors
/// A length is negative or more than there are steps.
#[inline]
pub fn rnn_lens<C: Cpu, G: Gates, W: OfInputs<C>, R: OfState<C>>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    matrices: Matrices<'_, W, R>,
    sequences: Sequences<'_>,
    results: Results<'_>,
) -> Result<(), DataError> {
    check_lens(sequences.lens, p.steps)?;
    rnn(cpu, p, gates, matrices, sequences, results);
    Ok(())
}

struct Rnn<G, R> {
    gates: G,
    r: R,
}

impl<C: Cpu, G: Gates, R: OfState<C>> Cell<C> for Rnn<G, R> {
    const COLUMNS: usize = 1;
    const SUMS: usize = 1;

    #[inline(always)]
    fn begin(&mut self, _p: &Recurrent) {}

    #[inline(always)]
    fn step(&mut self, cpu: C, _batch: usize, h: &mut [f32], sums: &mut [f32], _room: &mut [f32]) {
        self.r.add(cpu, h, sums);
        cpu.run(Update { gates: self.gates, sums, h });
    }
}

struct Update<'a, G> {
    gates: G,
    sums: &'a mut [f32],
    h: &'a mut [f32],
}

impl<G: Gates> Kernel for Update<'_, G> {
    type Output = ();
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        self.gates.update(self.sums);
        copy(self.sums, self.h);
    }
}
