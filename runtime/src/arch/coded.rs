// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of instruction sets for products of one row with coded weights.
//!
//! Invariant: as with [`Isa`], all methods give the same bits on every instruction set.
use super::super::terms::coding::{Block, Coding, FOUR};
use super::super::terms::sizes::{LANES, PANEL};
use super::compact::Compact;
use super::isa::{Cpu, Inner, Isa, Numerics};
use super::portable::Portable;

/// An instruction set with the loops of these products.
pub trait CodedIsa: Isa + CodedCpu {
    /// Adds to the sums of a wide panel the products of a block's inputs and weights, in the order of depth, each by one
    /// [`Isa::mul_add`].
    #[inline(always)]
    fn add_wide<C: Coding>(self, x: &[f32], block: &Block<'_, C>, sums: &mut [f32; PANEL]) {
        wide(self, x, block, sums);
    }

    /// The same of a narrow panel, by [`Isa::mul_add1`].
    #[inline(always)]
    fn add_four<C: Coding>(self, x: &[f32], block: &Block<'_, C>, sums: &mut [f32; FOUR]) {
        four(self, x, block, sums);
    }
}

/// [`CodedIsa::add_wide`] on vectors.
#[inline(always)]
pub fn wide<C: Coding, I: Isa>(isa: I, x: &[f32], block: &Block<'_, C>, sums: &mut [f32; PANEL]) {
    let ([low, high], _) = sums.as_chunks_mut::<LANES>() else { return };
    let (mut first, mut second) = (isa.load(low), isa.load(high));
    let [scales, zeros] = [block.scales::<PANEL>(), block.zeros::<PANEL>()];
    let [[s0, s1], [z0, z1]] = [scales, zeros].map(|all| halves(isa, &all));
    let mut left = x;
    for units in block.units.as_chunks::<PANEL>().0 {
        let (x, rest) = left.split_at_checked(C::CODES).unwrap_or((left, &[]));
        left = rest;
        for (at, x) in x.iter().enumerate() {
            let [a, b] = halves(isa, &C::floats(*units, at));
            let weights = if C::SCALED { [isa.mul(isa.sub(a, z0), s0), isa.mul(isa.sub(b, z1), s1)] } else { [a, b] };
            let x = isa.splat(*x);
            first = isa.mul_add(x, weights[0], first);
            second = isa.mul_add(x, weights[1], second);
        }
    }
    isa.store(first, low);
    isa.store(second, high);
}

/// The two vectors of a wide panel.
#[inline(always)]
fn halves<I: Isa>(isa: I, x: &[f32; PANEL]) -> [I::V; 2] {
    match x.as_chunks::<LANES>().0 {
        [low, high] => [isa.load(low), isa.load(high)],
        _ => [isa.splat(0.0); 2],
    }
}

/// [`CodedIsa::add_four`] in plain Rust.
#[inline(always)]
pub fn four<C: Coding, I: Isa>(isa: I, x: &[f32], block: &Block<'_, C>, sums: &mut [f32; FOUR]) {
    let mut left = x;
    for units in block.units.as_chunks::<FOUR>().0 {
        let (x, rest) = left.split_at_checked(C::CODES).unwrap_or((left, &[]));
        left = rest;
        for (at, x) in x.iter().enumerate() {
            let weights = block.numbers(C::fours(*units, at));
            sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum = isa.mul_add1(*x, w, *sum));
        }
    }
}

/// A computation written once for every instruction set with the loops of these products.
pub trait CodedKernel {
    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: CodedIsa>(self, isa: I);
}

/// A CPU that runs kernels over [`CodedIsa`].
pub trait CodedCpu: Cpu {
    /// Runs `kernel` on the best instruction set that `self` stands for.
    fn run_coded<K: CodedKernel>(self, kernel: K);
}

impl<N: Numerics> CodedCpu for Portable<N> {
    #[inline]
    fn run_coded<K: CodedKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> CodedIsa for Portable<N> {}

impl<C: Inner + CodedCpu> CodedCpu for Compact<C> {
    #[inline]
    fn run_coded<K: CodedKernel>(self, kernel: K) {
        self.inner().run_coded(kernel);
    }
}
