// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! What products of floats ask of an instruction set: convolutions and matrix products.
//!
//! Invariant: as for [`Isa`], all methods give the same bits everywhere.
use super::super::terms::steps::{Steps, Windows};
use super::super::terms::tile::Tile;
use super::compact::Compact;
use super::isa::{Cpu, Inner, Isa, Numerics};
use super::portable::Portable;

/// An instruction set with its loops for products of floats.
pub trait Floats: Isa + FloatCpu {
    /// Whether inner loops that [`Floats::dispatch_floats`] finds have vectors on most CPUs.
    const VECTORS: bool = false;

    /// Runs an inner loop on the best instruction set of the CPU; the same as [`FloatCpu::run_floats`] where kernels have
    /// found that already.
    #[inline(always)]
    fn dispatch_floats<K: FloatKernel>(self, kernel: K) {
        self.run_floats(kernel);
    }

    /// Rows of the register tile as this CPU has them: [`Isa::TILE_ROWS`], or more where [`Floats::is_wide`].
    #[inline(always)]
    fn tile_rows(self) -> usize {
        Self::TILE_ROWS
    }
    /// Whether [`Floats::products`] and [`Floats::windows`] have loops.
    #[inline(always)]
    fn is_wide(self) -> bool {
        false
    }
    /// Adds the products of two halves of so many rows, 1 to 6, with so many panels, one or two, to sums in memory, each by
    /// one [`Isa::mul_add`], in the order of the depth.
    ///
    /// # Safety
    /// [`Floats::is_wide`]; all elements that `steps` speaks of may be read, and the sums written.
    #[inline(always)]
    unsafe fn products(self, _shape: [usize; 2], _steps: &mut Steps) {}
    /// Computes up to sixteen channels of two halves of so many pixels, 1 to 6, of a depthwise convolution.
    ///
    /// # Safety
    /// [`Floats::is_wide`]; all elements that `windows` speaks of may be read, and the results written.
    #[inline(always)]
    unsafe fn windows(self, _half: usize, _windows: &Windows) {}
    /// Computes a tile of pixels and columns by a loop of its own; false where there is none.
    ///
    /// # Safety
    /// All that the tile speaks of lies inside.
    #[inline(always)]
    unsafe fn tile(self, _quad: &mut Tile<'_>) -> bool {
        false
    }
    /// Asks for the cache line at `x`, which need not exist, to be brought near.
    #[inline(always)]
    fn prefetch(self, _x: *const f32) {}
}

/// A computation written once for every instruction set with loops for products of floats.
pub trait FloatKernel {
    /// As [`Kernel::ONCE`](super::isa::Kernel::ONCE); inner loops find their instruction set by [`Floats::dispatch_floats`].
    const ONCE: bool = false;

    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: Floats>(self, isa: I);
}

/// A CPU with such an instruction set.
pub trait FloatCpu: Cpu {
    /// Runs `kernel` on the best instruction set that `self` stands for.
    fn run_floats<K: FloatKernel>(self, kernel: K);
}

impl<N: Numerics> FloatCpu for Portable<N> {
    #[inline]
    fn run_floats<K: FloatKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> Floats for Portable<N> {}

impl<C: Inner + FloatCpu> FloatCpu for Compact<C> {
    // Parts of kernels are functions, which several kernels share.
    #[inline(never)]
    fn run_floats<K: FloatKernel>(self, kernel: K) {
        if K::ONCE { kernel.run(self) } else { self.inner().run_floats(kernel) }
    }
}

impl<C: Inner + FloatCpu> Floats for Compact<C> {
    const VECTORS: bool = C::VECTORS;

    #[inline(always)]
    fn dispatch_floats<K: FloatKernel>(self, kernel: K) {
        self.inner().run_floats(kernel);
    }
}
