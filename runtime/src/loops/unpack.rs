// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sparse weights become dense ones, some columns at a time.
use super::super::arch::unpack::UnpackCpu;
use super::super::terms::sparse::{Sparse, Value, Weights};

/// The smaller number.
#[inline(always)]
pub const fn least(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

/// The columns of a product, some at a time.
#[derive(Debug)]
pub struct Parts<'a, T> {
    w: Weights<'a, T>,
    /// The columns of a part, and those that are left.
    columns: usize,
    left: usize,
    first: usize,
}

impl<'a, T: Value> Parts<'a, T> {
    /// All of them.
    #[inline(always)]
    pub fn new(w: Weights<'a, T>, s: &Sparse, columns: usize) -> Self {
        Parts { w, columns: s.columns, left: columns, first: 0 }
    }

    /// Unpacks the weights of the next columns, which fill `room` unless they are the last. Gives the first one, and how many.
    #[inline(always)]
    pub fn next<C: UnpackCpu>(&mut self, cpu: C, room: &mut [T]) -> Option<(usize, usize)> {
        let (first, columns) = (self.first, least(self.columns, self.left));
        if columns == 0 {
            return None;
        }
        cpu.unpack(&mut self.w, room);
        self.first += columns;
        self.left -= columns;
        Some((first, columns))
    }
}
