// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of bytes on x86-64: vectors of AVX2, and loops for AVX-512 VNNI where the CPU has it.
use super::super::super::terms::dots;
use super::super::super::terms::quads::{Rows, Step, Sums};
use super::super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::super::terms::taps::{self, FourTaps};
use super::super::bytes::{ByteCpu, ByteKernel, Bytes};
use super::super::isa::Numerics;
use super::super::portable::Portable;
use super::avx2::Avx2;
use super::avx2_quads;
use super::found::VNNI;
use super::host::Host;
use super::vnni;
use super::vnni_lanes;
use core::arch::x86_64::*;

impl<N: Numerics, const MORE: bool> ByteCpu for Avx2<N, MORE> {
    #[inline]
    fn run_bytes<K: ByteKernel>(self, kernel: K) {
        #[target_feature(enable = "avx2,fma")]
        fn body<N: Numerics, const MORE: bool, K: ByteKernel>(isa: Avx2<N, MORE>, kernel: K) {
            kernel.run(isa);
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { body(self, kernel) }
    }
}

impl<N: Numerics, const MORE: bool> ByteCpu for Host<N, MORE> {
    #[inline]
    fn run_bytes<K: ByteKernel>(self, kernel: K) {
        match self.avx2() {
            Some(avx2) => avx2.run_bytes(kernel),
            None => Portable::<N>::portable().run_bytes(kernel),
        }
    }
}

impl<N: Numerics, const MORE: bool> Bytes for Avx2<N, MORE> {
    type Lanes = avx2_quads::Lanes;

    #[inline(always)]
    fn no_lanes(self) -> Self::Lanes {
        // SAFETY: `self` proves AVX.
        let none = unsafe { _mm256_setzero_si256() };
        [none, none, none, none]
    }

    #[inline(always)]
    fn add_lanes(
        self,
        pairs: bool,
        sums: Self::Lanes,
        x: FourTaps<'_>,
        flip: u32,
        w: &[i8; QUAD * PANEL],
    ) -> Self::Lanes {
        // SAFETY: `self` proves AVX2.
        unsafe { avx2_quads::add_lanes(pairs, sums, x, flip, w) }
    }

    #[inline(always)]
    fn lane_sums(self, pairs: bool, sums: Self::Lanes) -> [i32; PANEL] {
        // SAFETY: `self` proves AVX2.
        unsafe { avx2_quads::lane_sums(pairs, sums) }
    }

    #[inline(always)]
    fn number_bytes(self, x: &[u8; LANES], flip: u8) -> Self::V {
        // SAFETY: `self` proves AVX2; `x` is eight bytes.
        unsafe {
            let x = _mm_xor_si128(_mm_loadl_epi64(x.as_ptr().cast()), _mm_set1_epi8(flip as i8));
            _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(x))
        }
    }

    #[inline(always)]
    fn low_bytes(self, v: Self::V, offset: i32) -> [u8; LANES] {
        let mut bytes = [0; LANES];
        // SAFETY: `self` proves AVX2; `bytes` is eight bytes.
        unsafe {
            let v = _mm256_sub_epi32(_mm256_castps_si256(v), _mm256_set1_epi32(offset));
            // Packs the low bytes of each 128-bit half into four bytes, then joins both halves.
            let v = _mm256_shuffle_epi8(v, _mm256_set1_epi32(0x0c08_0400));
            let both = _mm_unpacklo_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm_storel_epi64(bytes.as_mut_ptr().cast(), both);
        }
        bytes
    }

    #[inline(always)]
    fn to_float(self, sums: &[i32; LANES]) -> Self::V {
        // SAFETY: `self` proves AVX; `sums` is eight `i32`; no alignment is needed.
        unsafe { _mm256_cvtepi32_ps(_mm256_loadu_si256(sums.as_ptr().cast())) }
    }

    type Sums = __m256i;

    #[inline(always)]
    fn sums(self, x: &[i32; LANES]) -> Self::Sums {
        // SAFETY: `self` proves AVX; `x` is eight `i32`; no alignment is needed.
        unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
    }

    #[inline(always)]
    fn to_ints(self, sums: Self::Sums) -> [i32; LANES] {
        let mut y = [0; LANES];
        // SAFETY: `self` proves AVX; `y` is eight `i32`; no alignment is needed.
        unsafe { _mm256_storeu_si256(y.as_mut_ptr().cast(), sums) };
        y
    }

    #[inline(always)]
    fn add_sums(self, a: Self::Sums, b: Self::Sums) -> Self::Sums {
        // SAFETY: `self` proves AVX2.
        unsafe { _mm256_add_epi32(a, b) }
    }

    #[inline(always)]
    fn quads<const R: usize, const H: usize>(
        self,
        pairs: bool,
        x: (Rows<'_>, u32),
        w: &[Step<H>],
        sums: Sums<Self::Sums>,
    ) -> Sums<Self::Sums> {
        // SAFETY: `self` proves AVX2.
        unsafe { if pairs { avx2_quads::pairs::<R, H>(x, w, sums) } else { avx2_quads::wide::<R, H>(x, w, sums) } }
    }

    #[inline(always)]
    fn has_dots(self) -> bool {
        MORE && self.found >= VNNI
    }

    #[inline(always)]
    unsafe fn dots(self, shape: [usize; 2], half: bool, tile: &mut dots::Task) {
        // SAFETY: the caller's promise; `has_dots` proves AVX-512 with VNNI.
        unsafe { vnni::dots(shape, half, tile) };
    }

    #[inline(always)]
    unsafe fn lanes(self, run: &mut taps::Task) {
        // SAFETY: the caller's promise; `has_dots` proves AVX-512 with VNNI.
        unsafe { vnni_lanes::lanes(run) };
    }
}
