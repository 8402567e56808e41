// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! x86-64 with AVX2 and FMA.
//!
//! Invariant: an [`Avx2`] exists only after CPUID and XGETBV have shown AVX2, FMA and saved YMM registers. Every unsafe
//! block here relies on that.
// Targets that are compiled without SSE (kernels, UEFI) have no vector registers.
use super::super::super::terms::sizes::LANES;
use super::super::isa::{Cpu, Isa, Kernel, Numerics};
use core::arch::x86_64::*;
use core::marker::PhantomData;

/// AVX2 and FMA. A value proves that the CPU has them. With `MORE`, loops for AVX-512 are used too, if the CPU has it.
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

/// A mask of the first `n` lanes: all ones in lane `i` if `i < n`.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn first_lanes(n: usize) -> __m256i {
    let n = if n < LANES { n as i32 } else { LANES as i32 };
    // SAFETY: the CPU has AVX2, by the caller's promise; no memory is touched.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

// SAFETY: `V` is eight `f32` in one register.
unsafe impl<N: Numerics, const MORE: bool> Isa for Avx2<N, MORE> {
    type V = __m256;

    // Twelve sums, two vectors of weights and one input take fifteen of sixteen registers.
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 2;

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
        // `vmaxps` returns its second operand for NaNs and for two zeros. Only there does the order of operands matter:
        // the `and` of both orders is right for zeros, and NaNs are put in afterwards.
        // SAFETY: `self` proves AVX.
        unsafe {
            let both = _mm256_and_ps(_mm256_max_ps(a, b), _mm256_max_ps(b, a));
            _mm256_or_ps(both, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, b))
        }
    }

    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        // As in `max`. The `or` of both orders is right for zeros, and keeps NaN.
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_or_ps(_mm256_min_ps(a, b), _mm256_min_ps(b, a)) }
    }

    #[inline(always)]
    fn at_least(self, x: Self::V, lo: Self::V) -> Self::V {
        // `vmaxps` returns its second operand unless the first is larger.
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_max_ps(lo, x) }
    }

    #[inline(always)]
    fn at_most(self, x: Self::V, hi: Self::V) -> Self::V {
        // `vminps` returns its second operand unless the first is smaller.
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
    fn to_array(self, v: Self::V) -> [f32; LANES] {
        let mut y = [0.0; LANES];
        self.store(v, &mut y);
        y
    }
}
