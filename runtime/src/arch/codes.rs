// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of instruction sets for products of bytes with weights of two bits.
//!
//! Invariant: as with [`Isa`], all methods give the same bits on every instruction set.
use super::super::terms::codes::{BLOCK, BLOCK_BYTES, MASK, SHIFTS};
use super::super::terms::sizes::{PANEL, QUAD};
use super::compact::Compact;
use super::isa::{Cpu, Inner, Isa, Numerics};
use super::portable::Portable;

/// Rows that are computed at once.
pub const ROWS: usize = 8;

/// An instruction set with the loops of these products.
pub trait Codes: Isa + CodesCpu {
    /// The sums of the products of inputs and codes of a panel, for the first `rows` of `R` rows, one or [`ROWS`]; the others may be
    /// anything. `x` is `[blocks][R][BLOCK]`, with as many blocks as `w` has.
    #[inline(always)]
    fn dots<const R: usize>(self, x: &[i8], rows: usize, w: &[u8]) -> [[i32; PANEL]; R] {
        let mut sums = [[0; PANEL]; R];
        let mut left = x.as_chunks::<BLOCK>().0;
        for w in w.as_chunks::<BLOCK_BYTES>().0 {
            let Some((x, rest)) = left.split_first_chunk::<R>() else { break };
            left = rest;
            for (x, sums) in x.iter().zip(&mut sums).take(rows) {
                for (shift, quad) in SHIFTS.into_iter().zip(x.as_chunks::<QUAD>().0) {
                    for (sum, w) in sums.iter_mut().zip(w.as_chunks::<QUAD>().0) {
                        let products = quad.iter().zip(w).map(|(x, w)| i32::from(*x) * i32::from((w >> shift) & MASK));
                        *sum = products.fold(*sum, i32::wrapping_add);
                    }
                }
            }
        }
        sums
    }
}

/// A computation written once for every instruction set with the loops of these products.
pub trait CodesKernel {
    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: Codes>(self, isa: I);
}

/// A CPU that runs kernels over [`Codes`].
pub trait CodesCpu: Cpu {
    /// Runs `kernel` on the best instruction set that `self` stands for.
    fn run_codes<K: CodesKernel>(self, kernel: K);
}

impl<N: Numerics> CodesCpu for Portable<N> {
    #[inline]
    fn run_codes<K: CodesKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> Codes for Portable<N> {}

impl<C: Inner + CodesCpu> CodesCpu for Compact<C> {
    #[inline]
    fn run_codes<K: CodesKernel>(self, kernel: K) {
        self.inner().run_codes(kernel);
    }
}
