// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of floats on x86-64: vectors of AVX2, and loops for AVX-512 where the CPU has it.
use super::super::super::terms::line::PLACES;
use super::super::super::terms::steps::Steps;
use super::super::floats::{FloatCpu, FloatKernel, Floats};
use super::super::isa::{Isa, Numerics};
use super::super::portable::Portable;
use super::avx2::Avx2;
use super::avx512;
use super::found::AVX512;
use super::host::Host;
use core::arch::x86_64::*;

impl<N: Numerics, const MORE: bool> FloatCpu for Avx2<N, MORE> {
    #[inline]
    fn run_floats<K: FloatKernel>(self, kernel: K) {
        #[target_feature(enable = "avx2,fma")]
        fn body<N: Numerics, const MORE: bool, K: FloatKernel>(isa: Avx2<N, MORE>, kernel: K) {
            kernel.run(isa);
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { body(self, kernel) }
    }
}

impl<N: Numerics, const MORE: bool> FloatCpu for Host<N, MORE> {
    #[inline]
    fn run_floats<K: FloatKernel>(self, kernel: K) {
        match self.avx2() {
            Some(avx2) => avx2.run_floats(kernel),
            None => Portable::<N>::portable().run_floats(kernel),
        }
    }
}

impl<N: Numerics, const MORE: bool> Floats for Avx2<N, MORE> {
    #[inline(always)]
    fn tile_rows(self) -> usize {
        if self.is_wide() { PLACES } else { Self::TILE_ROWS }
    }

    #[inline(always)]
    fn is_wide(self) -> bool {
        MORE && N::FUSED && self.found >= AVX512
    }

    #[inline(always)]
    unsafe fn products(self, [half, panels]: [usize; 2], steps: &mut Steps) {
        // SAFETY: the caller's promise; `is_wide` proves AVX-512F.
        unsafe { avx512::products(half, panels, steps) };
    }

    #[inline(always)]
    fn prefetch(self, x: *const f32) {
        // SAFETY: every CPU with AVX has SSE, and prefetching an invalid address does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(x.cast()) };
    }
}
