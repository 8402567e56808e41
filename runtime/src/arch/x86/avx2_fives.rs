// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sums of five inputs with weights of -1, 0 and 1 with AVX2: eight columns at once, looked up in registers.
//!
//! A register holds eight numbers, and there are nine sums of two inputs and 27 of three. Those of opposite weights are opposite, so
//! that five and fourteen are enough: a part of a byte, less that of weights of zero, is an index by its size and a sign by its sign.
use super::super::super::terms::fives::{Parts, TWOS};
use super::super::super::terms::sizes::LANES;
use core::arch::x86_64::*;

/// The place in [`Parts::two`] of the sum whose weights are all 0.
const NO_TWO: usize = 4;
/// That in [`Parts::three`].
const NO_THREE: usize = 13;

/// What eight bytes name: sizes of indices, and signs in the highest bits.
#[derive(Clone, Copy)]
struct Names {
    two: __m256i,
    two_sign: __m256,
    three: __m256i,
    three_sign: __m256,
    /// Whether the index of three is beyond a register, in the highest bit.
    beyond: __m256,
}

/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn names(bytes: &[u8; LANES]) -> Names {
    // SAFETY: the CPU has AVX2, by the caller's promise; eight bytes may be read.
    unsafe {
        let byte = _mm256_cvtepu8_epi32(_mm_loadl_epi64(bytes.as_ptr().cast()));
        // The byte divided by 28: 2341 / 65536 is 1 / 28 for all that a byte can be.
        let quotient = _mm256_mulhi_epu16(byte, _mm256_set1_epi32(2341));
        let whole = _mm256_mullo_epi16(quotient, _mm256_set1_epi32(TWOS as i32));
        let two = _mm256_sub_epi32(quotient, _mm256_set1_epi32(NO_TWO as i32));
        let three = _mm256_sub_epi32(_mm256_sub_epi32(byte, whole), _mm256_set1_epi32(NO_THREE as i32));
        let sign = _mm256_castsi256_ps(_mm256_set1_epi32(i32::MIN));
        let size = _mm256_abs_epi32(three);
        Names {
            two: _mm256_abs_epi32(two),
            two_sign: _mm256_and_ps(_mm256_castsi256_ps(two), sign),
            three: size,
            three_sign: _mm256_and_ps(_mm256_castsi256_ps(three), sign),
            beyond: _mm256_castsi256_ps(_mm256_slli_epi32(size, 28)),
        }
    }
}

/// The sums that are named.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn named(parts: &Parts<f32>, at: Names) -> __m256 {
    // SAFETY: the CPU has AVX2, by the caller's promise; there are 16 sums of two inputs and 32 of three, so eight from each place.
    unsafe {
        let two = _mm256_loadu_ps(parts.two.as_ptr().add(NO_TWO));
        let low = _mm256_loadu_ps(parts.three.as_ptr().add(NO_THREE));
        let high = _mm256_loadu_ps(parts.three.as_ptr().add(NO_THREE + LANES));
        let two = _mm256_permutevar8x32_ps(two, at.two);
        let low = _mm256_permutevar8x32_ps(low, at.three);
        let high = _mm256_permutevar8x32_ps(high, at.three);
        let three = _mm256_blendv_ps(low, high, at.beyond);
        _mm256_add_ps(_mm256_xor_ps(two, at.two_sign), _mm256_xor_ps(three, at.three_sign))
    }
}

/// Adds to the sums of `R` rows, `pitch` apart, what the bytes name of each row's inputs, for whole vectors of columns. Gives the number of
/// these columns.
///
/// # Safety
/// The CPU has AVX2; each row has as many sums as there are bytes.
#[inline(always)]
pub unsafe fn add<const R: usize>(parts: &[Parts<f32>; R], bytes: &[u8], sums: *mut f32, pitch: usize) -> usize {
    let (vectors, _) = bytes.as_chunks::<LANES>();
    for (vector, bytes) in vectors.iter().enumerate() {
        // SAFETY: the CPU has AVX2, and the row so many sums, by the caller's promise.
        unsafe {
            let at = names(bytes);
            for (row, parts) in parts.iter().enumerate() {
                let sum = sums.add(row * pitch + vector * LANES);
                _mm256_storeu_ps(sum, _mm256_add_ps(_mm256_loadu_ps(sum), named(parts, at)));
            }
        }
    }
    vectors.len() * LANES
}
