// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of instruction sets for products with weights of -1, 0 and 1, five to a byte.
//!
//! Invariant: as with [`Isa`], all methods give the same bits on every instruction set.
use super::super::terms::fives::{FIVE, Parts, Table, WordTable, entry, group, groups};
use super::super::terms::ternary::TABLES;
use super::compact::Compact;
use super::isa::{Cpu, Inner, Isa, Numerics};
use super::portable::Portable;

/// An instruction set with the loops of these products.
pub trait Fives: Isa + FivesCpu {
    /// Adds to each sum what its byte names of five inputs, by `table` where there is one.
    #[inline(always)]
    fn add_fives(self, x: [f32; FIVE], table: Option<&mut Table>, bytes: &[u8], sums: &mut [f32]) {
        let (parts, columns) = (Parts::new(x), sums.iter_mut().zip(bytes));
        let Some(table) = table else {
            columns.for_each(|(sum, byte)| *sum += parts.sum(*byte));
            return;
        };
        parts.fill(table);
        columns.for_each(|(sum, byte)| *sum += table[usize::from(*byte)]);
    }

    /// Whether [`Fives::add_fives_rows`] is faster than row after row.
    #[inline(always)]
    fn has_rows(self) -> bool {
        false
    }

    /// [`Fives::add_fives`] for some rows, whose sums begin `pitch` apart.
    #[inline(always)]
    fn add_fives_rows(self, x: [[f32; FIVE]; ROWS], bytes: &[u8], sums: &mut [f32], pitch: usize) {
        for (row, x) in x.into_iter().enumerate() {
            self.add_fives(x, None, bytes, sums.get_mut(row * pitch..).unwrap_or(&mut []));
        }
    }

    /// Adds to each sum what its bytes name, of all groups of a row of inputs, by tables where there are some. `w` is
    /// `[groups][columns]`.
    #[inline(always)]
    fn add_byte_fives(self, x: &[i8], w: &[u8], mut tables: Option<&mut [WordTable; TABLES]>, sums: &mut [i32]) {
        let mut w = w;
        for at in 0..groups(x.len()) {
            let Some((bytes, rest)) = w.split_at_checked(sums.len()) else { return };
            w = rest;
            let parts = Parts::new(group(x, at).map(i16::from));
            let columns = sums.iter_mut().zip(bytes);
            match tables.as_deref_mut() {
                Some([table, ..]) => {
                    parts.fill(table);
                    columns.for_each(|(sum, byte)| *sum = sum.wrapping_add(entry(table, *byte)));
                }
                None => columns.for_each(|(sum, byte)| *sum = sum.wrapping_add(i32::from(parts.sum(*byte)))),
            }
        }
    }
}

/// Rows that are computed at once.
pub const ROWS: usize = 4;

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
