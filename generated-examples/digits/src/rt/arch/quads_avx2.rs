// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of quads of bytes with AVX2: [`Isa::quads`](super::isa::Isa::quads).
#![cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use super::super::kernels::rows::each_row;
use super::dots::{PANEL, QUAD};
use super::quads::Step;
use super::taps::Quad;
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
    (x, flip): ([&[[u8; QUAD]]; R], u32),
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
                    let x = _mm256_set1_epi32(rows[ROW].add(k).read_unaligned() ^ flip as i32);
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
    (x, flip): ([&[[u8; QUAD]]; R], u32),
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
                let x = _mm_cvtsi32_si128(rows[ROW].add(k).read_unaligned() ^ flip as i32);
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

/// Sums of sixteen channels. Of products in pairs: channels 0 to 7, then the others; the rest is not used. Of wide ones:
/// four channels each, and of each the sum of the first two products and that of the last two.
pub type Lanes = [__m256i; QUAD];

/// Adds the products of four taps of sixteen channels.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub unsafe fn add_lanes(pairs: bool, mut sums: Lanes, x: Quad<'_>, flip: u32, w: &[i8; QUAD * PANEL]) -> Lanes {
    // SAFETY: the caller has AVX2; every tap has sixteen bytes and `w` sixty-four; no alignment is needed.
    unsafe {
        let [a, b, c, d] = x.map(|x| _mm_loadu_si128(x.as_ptr().cast()));
        let flip = _mm_set1_epi32(flip as i32);
        let (low, high) = (_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b));
        let (other_low, other_high) = (_mm_unpacklo_epi8(c, d), _mm_unpackhi_epi8(c, d));
        // The taps of four channels each.
        let quads = [
            _mm_unpacklo_epi16(low, other_low),
            _mm_unpackhi_epi16(low, other_low),
            _mm_unpacklo_epi16(high, other_high),
            _mm_unpackhi_epi16(high, other_high),
        ]
        .map(|x| _mm_xor_si128(x, flip));
        let w: *const __m128i = w.as_ptr().cast();
        if pairs {
            let ones = _mm256_set1_epi16(1);
            let [a, b, c, d] = quads;
            let eights = [_mm256_set_m128i(b, a), _mm256_set_m128i(d, c)].into_iter().enumerate();
            for (sum, (eight, x)) in sums.iter_mut().zip(eights) {
                let w = _mm256_loadu_si256(w.add(2 * eight).cast());
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), ones));
            }
        } else {
            for (sum, (four, x)) in sums.iter_mut().zip(quads.into_iter().enumerate()) {
                let (x, w) = (_mm256_cvtepu8_epi16(x), _mm256_cvtepi8_epi16(_mm_loadu_si128(w.add(four))));
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(x, w));
            }
        }
    }
    sums
}

/// The sums, channel 0 first.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub unsafe fn lane_sums(pairs: bool, [a, b, c, d]: Lanes) -> [i32; PANEL] {
    let mut sums = [0; PANEL];
    let to: *mut __m256i = sums.as_mut_ptr().cast();
    // SAFETY: the caller has AVX2; there is room for two vectors; no alignment is needed.
    unsafe {
        let joined = |a, b| _mm256_permute4x64_epi64::<0xd8>(_mm256_hadd_epi32(a, b));
        let [low, high] = if pairs { [a, b] } else { [joined(a, b), joined(c, d)] };
        _mm256_storeu_si256(to, low);
        _mm256_storeu_si256(to.add(1), high);
    }
    sums
}
