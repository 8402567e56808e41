// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of 16-bit numbers with bytes on x86-64 with AVX2: `vpmaddwd` multiplies sixteen and adds them in pairs.
use super::super::super::terms::wide::{COLUMNS, QUADS};
use super::super::compact::Compact;
use super::super::isa::Numerics;
use super::super::words::{WideQuad, WideSums, Words, words};
use super::host::Host;
use core::arch::x86_64::*;

impl<N: Numerics, const MORE: bool> Words for Host<N, MORE> {
    #[inline(always)]
    fn add_words<const R: usize>(self, x: &[WideQuad<R>], w: &[[i8; QUADS]], sums: &mut WideSums<R>) {
        match self.avx2() {
            // SAFETY: the CPU has AVX2.
            Some(_) => unsafe { add(x, w, sums) },
            None => words(x, w, sums),
        }
    }
}

impl<N: Numerics, const MORE: bool> Words for Compact<Host<N, MORE>> {
    #[inline(always)]
    fn add_words<const R: usize>(self, x: &[WideQuad<R>], w: &[[i8; QUADS]], sums: &mut WideSums<R>) {
        self.inner().add_words(x, w, sums);
    }
}

/// Two sums for each column, of the first and the last two products of each quad: four columns in each vector.
#[target_feature(enable = "avx2")]
fn add<const R: usize>(x: &[WideQuad<R>], w: &[[i8; QUADS]], sums: &mut WideSums<R>) {
    let order = _mm_setr_epi8(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
    let mut pairs = [[_mm256_setzero_si256(); 2]; R];
    for (x, w) in x.iter().zip(w) {
        let [low, high] = [0, QUADS / 2].map(|at| {
            // SAFETY: sixteen bytes from there on are within the quads of a panel.
            let bytes = unsafe { _mm_loadu_si128(w.as_ptr().add(at).cast()) };
            _mm256_cvtepi8_epi16(_mm_shuffle_epi8(bytes, order))
        });
        for (x, pairs) in x.iter().zip(&mut pairs) {
            let x = _mm256_set1_epi64x(i64::from(x[1]) << 32 | i64::from(x[0]));
            pairs[0] = _mm256_add_epi32(pairs[0], _mm256_madd_epi16(x, low));
            pairs[1] = _mm256_add_epi32(pairs[1], _mm256_madd_epi16(x, high));
        }
    }
    for ([low, high], sums) in pairs.into_iter().zip(sums) {
        // Columns 0, 1, 4, 5, 2, 3, 6, 7, then in order.
        let mixed = _mm256_hadd_epi32(low, high);
        let ordered = _mm256_permute4x64_epi64::<0b11_01_10_00>(mixed);
        let mut more = [0; COLUMNS];
        // SAFETY: `more` is eight `i32`; no alignment is needed.
        unsafe { _mm256_storeu_si256(more.as_mut_ptr().cast(), ordered) };
        sums.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
    }
}
