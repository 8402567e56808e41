// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Armv7E-M and Armv8-M with DSP instructions and an FPU. Vectors are arrays in plain Rust.
use super::super::super::terms::sizes::LANES;
use super::super::forward::as_portable;
use super::super::isa::{Cpu, Inner, Isa, Kernel, Numerics};
use super::super::portable::Portable;
use core::marker::PhantomData;

/// A CPU that has these instructions for certain: the code is compiled for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dsp<N>(PhantomData<N>);

impl<N: Numerics> Inner for Dsp<N> {
    type Numerics = N;

    fn detect() -> Self {
        Dsp(PhantomData)
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

    as_portable!(N);
}
