// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of instruction sets for products of floats: convolutions and matrix products.
//!
//! Invariant: as with [`Isa`], all methods give the same bits on every instruction set.
use super::super::terms::panels::Panels;
use super::super::terms::scores::Scores;
use super::super::terms::steps::{Steps, Windows};
use super::super::terms::tile::Tile;
use super::compact::Compact;
use super::isa::{Cpu, Inner, Isa, Numerics};
use super::portable::Portable;

/// An instruction set with loops for products of floats.
pub trait Floats: Isa + FloatCpu {
    /// Whether [`Floats::dispatch_floats`] finds vector instructions on most CPUs.
    const VECTORS: bool = false;

    /// Runs an inner loop on the best instruction set of the CPU. Only [`Compact`] chooses here; elsewhere the kernel
    /// already runs on the best one.
    #[inline(always)]
    fn dispatch_floats<K: FloatKernel>(self, kernel: K) {
        self.run_floats(kernel);
    }

    /// Rows of the register tile on this CPU: [`Isa::TILE_ROWS`], or more if [`Floats::is_wide`].
    #[inline(always)]
    fn tile_rows(self) -> usize {
        Self::TILE_ROWS
    }
    /// Whether [`Floats::products`] and [`Floats::windows`] have loops.
    #[inline(always)]
    fn is_wide(self) -> bool {
        false
    }
    /// Adds products to sums in memory. `shape` is half the rows (1 to 6) and the panels (1 or 2; for one row also 4 or
    /// 8). Each product is added by one [`Isa::mul_add`], in the order of the depth.
    ///
    /// # Safety
    /// [`Floats::is_wide`] is true; everything that `steps` points to may be read, and the sums written.
    #[inline(always)]
    unsafe fn products(self, _shape: [usize; 2], _steps: &mut Steps) {}
    /// Computes up to sixteen channels of `2 * half` pixels of a depthwise convolution; `half` is 1 to 6.
    ///
    /// # Safety
    /// [`Floats::is_wide`] is true; everything that `windows` points to may be read, and the results written.
    #[inline(always)]
    unsafe fn windows(self, _half: usize, _windows: &Windows) {}
    /// Computes a tile with a loop of the instruction set. Returns false if there is none.
    ///
    /// # Safety
    /// All inputs, weights and outputs of the tile lie inside their slices.
    #[inline(always)]
    unsafe fn tile(self, _quad: &mut Tile<'_>) -> bool {
        false
    }
    /// Computes a row with a loop of the instruction set. Returns false if there is none.
    ///
    /// # Safety
    /// There are as many weights as the row has products with all columns, and a bias has an element for each column.
    #[inline(always)]
    unsafe fn panels(self, _panels: &mut Panels<'_>) -> bool {
        false
    }
    /// Adds the products of a row and dense columns with a loop of the instruction set. Returns false if there is none.
    ///
    /// # Safety
    /// All columns lie inside.
    #[inline(always)]
    unsafe fn scores(self, _scores: &mut Scores<'_>) -> bool {
        false
    }
    /// Prefetches the cache line at `x`; any address will do.
    #[inline(always)]
    fn prefetch(self, _x: *const f32) {}
}

/// A computation written once for every instruction set with loops for products of floats.
pub trait FloatKernel {
    /// As [`Kernel::ONCE`](super::isa::Kernel::ONCE); inner loops reach their instruction set by
    /// [`Floats::dispatch_floats`].
    const ONCE: bool = false;

    /// Runs the computation. Implementations are `#[inline(always)]`.
    fn run<I: Floats>(self, isa: I);
}

/// A CPU that runs kernels over [`Floats`].
pub trait FloatCpu: Cpu {
    /// Runs `kernel` on the best instruction set that `self` stands for.
    fn run_floats<K: FloatKernel>(self, kernel: K);

    /// The same of a kernel of one call, which is worth no function of its own where there are no vectors to choose from.
    #[inline(always)]
    fn run_call<K: FloatKernel>(self, kernel: K) {
        self.run_floats(kernel);
    }
}

impl<N: Numerics> FloatCpu for Portable<N> {
    #[inline]
    fn run_floats<K: FloatKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> Floats for Portable<N> {}

impl<C: Inner + FloatCpu> FloatCpu for Compact<C> {
    // Not inlined: several kernels share their parts as functions.
    #[inline(never)]
    fn run_floats<K: FloatKernel>(self, kernel: K) {
        if K::ONCE { kernel.run(self) } else { self.inner().run_floats(kernel) }
    }

    #[inline(always)]
    fn run_call<K: FloatKernel>(self, kernel: K) {
        if C::VECTORS { self.run_floats(kernel) } else { kernel.run(self) }
    }
}

impl<C: Inner + FloatCpu> Floats for Compact<C> {
    const VECTORS: bool = C::VECTORS;

    #[inline(always)]
    fn dispatch_floats<K: FloatKernel>(self, kernel: K) {
        self.inner().run_floats(kernel);
    }
}
