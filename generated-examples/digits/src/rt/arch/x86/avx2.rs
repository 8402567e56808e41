// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! x86-64: AVX2 with FMA where the CPU and the system have them, plain Rust otherwise.
//!
//! Invariant: an [`Avx2`] exists only after CPUID and XGETBV have shown AVX2, FMA and saved YMM registers. Every
//! unsafe block here rests on that.
// Targets that compile without SSE (kernels, UEFI) have no vector registers to offer.
use super::super::super::terms::dots::Tile;
use super::super::super::terms::line::PLACES;
use super::super::super::terms::quads::{Rows, Step, Sums};
use super::super::super::terms::sizes::{LANES, PANEL, QUAD};
use super::super::super::terms::steps::{Steps, Windows};
use super::super::super::terms::taps::{Quad, Run};
use super::super::isa::{Cpu, Isa, Kernel, Numerics};
use super::avx2_quads as quads_avx2;
use super::avx512;
use super::avx512_windows as avx512_channels;
use super::found::{AVX512, VNNI};
use super::vnni;
use super::vnni_lanes as taps_vnni;
use core::arch::x86_64::*;
use core::marker::PhantomData;

/// AVX2 and FMA. A value is the proof that the CPU has them. Where there is `MORE`, loops of larger instruction sets are
/// used as well, as the CPU has them.
#[derive(Clone, Copy, Debug)]
pub struct Avx2<N, const MORE: bool = true> {
    /// [`AVX2`](super::found::AVX2) or more.
    pub(super) found: u8,
    pub(super) numerics: PhantomData<N>,
}

impl<N: Numerics, const MORE: bool> Cpu for Avx2<N, MORE> {
    #[inline]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn body<N: Numerics, const MORE: bool, K: Kernel>(isa: Avx2<N, MORE>, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { body(self, kernel) }
    }
}

/// Lane `i` is all ones where `i < n`.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn first_lanes(n: usize) -> __m256i {
    let n = if n < LANES { n as i32 } else { LANES as i32 };
    // SAFETY: the caller has AVX2; these touch no memory.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

// SAFETY: `V` is eight `f32` in one register.
unsafe impl<N: Numerics, const MORE: bool> Isa for Avx2<N, MORE> {
    type V = __m256;

    // Twelve sums, two weights and one input: fifteen of sixteen registers.
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    fn tile_rows(self) -> usize {
        if self.is_wide() { PLACES } else { Self::TILE_ROWS }
    }

    #[inline(always)]
    fn is_wide(self) -> bool {
        MORE && N::FUSED && self.found >= AVX512
    }

    #[inline(always)]
    unsafe fn windows(self, half: usize, windows: &Windows) {
        // SAFETY: the caller's promise; `wide` proves AVX-512F.
        unsafe { avx512_channels::windows(half, windows) };
    }

    #[inline(always)]
    unsafe fn products(self, [half, panels]: [usize; 2], steps: &mut Steps) {
        // SAFETY: the caller's promise; `wide` proves AVX-512F.
        unsafe { avx512::products(half, panels, steps) };
    }

    #[inline(always)]
    fn prefetch(self, x: *const f32) {
        // SAFETY: every CPU with AVX has SSE; an address that cannot be read is passed over.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(x.cast()) };
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Self::V {
        // SAFETY: `self` proves AVX; `x` is eight `f32`; no alignment is needed.
        unsafe { _mm256_loadu_ps(x.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: Self::V, y: &mut [f32; LANES]) {
        // SAFETY: `self` proves AVX; `y` is eight `f32`; no alignment is needed.
        unsafe { _mm256_storeu_ps(y.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn load_part(self, x: &[f32]) -> Self::V {
        // SAFETY: `self` proves AVX2; lanes outside `x` are masked and not read.
        unsafe { _mm256_maskload_ps(x.as_ptr(), first_lanes(x.len())) }
    }

    #[inline(always)]
    fn store_part(self, v: Self::V, y: &mut [f32]) {
        // SAFETY: `self` proves AVX2; lanes outside `y` are masked and not written.
        unsafe { _mm256_maskstore_ps(y.as_mut_ptr(), first_lanes(y.len()), v) }
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        // `vmaxps` gives its second operand for NaNs and for two zeros. The two orders differ there alone: their
        // conjunction is right for zeros, and NaNs are put in afterwards.
        // SAFETY: `self` proves AVX.
        unsafe {
            let both = _mm256_and_ps(_mm256_max_ps(a, b), _mm256_max_ps(b, a));
            _mm256_or_ps(both, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, b))
        }
    }

    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        // As for `max`. The disjunction is right for zeros, and keeps a NaN a NaN.
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_or_ps(_mm256_min_ps(a, b), _mm256_min_ps(b, a)) }
    }

    #[inline(always)]
    fn at_least(self, x: Self::V, lo: Self::V) -> Self::V {
        // `vmaxps` gives its second operand unless the first is larger.
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_max_ps(lo, x) }
    }

    #[inline(always)]
    fn at_most(self, x: Self::V, hi: Self::V) -> Self::V {
        // `vminps` gives its second operand unless the first is smaller.
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_min_ps(hi, x) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: `self` proves AVX and FMA.
        unsafe { if N::FUSED { _mm256_fmadd_ps(a, b, c) } else { _mm256_add_ps(_mm256_mul_ps(a, b), c) } }
    }

    #[inline(always)]
    fn mul_add1(self, a: f32, b: f32, c: f32) -> f32 {
        if N::FUSED {
            // SAFETY: `self` proves FMA.
            unsafe { _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c))) }
        } else {
            a * b + c
        }
    }

    #[inline(always)]
    fn leaky(self, x: Self::V, alpha: Self::V) -> Self::V {
        // SAFETY: `self` proves AVX.
        unsafe {
            let negative = _mm256_cmp_ps::<_CMP_LT_OQ>(x, _mm256_setzero_ps());
            _mm256_blendv_ps(x, _mm256_mul_ps(x, alpha), negative)
        }
    }

    #[inline(always)]
    fn transpose(self, [a, b, c, d, e, f, g, h]: [Self::V; LANES]) -> [Self::V; LANES] {
        // SAFETY: `self` proves AVX.
        unsafe {
            // Four rows and four lanes at once, in each half: pairs of rows are woven, then pairs of pairs.
            let quads = |[a, b, c, d]: [__m256; 4]| {
                let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (other_low, other_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                [
                    _mm256_shuffle_ps::<0x44>(low, other_low),
                    _mm256_shuffle_ps::<0xee>(low, other_low),
                    _mm256_shuffle_ps::<0x44>(high, other_high),
                    _mm256_shuffle_ps::<0xee>(high, other_high),
                ]
            };
            let ([a, b, c, d], [e, f, g, h]) = (quads([a, b, c, d]), quads([e, f, g, h]));
            [
                _mm256_permute2f128_ps::<0x20>(a, e),
                _mm256_permute2f128_ps::<0x20>(b, f),
                _mm256_permute2f128_ps::<0x20>(c, g),
                _mm256_permute2f128_ps::<0x20>(d, h),
                _mm256_permute2f128_ps::<0x31>(a, e),
                _mm256_permute2f128_ps::<0x31>(b, f),
                _mm256_permute2f128_ps::<0x31>(c, g),
                _mm256_permute2f128_ps::<0x31>(d, h),
            ]
        }
    }

    #[inline(always)]
    fn to_array(self, v: Self::V) -> [f32; LANES] {
        let mut y = [0.0; LANES];
        self.store(v, &mut y);
        y
    }

    type Lanes = quads_avx2::Lanes;

    #[inline(always)]
    fn no_lanes(self) -> Self::Lanes {
        // SAFETY: `self` proves AVX.
        let none = unsafe { _mm256_setzero_si256() };
        [none, none, none, none]
    }

    #[inline(always)]
    fn add_lanes(self, pairs: bool, sums: Self::Lanes, x: Quad<'_>, flip: u32, w: &[i8; QUAD * PANEL]) -> Self::Lanes {
        // SAFETY: `self` proves AVX2.
        unsafe { quads_avx2::add_lanes(pairs, sums, x, flip, w) }
    }

    #[inline(always)]
    fn lane_sums(self, pairs: bool, sums: Self::Lanes) -> [i32; PANEL] {
        // SAFETY: `self` proves AVX2.
        unsafe { quads_avx2::lane_sums(pairs, sums) }
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
            // The low bytes of each half as its first four, then those of both side by side.
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
        unsafe { if pairs { quads_avx2::pairs::<R, H>(x, w, sums) } else { quads_avx2::wide::<R, H>(x, w, sums) } }
    }

    #[inline(always)]
    fn has_dots(self) -> bool {
        MORE && self.found >= VNNI
    }

    #[inline(always)]
    unsafe fn dots(self, shape: [usize; 2], half: bool, tile: &mut Tile) {
        // SAFETY: the caller's promise; `has_dots` proves AVX-512 with VNNI.
        unsafe { vnni::dots(shape, half, tile) };
    }

    #[inline(always)]
    unsafe fn lanes(self, run: &mut Run) {
        // SAFETY: the caller's promise; `has_dots` proves AVX-512 with VNNI.
        unsafe { taps_vnni::lanes(run) };
    }
}
