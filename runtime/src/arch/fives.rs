// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of instruction sets for products with weights of -1, 0 and 1, five to a byte.
//!
//! Invariant: as with [`Isa`], all methods give the same bits on every instruction set.
use super::super::terms::fives::{Parts, Table};
use super::compact::Compact;
use super::isa::{Cpu, Inner, Isa, Numerics};
use super::portable::Portable;

/// An instruction set with the loops of these products.
pub trait Fives: Isa + FivesCpu {
    /// Whether [`Fives::add_fives`] looks sums up in a table that it is given: that of five inputs is made once, and read for
    /// every column.
    #[inline(always)]
    fn has_table(self) -> bool {
        true
    }

    /// Adds to each sum what its byte names, by `table` where there is one.
    #[inline(always)]
    fn add_fives(self, parts: &Parts, table: Option<&mut Table>, bytes: &[u8], sums: &mut [f32]) {
        let columns = sums.iter_mut().zip(bytes);
        let Some(table) = table else {
            columns.for_each(|(sum, byte)| *sum += parts.sum(*byte));
            return;
        };
        parts.fill(table);
        columns.for_each(|(sum, byte)| *sum += table[usize::from(*byte)]);
    }
}

/// A computation written once for every instruction set with the loops of these products.
pub trait FivesKernel {
    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: Fives>(self, isa: I);
}

/// A CPU that runs kernels over [`Fives`].
pub trait FivesCpu: Cpu {
    /// Runs `kernel` on the best instruction set that `self` stands for.
    fn run_fives<K: FivesKernel>(self, kernel: K);
}

impl<N: Numerics> FivesCpu for Portable<N> {
    #[inline]
    fn run_fives<K: FivesKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> Fives for Portable<N> {}

impl<C: Inner + FivesCpu> FivesCpu for Compact<C> {
    #[inline]
    fn run_fives<K: FivesKernel>(self, kernel: K) {
        self.inner().run_fives(kernel);
    }
}
