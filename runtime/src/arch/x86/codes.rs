// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of bytes with weights of two bits on x86-64. A code is unsigned and an input signed, as `vpdpbusd` and `vpmaddubsw`
//! want them; the latter cannot saturate, since a code is at most 2.
use super::super::super::terms::codes::{BLOCK, BLOCK_BYTES};
use super::super::super::terms::sizes::PANEL;
use super::super::codes::{Codes, CodesCpu, CodesKernel, ROWS};
use super::super::isa::Numerics;
use super::super::portable::Portable;
use super::avx2::Avx2;
use super::found::VNNI;
use super::host::Host;
use core::arch::asm;
use core::arch::x86_64::*;

impl<N: Numerics, const MORE: bool> CodesCpu for Avx2<N, MORE> {
    #[inline]
    fn run_codes<K: CodesKernel>(self, kernel: K) {
        #[target_feature(enable = "avx2,fma")]
        fn body<N: Numerics, const MORE: bool, K: CodesKernel>(isa: Avx2<N, MORE>, kernel: K) {
            kernel.run(isa);
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { body(self, kernel) }
    }
}

impl<N: Numerics, const MORE: bool> CodesCpu for Host<N, MORE> {
    #[inline]
    fn run_codes<K: CodesKernel>(self, kernel: K) {
        match self.avx2() {
            Some(avx2) => avx2.run_codes(kernel),
            None => Portable::<N>::portable().run_codes(kernel),
        }
    }
}

impl<N: Numerics, const MORE: bool> Codes for Avx2<N, MORE> {
    #[inline(always)]
    fn dots<const R: usize>(self, x: &[i8], pitch: usize, w: &[u8]) -> [[i32; PANEL]; R] {
        let mut sums = [[0; PANEL]; R];
        let blocks = w.len() / BLOCK_BYTES;
        if R == 0 || blocks == 0 || x.len() < (R - 1) * pitch + blocks * BLOCK {
            return sums;
        }
        if MORE && self.found >= VNNI {
            // SAFETY: the CPU has AVX-512 VNNI; there are so many blocks for each row, and sixteen sums.
            unsafe {
                match sums.first_chunk_mut() {
                    Some(sums) if R == ROWS => four_rows(x.as_ptr(), pitch, w.as_ptr(), blocks, sums),
                    _ => sums.iter_mut().enumerate().for_each(|(row, sums)| {
                        one_row(x.as_ptr().add(row * pitch), w.as_ptr(), blocks, sums);
                    }),
                }
            }
            return sums;
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            let x = x.get(row * pitch..).unwrap_or(&[]);
            // SAFETY: `self` proves AVX2.
            *sums = unsafe { plain_row(x, w) };
        }
        sums
    }
}

/// The sums of one row with AVX2.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn plain_row(x: &[i8], w: &[u8]) -> [i32; PANEL] {
    // SAFETY: the caller's promise; blocks have 64 bytes and sixteen inputs.
    unsafe {
        let (mask, ones) = (_mm256_set1_epi8(3), _mm256_set1_epi16(1));
        let mut sums = [_mm256_setzero_si256(); 2];
        for (x, w) in x.as_chunks::<BLOCK>().0.iter().zip(w.as_chunks::<BLOCK_BYTES>().0) {
            let x = _mm_loadu_si128(x.as_ptr().cast());
            let quads = [
                _mm256_broadcastd_epi32(x),
                _mm256_broadcastd_epi32(_mm_shuffle_epi32::<1>(x)),
                _mm256_broadcastd_epi32(_mm_shuffle_epi32::<2>(x)),
                _mm256_broadcastd_epi32(_mm_shuffle_epi32::<3>(x)),
            ];
            for (half, sum) in sums.iter_mut().enumerate() {
                let w = _mm256_loadu_si256(w.as_ptr().add(32 * half).cast());
                let codes = [
                    _mm256_and_si256(w, mask),
                    _mm256_and_si256(_mm256_srli_epi32::<2>(w), mask),
                    _mm256_and_si256(_mm256_srli_epi32::<4>(w), mask),
                    _mm256_and_si256(_mm256_srli_epi32::<6>(w), mask),
                ];
                // At most 4 * 2 * 2 * 128: no pair of bytes overflows 16 bits.
                let low = _mm256_add_epi16(
                    _mm256_maddubs_epi16(codes[0], quads[0]),
                    _mm256_maddubs_epi16(codes[1], quads[1]),
                );
                let high = _mm256_add_epi16(
                    _mm256_maddubs_epi16(codes[2], quads[2]),
                    _mm256_maddubs_epi16(codes[3], quads[3]),
                );
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(_mm256_add_epi16(low, high), ones));
            }
        }
        let mut all = [0; PANEL];
        _mm256_storeu_si256(all.as_mut_ptr().cast(), sums[0]);
        _mm256_storeu_si256(all.as_mut_ptr().add(8).cast(), sums[1]);
        all
    }
}

/// The quads of codes of a block, in zmm21 to zmm24.
macro_rules! codes {
    () => {
        concat!(
            "vmovdqu32 zmm24, zmmword ptr [rsi]\n",
            "vpandd zmm21, zmm24, zmm20\n",
            "vpsrld zmm22, zmm24, 2\n",
            "vpsrld zmm23, zmm24, 4\n",
            "vpsrld zmm24, zmm24, 6\n",
            "vpandd zmm22, zmm22, zmm20\n",
            "vpandd zmm23, zmm23, zmm20\n",
            "vpandd zmm24, zmm24, zmm20",
        )
    };
}

/// Adds the products of a block and the inputs at `$x` to four sums.
macro_rules! dots {
    ($x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "vpdpbusd ",
            $a,
            ", zmm21, dword ptr [",
            $x,
            "]{{1to16}}\n",
            "vpdpbusd ",
            $b,
            ", zmm22, dword ptr [",
            $x,
            " + 4]{{1to16}}\n",
            "vpdpbusd ",
            $c,
            ", zmm23, dword ptr [",
            $x,
            " + 8]{{1to16}}\n",
            "vpdpbusd ",
            $d,
            ", zmm24, dword ptr [",
            $x,
            " + 12]{{1to16}}",
        )
    };
}

/// The sums of one row.
///
/// In assembly, because the intrinsics are younger than the oldest supported compiler, and in registers that the compiler itself
/// does not use: see `vnni`.
///
/// # Safety
/// The CPU has AVX-512 VNNI; so many blocks may be read, at least one.
unsafe fn one_row(x: *const i8, w: *const u8, blocks: usize, sums: &mut [i32; PANEL]) {
    // SAFETY: the caller's promise. Vectors 16 to 31 are nobody's here.
    unsafe {
        asm!(
            "mov eax, 0x03030303",
            "vpbroadcastd zmm20, eax",
            "vpxord zmm16, zmm16, zmm16",
            "vpxord zmm17, zmm17, zmm17",
            "vpxord zmm18, zmm18, zmm18",
            "vpxord zmm19, zmm19, zmm19",
            "2:",
            codes!(),
            dots!("rdi", "zmm16", "zmm17", "zmm18", "zmm19"),
            "add rsi, 64",
            "add rdi, 16",
            "dec rcx",
            "jnz 2b",
            "vpaddd zmm16, zmm16, zmm17",
            "vpaddd zmm18, zmm18, zmm19",
            "vpaddd zmm16, zmm16, zmm18",
            "vmovdqu32 zmmword ptr [r8], zmm16",
            inout("rdi") x => _,
            inout("rsi") w => _,
            inout("rcx") blocks => _,
            in("r8") sums.as_mut_ptr(),
            out("eax") _,
            options(nostack),
        );
    }
}

/// The sums of four rows.
///
/// # Safety
/// As for [`one_row`], with inputs `pitch` apart.
unsafe fn four_rows(x: *const i8, pitch: usize, w: *const u8, blocks: usize, sums: &mut [[i32; PANEL]; ROWS]) {
    // SAFETY: the caller's promise. Vectors 16 to 31 are nobody's here.
    unsafe {
        asm!(
            "mov eax, 0x03030303",
            "vpbroadcastd zmm20, eax",
            "vpxord zmm16, zmm16, zmm16",
            "vpxord zmm17, zmm17, zmm17",
            "vpxord zmm18, zmm18, zmm18",
            "vpxord zmm19, zmm19, zmm19",
            "vpxord zmm25, zmm25, zmm25",
            "vpxord zmm26, zmm26, zmm26",
            "vpxord zmm27, zmm27, zmm27",
            "vpxord zmm28, zmm28, zmm28",
            "lea r10, [r9 + 2*r9]",
            "2:",
            codes!(),
            dots!("rdi", "zmm16", "zmm25", "zmm16", "zmm25"),
            dots!("rdi + r9", "zmm17", "zmm26", "zmm17", "zmm26"),
            dots!("rdi + 2*r9", "zmm18", "zmm27", "zmm18", "zmm27"),
            dots!("rdi + r10", "zmm19", "zmm28", "zmm19", "zmm28"),
            "add rsi, 64",
            "add rdi, 16",
            "dec rcx",
            "jnz 2b",
            "vpaddd zmm16, zmm16, zmm25",
            "vpaddd zmm17, zmm17, zmm26",
            "vpaddd zmm18, zmm18, zmm27",
            "vpaddd zmm19, zmm19, zmm28",
            "vmovdqu32 zmmword ptr [r8], zmm16",
            "vmovdqu32 zmmword ptr [r8 + 64], zmm17",
            "vmovdqu32 zmmword ptr [r8 + 128], zmm18",
            "vmovdqu32 zmmword ptr [r8 + 192], zmm19",
            inout("rdi") x => _,
            in("r9") pitch,
            inout("rsi") w => _,
            inout("rcx") blocks => _,
            in("r8") sums.as_mut_ptr(),
            out("eax") _,
            out("r10") _,
            options(nostack),
        );
    }
}
