// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products with weights of -1, 0 and 1 on x86-64: with AVX-512 the sums of five inputs are looked up in registers, sixteen
//! columns at once; else in a table in memory.
use super::super::super::terms::fives::{Parts, Table};
use super::super::fives::{Fives, FivesCpu, FivesKernel};
use super::super::isa::Numerics;
use super::super::portable::Portable;
use super::avx2::Avx2;
use super::found::AVX512;
use super::host::Host;
use core::arch::asm;
use core::mem::offset_of;

/// Columns that are computed at once.
const WIDE: usize = 16;

impl<N: Numerics, const MORE: bool> FivesCpu for Avx2<N, MORE> {
    #[inline]
    fn run_fives<K: FivesKernel>(self, kernel: K) {
        #[target_feature(enable = "avx2,fma")]
        fn body<N: Numerics, const MORE: bool, K: FivesKernel>(isa: Avx2<N, MORE>, kernel: K) {
            kernel.run(isa);
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { body(self, kernel) }
    }
}

impl<N: Numerics, const MORE: bool> FivesCpu for Host<N, MORE> {
    #[inline]
    fn run_fives<K: FivesKernel>(self, kernel: K) {
        match self.avx2() {
            Some(avx2) => avx2.run_fives(kernel),
            None => Portable::<N>::portable().run_fives(kernel),
        }
    }
}

impl<N: Numerics, const MORE: bool> Fives for Avx2<N, MORE> {
    #[inline(always)]
    fn has_table(self) -> bool {
        !(MORE && self.found >= AVX512)
    }

    #[inline(always)]
    fn add_fives(self, parts: &Parts, table: Option<&mut Table>, bytes: &[u8], sums: &mut [f32]) {
        if self.has_table() {
            Portable::<N>::portable().add_fives(parts, table, bytes, sums);
            return;
        }
        let columns = bytes.len().min(sums.len());
        if columns > 0 {
            // SAFETY: `has_table` is false where there is AVX-512F; there are so many bytes and sums.
            unsafe { add(parts, bytes.as_ptr(), sums.as_mut_ptr(), columns) };
        }
    }
}

/// [`Fives::add_fives`] for at least one column.
///
/// In assembly, because the intrinsics are younger than the oldest supported compiler, and in registers that the compiler itself
/// does not use: see `vnni`.
///
/// # Safety
/// The CPU has AVX-512F; so many bytes may be read, and so many sums read and written.
unsafe fn add(parts: *const Parts, bytes: *const u8, sums: *mut f32, columns: usize) {
    let rest = columns % WIDE;
    // SAFETY: the caller's promise; columns beyond the last are masked. Vectors 16 to 31 and masks are nobody's here.
    unsafe {
        asm!(
            "vmovups zmm16, zmmword ptr [rdi + {two}]",
            "vmovups zmm17, zmmword ptr [rdi + {three}]",
            "vmovups zmm18, zmmword ptr [rdi + {three} + 64]",
            "mov eax, 293",
            "vpbroadcastd zmm19, eax",
            "mov eax, 28",
            "vpbroadcastd zmm20, eax",
            "mov eax, 0xffff",
            "kmovw k1, eax",
            "2:",
            "sub rcx, 16",
            "jae 3f",
            "kmovw k1, edx",                       // the columns that are left
            "xor ecx, ecx",
            "3:",
            "vpmovzxbd zmm21{{k1}}{{z}}, xmmword ptr [rsi]",
            "vpmulld zmm22, zmm21, zmm19",
            "vpsrld zmm22, zmm22, 13",             // the byte divided by 28
            "vpmulld zmm23, zmm22, zmm20",
            "vpsubd zmm23, zmm21, zmm23",          // the remainder
            "vpermps zmm22, zmm22, zmm16",
            "vpermi2ps zmm23, zmm17, zmm18",
            "vaddps zmm22, zmm22, zmm23",
            "vmovups zmm24{{k1}}{{z}}, zmmword ptr [r8]",
            "vaddps zmm24, zmm24, zmm22",
            "vmovups zmmword ptr [r8]{{k1}}, zmm24",
            "add rsi, 16",
            "add r8, 64",
            "test rcx, rcx",
            "jnz 2b",
            two = const offset_of!(Parts, two),
            three = const offset_of!(Parts, three),
            in("rdi") parts,
            inout("rsi") bytes => _,
            inout("r8") sums => _,
            inout("rcx") columns => _,
            in("edx") (1u32 << rest) - 1,
            out("eax") _,
            options(nostack),
        );
    }
}
