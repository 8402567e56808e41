// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The interface of instruction sets for products of floats: convolutions and matrix products.
//!
//! Invariant: as with [`Isa`], all methods give the same bits on every instruction set.
use super::super::terms::panels::Panels;
use super::super::terms::steps::Steps;
use super::isa::{Cpu, Isa, Numerics};
use super::portable::Portable;

/// An instruction set with loops for products of floats.
pub trait Floats: Isa + FloatCpu {
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
    /// Computes a row with a loop of the instruction set. Returns false if there is none.
    ///
    /// # Safety
    /// There are as many weights as the row has products with all columns, and a bias has an element for each column.
    #[inline(always)]
    unsafe fn panels(self, _panels: &mut Panels<'_>) -> bool {
        false
    }
    /// Prefetches the cache line at `x`; any address will do.
    #[inline(always)]
    fn prefetch(self, _x: *const f32) {}
}

/// A computation written once for every instruction set with loops for products of floats.
pub trait FloatKernel {
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
