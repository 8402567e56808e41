// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of quads of bytes with AVX2: [`Isa::quads`](super::isa::Isa::quads).
#![cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use super::super::kernels::rows::each_row;
use super::dots::QUAD;
use super::quads::Step;
use core::arch::x86_64::*;

/// Rows and weights as pointers, with the steps that all of them have.
#[inline(always)]
fn steps<const R: usize, const H: usize>(x: [&[[u8; QUAD]]; R], w: &[Step<H>]) -> ([*const i32; R], usize) {
    let n = x.iter().fold(w.len(), |n, row| n.min(row.len()));
    (x.map(|row| row.as_ptr().cast()), n)
}

/// By `vpmaddubsw`, whose 16 bits hold all pairs of products.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub unsafe fn pairs<const R: usize, const H: usize>(
    x: [&[[u8; QUAD]]; R],
    w: &[Step<H>],
    mut sums: [[__m256i; H]; R],
) -> [[__m256i; H]; R] {
    let (rows, n) = steps(x, w);
    // SAFETY: the caller has AVX2; every row has `n` quads and `w` as many steps; no alignment is needed.
    unsafe {
        let ones = _mm256_set1_epi16(1);
        for (k, w) in w.iter().enumerate().take(n) {
            each_row!(H, HALF => {
                let w = _mm256_loadu_si256(w[HALF].as_ptr().cast());
                each_row!(R, ROW => {
                    let x = _mm256_set1_epi32(rows[ROW].add(k).read_unaligned());
                    let products = _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), ones);
                    sums[ROW][HALF] = _mm256_add_epi32(sums[ROW][HALF], products);
                });
            });
        }
    }
    sums
}

/// By `vpmaddwd` of widened bytes, which is exact whatever the weights.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub unsafe fn wide<const R: usize, const H: usize>(
    x: [&[[u8; QUAD]]; R],
    w: &[Step<H>],
    mut sums: [[__m256i; H]; R],
) -> [[__m256i; H]; R] {
    let (rows, n) = steps(x, w);
    // SAFETY: as above.
    unsafe {
        // Two sums for each column, of the first and of the last two products: of columns 0 to 3, and 4 to 7.
        let mut halves = [[[_mm256_setzero_si256(); 2]; H]; R];
        for (k, w) in w.iter().enumerate().take(n) {
            let mut wide = [_mm256_setzero_si256(); R];
            each_row!(R, ROW => {
                let x = _mm_cvtsi32_si128(rows[ROW].add(k).read_unaligned());
                wide[ROW] = _mm256_broadcastq_epi64(_mm_cvtepu8_epi16(x));
            });
            each_row!(H, HALF => {
                let w: *const __m128i = w[HALF].as_ptr().cast();
                let low = _mm256_cvtepi8_epi16(_mm_loadu_si128(w));
                each_row!(R, ROW => {
                    let products = _mm256_madd_epi16(wide[ROW], low);
                    halves[ROW][HALF][0] = _mm256_add_epi32(halves[ROW][HALF][0], products);
                });
                let high = _mm256_cvtepi8_epi16(_mm_loadu_si128(w.add(1)));
                each_row!(R, ROW => {
                    let products = _mm256_madd_epi16(wide[ROW], high);
                    halves[ROW][HALF][1] = _mm256_add_epi32(halves[ROW][HALF][1], products);
                });
            });
        }
        each_row!(R, ROW => {
            each_row!(H, HALF => {
                let [low, high] = halves[ROW][HALF];
                // Columns 0, 1, 4, 5, then 2, 3, 6, 7.
                let both = _mm256_permute4x64_epi64::<0xd8>(_mm256_hadd_epi32(low, high));
                sums[ROW][HALF] = _mm256_add_epi32(sums[ROW][HALF], both);
            });
        });
    }
    sums
}
