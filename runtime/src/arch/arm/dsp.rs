// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Armv7E-M and Armv8-M with DSP instructions and an FPU: vectors are those of plain Rust, tiles have loops of their own.
use super::super::super::terms::quad::Quad as Tile;
use super::super::super::terms::quads::{Rows, Step, Sums};
use super::super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::super::terms::taps::Quad;
use super::super::forward::as_portable;
use super::super::isa::{Cpu, Inner, Isa, Kernel, Numerics};
use super::super::portable::Portable;
use super::tiles;
use core::marker::PhantomData;

/// A CPU with these instructions, for which the code was compiled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dsp<N>(PhantomData<N>);

impl<N: Numerics> Inner for Dsp<N> {
    type Numerics = N;

    fn detect() -> Self {
        Dsp(PhantomData)
    }

    #[inline]
    fn run_inner<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}

impl<N: Numerics> Cpu for Dsp<N> {
    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}

// SAFETY: `V` is an array of eight `f32`.
unsafe impl<N: Numerics> Isa for Dsp<N> {
    const TILE_ROWS: usize = Portable::<N>::TILE_ROWS;
    const TILE_VECTORS: usize = Portable::<N>::TILE_VECTORS;

    #[inline(always)]
    unsafe fn tile(self, quad: &mut Tile<'_>) -> bool {
        // The products of the loops are fused.
        if N::FUSED {
            tiles::tile(quad);
        }
        N::FUSED
    }

    as_portable!(N);
}
