// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! GRU layers. The columns of weights of inputs are those of the update n and the gates z and r; those of weights of the state are z,
//! r and n.
//!
//! `h' = (1 - z) * n + z * h`, where z and r are functions of their sums. Of n it is the sum of bias, input and `r * h` times their
//! weights; or `reset` after the product: the sum of bias and input plus r times a sum of its own, of another bias and the state.
use super::super::arch::floats::{FloatCpu, Floats};
use super::super::error::DataError;
use super::super::terms::recurrent::Recurrent;
use super::copy::copy;
use super::gates::Gates;
use super::recurrent::{Cell, Operands, Results, add_state, check_lens, layer};

/// Elements of working memory; where `r` scales the state before the product, the scaled state is among them.
pub const fn scratch(p: &Recurrent, reset_after: bool) -> usize {
    if reset_after { 4 * p.block * p.hidden } else { 3 * p.block * p.hidden + p.hidden }
}

/// Computes the layer, where `r` scales the state before the product. `operands.r` is the panels of z and r, then those of n;
/// `operands.lens` is empty.
#[inline]
pub fn gru<C: FloatCpu, G: Gates>(cpu: C, p: &Recurrent, gates: G, operands: Operands<'_>, results: Results<'_>) {
    debug_assert!(results.scratch.len() >= scratch(p, false));
    layer(cpu, p, Before { gates, r: operands.r }, operands, results);
}

/// Computes the layer, where `r` scales the product of the state. The last quarter of `operands.bias` is what that starts from;
/// `operands.lens` is empty.
#[inline]
pub fn gru_after<C: FloatCpu, G: Gates>(cpu: C, p: &Recurrent, gates: G, operands: Operands<'_>, results: Results<'_>) {
    debug_assert!(results.scratch.len() >= scratch(p, true));
    let bias = operands.bias.get(3 * p.hidden..).unwrap_or(&[]);
    layer(cpu, p, After { gates, r: operands.r, bias }, operands, results);
}

/// Computes the layer of sequences with lengths of their own, as `gru` does.
///
/// # Errors
/// A length is negative or more than there are steps.
#[inline]
pub fn gru_lens<C: FloatCpu, G: Gates>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    operands: Operands<'_>,
    results: Results<'_>,
) -> Result<(), DataError> {
    check_lens(operands.lens, p.steps)?;
    gru(cpu, p, gates, operands, results);
    Ok(())
}

/// Computes the layer of sequences with lengths of their own, as `gru_after` does.
///
/// # Errors
/// A length is negative or more than there are steps.
#[inline]
pub fn gru_after_lens<C: FloatCpu, G: Gates>(
    cpu: C,
    p: &Recurrent,
    gates: G,
    operands: Operands<'_>,
    results: Results<'_>,
) -> Result<(), DataError> {
    check_lens(operands.lens, p.steps)?;
    gru_after(cpu, p, gates, operands, results);
    Ok(())
}

struct Before<'a, G> {
    gates: G,
    r: &'a [f32],
}

impl<G: Gates> Cell for Before<'_, G> {
    const COLUMNS: usize = 3;
    const SUMS: usize = 3;

    #[inline(always)]
    fn begin(&mut self, _p: &Recurrent) {}

    #[inline(always)]
    fn step<I: Floats>(&mut self, isa: I, _batch: usize, h: &mut [f32], sums: &mut [f32], room: &mut [f32]) {
        let hidden = h.len();
        let Some((n, gated)) = sums.split_at_mut_checked(hidden) else { return };
        let Some((first, last)) = self.r.split_at_checked(2 * hidden * hidden) else { return };
        add_state(isa, h, first, gated);
        self.gates.gate(gated);
        let Some((z, r)) = gated.split_at_checked(hidden) else { return };
        let Some(scaled) = room.get_mut(..hidden) else { return };
        for ((scaled, r), h) in scaled.iter_mut().zip(r).zip(&*h) {
            *scaled = *r * *h;
        }
        add_state(isa, scaled, last, n);
        self.gates.update(n);
        mix(z, n, h);
    }
}

struct After<'a, G> {
    gates: G,
    r: &'a [f32],
    /// What the product of the state starts from.
    bias: &'a [f32],
}

impl<G: Gates> Cell for After<'_, G> {
    const COLUMNS: usize = 3;
    const SUMS: usize = 4;

    #[inline(always)]
    fn begin(&mut self, _p: &Recurrent) {}

    #[inline(always)]
    fn step<I: Floats>(&mut self, isa: I, _batch: usize, h: &mut [f32], sums: &mut [f32], _room: &mut [f32]) {
        let hidden = h.len();
        let Some((n, rest)) = sums.split_at_mut_checked(hidden) else { return };
        copy(self.bias, rest.get_mut(2 * hidden..).unwrap_or(&mut []));
        add_state(isa, h, self.r, rest);
        let Some((gated, product)) = rest.split_at_mut_checked(2 * hidden) else { return };
        self.gates.gate(gated);
        let Some((z, r)) = gated.split_at_checked(hidden) else { return };
        for ((n, r), product) in n.iter_mut().zip(r).zip(&*product) {
            *n += *r * *product;
        }
        self.gates.update(n);
        mix(z, n, h);
    }
}

/// `h = (1 - z) * n + z * h`.
#[inline(always)]
fn mix(z: &[f32], n: &[f32], h: &mut [f32]) {
    for ((h, z), n) in h.iter_mut().zip(z).zip(n) {
        *h = (1.0 - *z) * *n + *z * *h;
    }
}
