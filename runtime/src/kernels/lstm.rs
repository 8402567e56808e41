// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! LSTM layers. The columns of weights and bias are those of the gates i, o, f and of the update g:
//!
//! `c' = f * c + i * g` and `h' = o * output(c')`, where the gates of i, f (with a peephole also of c) and o (of c') are functions of
//! their sums, and so is g. Every operation is rounded by itself.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::error::DataError;
use super::super::terms::recurrent::Recurrent;
use super::gates::Gates;
use super::recurrent::{Cell, Matrices, OfInputs, OfState, Results, Sequences, begin, check_lens, layer};

/// The cell states, and what they begin with.
#[derive(Debug)]
pub struct Memory<'a> {
    /// The weights of the cell state for i, o and f; may be empty.
    pub peepholes: &'a [f32],
    /// The initial cell state; may be empty.
    pub c0: &'a [f32],
    /// The cell state, at the end that of the last step.
    pub c: &'a mut [f32],
}

/// Elements of working memory.
pub const fn scratch(p: &Recurrent) -> usize {
    4 * p.block * p.hidden
}

/// Computes the layer; `sequences.lens` is empty.
#[inline]
pub fn lstm<C: Cpu, G: Gates, W: OfInputs<C>, R: OfState<C>>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    matrices: Matrices<'_, W, R>,
    sequences: Sequences<'_>,
    memory: Memory<'_>,
    results: Results<'_>,
) {
    debug_assert!(results.scratch.len() >= scratch(p) && memory.c.len() == p.batch * p.hidden);
    let Matrices { w, r, bias } = matrices;
    layer(cpu, p, Lstm { gates, r, memory }, (w, bias), sequences, results);
}

/// Computes the layer of sequences with lengths of their own.
///
/// # Errors
/// A length is negative or more than there are steps.
#[inline]
pub fn lstm_lens<C: Cpu, G: Gates, W: OfInputs<C>, R: OfState<C>>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    matrices: Matrices<'_, W, R>,
    sequences: Sequences<'_>,
    memory: Memory<'_>,
    results: Results<'_>,
) -> Result<(), DataError> {
    check_lens(sequences.lens, p.steps)?;
    lstm(cpu, p, gates, matrices, sequences, memory, results);
    Ok(())
}

struct Lstm<'a, G, R> {
    gates: G,
    r: R,
    memory: Memory<'a>,
}

impl<C: Cpu, G: Gates, R: OfState<C>> Cell<C> for Lstm<'_, G, R> {
    const COLUMNS: usize = 4;
    const SUMS: usize = 4;

    #[inline(always)]
    fn begin(&mut self, p: &Recurrent) {
        begin(p, self.memory.c0, self.memory.c);
    }

    #[inline(always)]
    fn step(&mut self, cpu: C, batch: usize, h: &mut [f32], sums: &mut [f32], _room: &mut [f32]) {
        let hidden = h.len();
        let Some(c) = self.memory.c.get_mut(batch * hidden..).and_then(|c| c.get_mut(..hidden)) else { return };
        self.r.add(cpu, h, sums);
        cpu.run(Finish { gates: self.gates, peepholes: self.memory.peepholes, sums, c, h });
    }
}

/// What follows the sums.
struct Finish<'a, G> {
    gates: G,
    peepholes: &'a [f32],
    sums: &'a mut [f32],
    c: &'a mut [f32],
    h: &'a mut [f32],
}

impl<G: Gates> Kernel for Finish<'_, G> {
    type Output = ();
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        let Finish { gates, peepholes, sums, c, h } = self;
        let hidden = h.len();
        let Some((gated, update)) = sums.split_at_mut_checked(3 * hidden) else { return };
        let has_peepholes = G::GENERAL && !peepholes.is_empty();
        let peephole = |gate: usize| peepholes.get(gate * hidden..).unwrap_or(&[]);
        if !has_peepholes {
            gates.gate(gated);
        }
        let Some((i, rest)) = gated.split_at_mut_checked(hidden) else { return };
        let Some((o, f)) = rest.split_at_mut_checked(hidden) else { return };
        if has_peepholes {
            add_products(i, peephole(0), c);
            add_products(f, peephole(2), c);
            gates.gate(i);
            gates.gate(f);
        }
        if G::GENERAL && gates.coupled() {
            for (f, i) in f.iter_mut().zip(&*i) {
                *f = 1.0 - *i;
            }
        }
        gates.update(update);
        for ((((c, h), f), i), g) in c.iter_mut().zip(h.iter_mut()).zip(&*f).zip(&*i).zip(&*update) {
            *c = *f * *c + *i * *g;
            *h = *c;
        }
        if has_peepholes {
            add_products(o, peephole(1), c);
            gates.gate(o);
        }
        gates.output(h);
        for (h, o) in h.iter_mut().zip(&*o) {
            *h *= *o;
        }
    }
}

/// `sums += a * b`, each product rounded.
#[inline(always)]
fn add_products(sums: &mut [f32], a: &[f32], b: &[f32]) {
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum += *a * *b;
    }
}
