// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of CPUs for sparse weights that become dense ones. The default methods are plain Rust; the loops of an instruction
//! set give the same weights.
use super::super::terms::sparse::{Value, Weights};
use super::compact::Compact;
use super::isa::{Cpu, Inner, Numerics};
use super::portable::Portable;

/// A CPU with loops that unpack weights.
pub trait UnpackCpu: Cpu {
    /// Writes the next weights; behind the last byte of the bitmap there are zeros.
    #[inline(always)]
    fn unpack<T: Value>(self, w: &mut Weights<'_, T>, to: &mut [T]) {
        w.unpack(to);
    }
}

impl<N: Numerics> UnpackCpu for Portable<N> {}

impl<C: Inner + UnpackCpu> UnpackCpu for Compact<C> {
    #[inline(always)]
    fn unpack<T: Value>(self, w: &mut Weights<'_, T>, to: &mut [T]) {
        self.inner().unpack(w, to);
    }
}
