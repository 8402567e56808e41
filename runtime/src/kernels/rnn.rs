// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Plain recurrent layers: the state is a function of bias, input and state times their weights.
use super::super::arch::floats::{FloatCpu, Floats};
use super::super::error::DataError;
use super::super::terms::recurrent::Recurrent;
use super::copy::copy;
use super::gates::Gates;
use super::recurrent::{Cell, Operands, Results, add_state, check_lens, layer};

/// Elements of working memory.
pub const fn scratch(p: &Recurrent) -> usize {
    p.block * p.hidden
}

/// Computes the layer, whose function is that of an update; `operands.lens` is empty.
#[inline]
pub fn rnn<C: FloatCpu, G: Gates>(cpu: C, p: &Recurrent, gates: G, operands: Operands<'_>, results: Results<'_>) {
    debug_assert!(results.scratch.len() >= scratch(p));
    layer(cpu, p, Rnn { gates, r: operands.r }, operands, results);
}

/// Computes the layer of sequences with lengths of their own.
///
/// # Errors
/// A length is negative or more than there are steps.
#[inline]
pub fn rnn_lens<C: FloatCpu, G: Gates>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    operands: Operands<'_>,
    results: Results<'_>,
) -> Result<(), DataError> {
    check_lens(operands.lens, p.steps)?;
    rnn(cpu, p, gates, operands, results);
    Ok(())
}

struct Rnn<'a, G> {
    gates: G,
    r: &'a [f32],
}

impl<G: Gates> Cell for Rnn<'_, G> {
    const COLUMNS: usize = 1;
    const SUMS: usize = 1;

    #[inline(always)]
    fn begin(&mut self, _p: &Recurrent) {}

    #[inline(always)]
    fn step<I: Floats>(&mut self, isa: I, _batch: usize, h: &mut [f32], sums: &mut [f32], _room: &mut [f32]) {
        add_state(isa, h, self.r, sums);
        self.gates.update(sums);
        copy(sums, h);
    }
}
