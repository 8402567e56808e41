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
    fn dots<const R: usize>(self, x: &[i8], rows: usize, w: &[u8]) -> [[i32; PANEL]; R] {
        let mut sums = [[0; PANEL]; R];
        let blocks = w.len() / BLOCK_BYTES;
        if R == 0 || blocks == 0 || x.len() < R * blocks * BLOCK {
            return sums;
        }
        if MORE && self.found >= VNNI {
            // SAFETY: the CPU has AVX-512 VNNI; there are so many blocks for each row, and sixteen sums.
            unsafe {
                match sums.first_chunk_mut() {
                    Some(sums) => eight_rows(x.as_ptr(), w.as_ptr(), blocks, sums),
                    None => sums.iter_mut().take(1).for_each(|sums| one_row(x.as_ptr(), w.as_ptr(), blocks, sums)),
                }
            }
            return sums;
        }
        for (row, sums) in sums.iter_mut().take(rows).enumerate() {
            // SAFETY: `self` proves AVX2; there are so many blocks for each row.
            *sums = unsafe { plain_row::<R>(x.as_ptr().add(row * BLOCK), w) };
        }
        sums
    }
}

/// The sums of one row with AVX2.
///
/// # Safety
/// The CPU has AVX2; every `R`-th block at `x` is the row's, and there are as many as in `w`.
#[inline(always)]
unsafe fn plain_row<const R: usize>(x: *const i8, w: &[u8]) -> [i32; PANEL] {
    // SAFETY: the caller's promise; blocks have 64 bytes and sixteen inputs.
    unsafe {
        let (mask, ones) = (_mm256_set1_epi8(3), _mm256_set1_epi16(1));
        let mut sums = [_mm256_setzero_si256(); 2];
        for (at, w) in w.as_chunks::<BLOCK_BYTES>().0.iter().enumerate() {
            let x = _mm_loadu_si128(x.add(at * R * BLOCK).cast());
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

/// The sums of eight rows, each in two vectors.
///
/// # Safety
/// As for [`one_row`], with blocks of the inputs of eight rows.
unsafe fn eight_rows(x: *const i8, w: *const u8, blocks: usize, sums: &mut [[i32; PANEL]; ROWS]) {
    // SAFETY: the caller's promise. Vectors 0 to 7 are declared, 16 to 31 nobody's here.
    unsafe {
        asm!(
            "mov eax, 0x03030303",
            "vpbroadcastd zmm20, eax",
            "vpxord zmm0, zmm0, zmm0",
            "vpxord zmm1, zmm1, zmm1",
            "vpxord zmm2, zmm2, zmm2",
            "vpxord zmm3, zmm3, zmm3",
            "vpxord zmm4, zmm4, zmm4",
            "vpxord zmm5, zmm5, zmm5",
            "vpxord zmm6, zmm6, zmm6",
            "vpxord zmm7, zmm7, zmm7",
            "vpxord zmm16, zmm16, zmm16",
            "vpxord zmm17, zmm17, zmm17",
            "vpxord zmm18, zmm18, zmm18",
            "vpxord zmm19, zmm19, zmm19",
            "vpxord zmm25, zmm25, zmm25",
            "vpxord zmm26, zmm26, zmm26",
            "vpxord zmm27, zmm27, zmm27",
            "vpxord zmm28, zmm28, zmm28",
            "2:",
            codes!(),
            dots!("rdi", "zmm16", "zmm0", "zmm16", "zmm0"),
            dots!("rdi + 16", "zmm17", "zmm1", "zmm17", "zmm1"),
            dots!("rdi + 32", "zmm18", "zmm2", "zmm18", "zmm2"),
            dots!("rdi + 48", "zmm19", "zmm3", "zmm19", "zmm3"),
            dots!("rdi + 64", "zmm25", "zmm4", "zmm25", "zmm4"),
            dots!("rdi + 80", "zmm26", "zmm5", "zmm26", "zmm5"),
            dots!("rdi + 96", "zmm27", "zmm6", "zmm27", "zmm6"),
            dots!("rdi + 112", "zmm28", "zmm7", "zmm28", "zmm7"),
            "add rsi, 64",
            "sub rdi, -128",
            "dec rcx",
            "jnz 2b",
            "vpaddd zmm16, zmm16, zmm0",
            "vpaddd zmm17, zmm17, zmm1",
            "vpaddd zmm18, zmm18, zmm2",
            "vpaddd zmm19, zmm19, zmm3",
            "vpaddd zmm25, zmm25, zmm4",
            "vpaddd zmm26, zmm26, zmm5",
            "vpaddd zmm27, zmm27, zmm6",
            "vpaddd zmm28, zmm28, zmm7",
            "vmovdqu32 zmmword ptr [r8], zmm16",
            "vmovdqu32 zmmword ptr [r8 + 64], zmm17",
            "vmovdqu32 zmmword ptr [r8 + 128], zmm18",
            "vmovdqu32 zmmword ptr [r8 + 192], zmm19",
            "vmovdqu32 zmmword ptr [r8 + 256], zmm25",
            "vmovdqu32 zmmword ptr [r8 + 320], zmm26",
            "vmovdqu32 zmmword ptr [r8 + 384], zmm27",
            "vmovdqu32 zmmword ptr [r8 + 448], zmm28",
            inout("rdi") x => _,
            inout("rsi") w => _,
            inout("rcx") blocks => _,
            in("r8") sums.as_mut_ptr(),
            out("eax") _,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            options(nostack),
        );
    }
}
