// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of quads of bytes with AVX2: [`Bytes::quads`](super::super::bytes::Bytes::quads).
use super::super::super::terms::each_quad_row::each_quad_row;
use super::super::super::terms::quads::{MOST, Rows, Step, Sums, alike};
use super::super::super::terms::sizes::{PANEL, QUAD};
use super::super::super::terms::taps::FourTaps;
use core::arch::x86_64::*;

/// Runs the body for each of `$halves` vectors, 1 or 2.
macro_rules! each_half {
    ($halves:expr, $i:ident => $body:block) => {{
        {
            const $i: usize = 0;
            $body
        }
        if $halves > 1 {
            const $i: usize = 1;
            $body
        }
    }};
}

/// The number of steps: the smallest that the rows and the weights have.
#[inline(always)]
fn steps<const R: usize, const H: usize>(x: &Rows<'_>, w: &[Step<H>]) -> usize {
    let mut n = w.len();
    each_quad_row!(R, ROW => { n = if x[ROW].len() < n { x[ROW].len() } else { n }; });
    n
}

/// Pointers to the first quad of each row.
#[inline(always)]
fn first(x: &Rows<'_>) -> [*const i32; MOST] {
    [x[0].as_ptr().cast(), x[1].as_ptr().cast(), x[2].as_ptr().cast()]
}

/// By `vpmaddubsw`, whose 16-bit lanes hold every sum of two products without saturation.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub unsafe fn pairs<const R: usize, const H: usize>(
    (x, flip): (Rows<'_>, u32),
    w: &[Step<H>],
    mut sums: Sums<__m256i>,
) -> Sums<__m256i> {
    let (rows, n) = (first(&x), steps::<R, H>(&x, w));
    let mut w: *const [__m256i; H] = w.as_ptr().cast();
    // SAFETY: the CPU has AVX2, by the caller's promise; every row has `n` quads and `w` has `n` steps; no alignment is
    // needed.
    unsafe {
        let (ones, flip) = (_mm256_set1_epi16(1), _mm256_set1_epi32(flip as i32));
        let mut k = 0;
        while k < n {
            each_half!(H, HALF => {
                let w = _mm256_loadu_si256(w.cast::<__m256i>().add(HALF));
                each_quad_row!(R, ROW => {
                    let x = _mm256_xor_si256(_mm256_set1_epi32(rows[ROW].add(k).read_unaligned()), flip);
                    let products = _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), ones);
                    sums[ROW][HALF] = _mm256_add_epi32(sums[ROW][HALF], products);
                });
            });
            w = w.add(1);
            k += 1;
        }
    }
    sums
}

/// By `vpmaddwd` on widened bytes, which is exact for all weights.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub unsafe fn wide<const R: usize, const H: usize>(
    (x, flip): (Rows<'_>, u32),
    w: &[Step<H>],
    mut sums: Sums<__m256i>,
) -> Sums<__m256i> {
    let (rows, n) = (first(&x), steps::<R, H>(&x, w));
    let mut w: *const [__m256i; H] = w.as_ptr().cast();
    // SAFETY: as above.
    unsafe {
        // Each column has two sums, of its first and of its last two products: columns 0 to 3, then 4 to 7.
        let none = [_mm256_setzero_si256(), _mm256_setzero_si256()];
        let mut halves = [alike(none), alike(none)];
        let mut k = 0;
        while k < n {
            let mut wide = [none[0], none[0], none[0]];
            each_quad_row!(R, ROW => {
                let x = _mm_cvtsi32_si128(rows[ROW].add(k).read_unaligned() ^ flip as i32);
                wide[ROW] = _mm256_broadcastq_epi64(_mm_cvtepu8_epi16(x));
            });
            each_half!(H, HALF => {
                let w = w.cast::<__m128i>().add(2 * HALF);
                let low = _mm256_cvtepi8_epi16(_mm_loadu_si128(w));
                each_quad_row!(R, ROW => {
                    let products = _mm256_madd_epi16(wide[ROW], low);
                    halves[HALF][ROW][0] = _mm256_add_epi32(halves[HALF][ROW][0], products);
                });
                let high = _mm256_cvtepi8_epi16(_mm_loadu_si128(w.add(1)));
                each_quad_row!(R, ROW => {
                    let products = _mm256_madd_epi16(wide[ROW], high);
                    halves[HALF][ROW][1] = _mm256_add_epi32(halves[HALF][ROW][1], products);
                });
            });
            w = w.add(1);
            k += 1;
        }
        each_quad_row!(R, ROW => {
            each_half!(H, HALF => {
                let [low, high] = halves[HALF][ROW];
                // `low` and `high` hold columns 0, 1, 4, 5 and 2, 3, 6, 7.
                let both = joined(low, high);
                sums[ROW][HALF] = _mm256_add_epi32(sums[ROW][HALF], both);
            });
        });
    }
    sums
}

/// The sums of sixteen channels. With `pairs`: channels 0 to 7, then 8 to 15; the rest is unused. Otherwise: four
/// channels in each vector, with two sums for each, of its first and of its last two products.
pub type Lanes = [__m256i; QUAD];

/// Adds products in pairs of eight channels. Not a closure, which would be a call at `opt-level = "z"`.
///
/// # Safety
/// The CPU has AVX2; `w` points to 32 weights.
#[inline(always)]
unsafe fn eight(sum: __m256i, x: __m256i, w: *const __m128i) -> __m256i {
    // SAFETY: the caller's promises; no alignment is needed.
    unsafe {
        let products = _mm256_maddubs_epi16(x, _mm256_loadu_si256(w.cast()));
        _mm256_add_epi32(sum, _mm256_madd_epi16(products, _mm256_set1_epi16(1)))
    }
}

/// Adds products of widened bytes of four channels.
///
/// # Safety
/// The CPU has AVX2; `w` points to 16 weights.
#[inline(always)]
unsafe fn four(sum: __m256i, x: __m128i, w: *const __m128i) -> __m256i {
    // SAFETY: the caller's promises; no alignment is needed.
    unsafe {
        let (x, w) = (_mm256_cvtepu8_epi16(x), _mm256_cvtepi8_epi16(_mm_loadu_si128(w)));
        _mm256_add_epi32(sum, _mm256_madd_epi16(x, w))
    }
}

/// Adds neighbouring lanes, and keeps them in order.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn joined(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_permute4x64_epi64::<0xd8>(_mm256_hadd_epi32(a, b)) }
}

/// Adds the products of four taps of sixteen channels.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
pub unsafe fn add_lanes(pairs: bool, mut sums: Lanes, x: FourTaps<'_>, flip: u32, w: &[i8; QUAD * PANEL]) -> Lanes {
    // SAFETY: the CPU has AVX2, by the caller's promise; every tap has 16 bytes and `w` has 64; no alignment is needed.
    unsafe {
        let [a, b, c, d] = x;
        let [a, b] = [_mm_loadu_si128(a.as_ptr().cast()), _mm_loadu_si128(b.as_ptr().cast())];
        let [c, d] = [_mm_loadu_si128(c.as_ptr().cast()), _mm_loadu_si128(d.as_ptr().cast())];
        let flip = _mm_set1_epi32(flip as i32);
        let (low, high) = (_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b));
        let (other_low, other_high) = (_mm_unpacklo_epi8(c, d), _mm_unpackhi_epi8(c, d));
        // Four channels in each vector, by channel.
        let a = _mm_xor_si128(_mm_unpacklo_epi16(low, other_low), flip);
        let b = _mm_xor_si128(_mm_unpackhi_epi16(low, other_low), flip);
        let c = _mm_xor_si128(_mm_unpacklo_epi16(high, other_high), flip);
        let d = _mm_xor_si128(_mm_unpackhi_epi16(high, other_high), flip);
        let w: *const __m128i = w.as_ptr().cast();
        if pairs {
            sums[0] = eight(sums[0], _mm256_set_m128i(b, a), w);
            sums[1] = eight(sums[1], _mm256_set_m128i(d, c), w.add(2));
        } else {
            sums[0] = four(sums[0], a, w);
            sums[1] = four(sums[1], b, w.add(1));
            sums[2] = four(sums[2], c, w.add(2));
            sums[3] = four(sums[3], d, w.add(3));
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
    // SAFETY: the CPU has AVX2, by the caller's promise; `sums` has room for two vectors; no alignment is needed.
    unsafe {
        let [low, high] = if pairs { [a, b] } else { [joined(a, b), joined(c, d)] };
        _mm256_storeu_si256(to, low);
        _mm256_storeu_si256(to.add(1), high);
    }
    sums
}
