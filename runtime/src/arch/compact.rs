// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The CPU for small code: kernels have one body in plain Rust, and their inner loops run on vector instructions.
use super::super::terms::sizes::LANES;
use super::forward::as_portable;
use super::isa::{Cpu, Inner, Isa, Kernel};
use super::portable::Portable;

/// Plain Rust whose inner loops run on the best instruction set of a CPU.
#[derive(Clone, Copy, Debug)]
pub struct Compact<C>(C);

impl<C: Inner> Compact<C> {
    /// The best instruction set of this CPU.
    pub fn detect() -> Self {
        Compact(C::detect())
    }

    /// Small code with the inner loops of a CPU.
    pub const fn new(cpu: C) -> Self {
        Compact(cpu)
    }

    /// The CPU that has the inner loops.
    #[inline(always)]
    pub const fn inner(self) -> C {
        self.0
    }
}

impl<C: Inner> Cpu for Compact<C> {
    // Not inlined: several kernels share their parts as functions.
    #[inline(never)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        if K::ONCE { kernel.run(self) } else { self.0.run(kernel) }
    }
}

// SAFETY: `V` is an array of eight `f32`.
unsafe impl<C: Inner> Isa for Compact<C> {
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 1;
    const COMPACT: bool = true;

    as_portable!(C::Numerics);
}
