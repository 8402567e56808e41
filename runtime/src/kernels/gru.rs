// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! GRU layers. The columns of weights of inputs are those of the update n and the gates z and r; those of weights of the state are z,
//! r and n.
//!
//! `h' = (1 - z) * n + z * h`, where z and r are functions of their sums. Of n it is the sum of bias, input and `r * h` times their
//! weights; or `reset` after the product: the sum of bias and input plus r times a sum of its own, of another bias and the state.
use super::super::arch::isa::{Cpu, Isa, Kernel};
use super::super::error::DataError;
use super::super::terms::recurrent::Recurrent;
use super::copy::copy;
use super::gates::Gates;
use super::recurrent::{Cell, Matrices, OfInputs, OfState, Results, Sequences, Split, check_lens, layer};

/// Elements of working memory; where `r` scales the state before the product, the scaled state is among them.
pub const fn scratch(p: &Recurrent, reset_after: bool) -> usize {
    if reset_after { 4 * p.block * p.hidden } else { 3 * p.block * p.hidden + p.hidden }
}

/// Computes the layer, where `r` scales the state before the product. `matrices.r` is the panels of z and r, then those of n;
/// `sequences.lens` is empty.
#[inline]
pub fn gru<C: Cpu, G: Gates, W: OfInputs<C>, R: OfState<C> + Split>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    matrices: Matrices<'_, W, R>,
    sequences: Sequences<'_>,
    results: Results<'_>,
) {
    debug_assert!(results.scratch.len() >= scratch(p, false));
    let Matrices { w, r, bias } = matrices;
    let (of_gates, of_update) = r.split(p.hidden, 2 * p.hidden);
    layer(cpu, p, Before { gates, of_gates, of_update }, (w, bias), sequences, results);
}

/// Computes the layer, where `r` scales the product of the state. The last quarter of `matrices.bias` is what that starts from;
/// `sequences.lens` is empty.
#[inline]
pub fn gru_after<C: Cpu, G: Gates, W: OfInputs<C>, R: OfState<C>>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    matrices: Matrices<'_, W, R>,
    sequences: Sequences<'_>,
    results: Results<'_>,
) {
    debug_assert!(results.scratch.len() >= scratch(p, true));
    let Matrices { w, r, bias } = matrices;
    let of_product = bias.get(3 * p.hidden..).unwrap_or(&[]);
    layer(cpu, p, After { gates, r, bias: of_product }, (w, bias), sequences, results);
}

/// Computes the layer of sequences with lengths of their own, as `gru` does.
///
/// # Errors
/// A length is negative or more than there are steps.
#[inline]
pub fn gru_lens<C: Cpu, G: Gates, W: OfInputs<C>, R: OfState<C> + Split>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    matrices: Matrices<'_, W, R>,
    sequences: Sequences<'_>,
    results: Results<'_>,
) -> Result<(), DataError> {
    check_lens(sequences.lens, p.steps)?;
    gru(cpu, p, gates, matrices, sequences, results);
    Ok(())
}

/// Computes the layer of sequences with lengths of their own, as `gru_after` does.
///
/// # Errors
/// A length is negative or more than there are steps.
#[inline]
pub fn gru_after_lens<C: Cpu, G: Gates, W: OfInputs<C>, R: OfState<C>>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    matrices: Matrices<'_, W, R>,
    sequences: Sequences<'_>,
    results: Results<'_>,
) -> Result<(), DataError> {
    check_lens(sequences.lens, p.steps)?;
    gru_after(cpu, p, gates, matrices, sequences, results);
    Ok(())
}

struct Before<G, R> {
    gates: G,
    /// Weights of z and r.
    of_gates: R,
    /// Weights of n.
    of_update: R,
}

impl<C: Cpu, G: Gates, R: OfState<C>> Cell<C> for Before<G, R> {
    const COLUMNS: usize = 3;
    const SUMS: usize = 3;

    #[inline(always)]
    fn begin(&mut self, _p: &Recurrent) {}

    #[inline(always)]
    fn step(&mut self, cpu: C, _batch: usize, h: &mut [f32], sums: &mut [f32], room: &mut [f32]) {
        let hidden = h.len();
        let Some((n, gated)) = sums.split_at_mut_checked(hidden) else { return };
        let Some(scaled) = room.get_mut(..hidden) else { return };
        self.of_gates.add(cpu, h, gated);
        cpu.run(Reset { gates: self.gates, gated: &mut *gated, h: &*h, scaled: &mut *scaled });
        self.of_update.add(cpu, scaled, n);
        cpu.run(Mix { gates: self.gates, z: gated.get(..hidden).unwrap_or(&[]), n, h });
    }
}

/// The gates, and the state times r.
struct Reset<'a, G> {
    gates: G,
    gated: &'a mut [f32],
    h: &'a [f32],
    scaled: &'a mut [f32],
}

impl<G: Gates> Kernel for Reset<'_, G> {
    type Output = ();
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        let Reset { gates, gated, h, scaled } = self;
        gates.gate(gated);
        let r = gated.get(h.len()..).unwrap_or(&[]);
        for ((scaled, r), h) in scaled.iter_mut().zip(r).zip(h) {
            *scaled = *r * *h;
        }
    }
}

/// `h = (1 - z) * n + z * h`, where n is the function of its sums.
struct Mix<'a, G> {
    gates: G,
    z: &'a [f32],
    n: &'a mut [f32],
    h: &'a mut [f32],
}

impl<G: Gates> Kernel for Mix<'_, G> {
    type Output = ();
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self, _isa: I) {
        let Mix { gates, z, n, h } = self;
        gates.update(n);
        for ((h, z), n) in h.iter_mut().zip(z).zip(&*n) {
            *h = (1.0 - *z) * *n + *z * *h;
        }
    }
}

struct After<'a, G, R> {
    gates: G,
    r: R,
    /// What the product of the state starts from.
    bias: &'a [f32],
}

impl<C: Cpu, G: Gates, R: OfState<C>> Cell<C> for After<'_, G, R> {
    const COLUMNS: usize = 3;
    const SUMS: usize = 4;

    #[inline(always)]
    fn begin(&mut self, _p: &Recurrent) {}

    #[inline(always)]
    fn step(&mut self, cpu: C, _batch: usize, h: &mut [f32], sums: &mut [f32], _room: &mut [f32]) {
        let hidden = h.len();
        let Some((n, rest)) = sums.split_at_mut_checked(hidden) else { return };
        copy(self.bias, rest.get_mut(2 * hidden..).unwrap_or(&mut []));
        self.r.add(cpu, h, rest);
        cpu.run(Finish { gates: self.gates, n, rest, h });
    }
}

/// What follows the sums of z, r and the product.
struct Finish<'a, G> {
    gates: G,
    n: &'a mut [f32],
    rest: &'a mut [f32],
    h: &'a mut [f32],
}

impl<G: Gates> Kernel for Finish<'_, G> {
    type Output = ();
    const ONCE: bool = true;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Finish { gates, n, rest, h } = self;
        let hidden = h.len();
        let Some((gated, product)) = rest.split_at_mut_checked(2 * hidden) else { return };
        gates.gate(gated);
        let Some((z, r)) = gated.split_at_checked(hidden) else { return };
        for ((n, r), product) in n.iter_mut().zip(r).zip(&*product) {
            *n += *r * *product;
        }
        Mix { gates, z, n, h }.run(isa);
    }
}
