// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products with weights of -1, 0 and 1 on x86-64: the sums of five inputs are looked up in registers, with AVX-512 for sixteen columns
//! at once, with AVX2 for eight.
use super::super::super::terms::fives::{FIVE, Parts, Table};
use super::super::fives::{Fives, FivesCpu, FivesKernel, ROWS};
use super::super::isa::Numerics;
use super::super::portable::Portable;
use super::avx2::Avx2;
use super::avx2_fives;
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
    fn add_fives(self, x: [f32; FIVE], _: Option<&mut Table>, bytes: &[u8], sums: &mut [f32]) {
        let columns = bytes.len().min(sums.len());
        if !MORE || self.found < AVX512 {
            let Some((bytes, sums)) = bytes.get(..columns).zip(sums.get_mut(..columns)) else { return };
            // SAFETY: the CPU has AVX2; there are so many sums.
            let done = unsafe { avx2_fives::add(&[Parts::new(x)], bytes, sums.as_mut_ptr(), 0) };
            let Some((bytes, sums)) = bytes.get(done..).zip(sums.get_mut(done..)) else { return };
            Portable::<N>::portable().add_fives(x, None, bytes, sums);
            return;
        }
        if columns > 0 {
            // SAFETY: the CPU has AVX-512F; there are so many bytes and sums.
            unsafe { add(&Parts::new(x), bytes.as_ptr(), sums.as_mut_ptr(), columns) };
        }
    }

    #[inline(always)]
    fn has_rows(self) -> bool {
        true
    }

    #[inline(always)]
    fn add_fives_rows(self, x: [[f32; FIVE]; ROWS], bytes: &[u8], sums: &mut [f32], pitch: usize) {
        let last = sums.len().saturating_sub((ROWS - 1) * pitch);
        let columns = bytes.len().min(last);
        if !MORE || self.found < AVX512 {
            let Some(bytes) = bytes.get(..columns) else { return };
            // SAFETY: the CPU has AVX2; so many sums are in each row.
            let done = unsafe { avx2_fives::add(&x.map(Parts::new), bytes, sums.as_mut_ptr(), pitch) };
            let rest = bytes.get(done..).unwrap_or(&[]);
            let mut row = sums.get_mut(done..).unwrap_or(&mut []);
            for x in x {
                Portable::<N>::portable().add_fives(x, None, rest, row);
                row = row.get_mut(pitch..).unwrap_or(&mut []);
            }
            return;
        }
        if columns > 0 {
            // SAFETY: the CPU has AVX-512F; there are so many bytes, and so many sums in each row.
            unsafe { add_rows(&x.map(Parts::new), bytes.as_ptr(), sums.as_mut_ptr(), pitch, columns) };
        }
    }
}

/// The sums of two inputs and of three that the bytes in `$bytes` name, as indices in zmm22 and zmm23.
macro_rules! split {
    ($bytes:literal) => {
        concat!(
            "vpmovzxbd zmm21{{k1}}{{z}}, xmmword ptr [",
            $bytes,
            "]\n",
            "vpmulld zmm22, zmm21, zmm19\n",
            "vpsrld zmm22, zmm22, 13\n", // the byte divided by 28
            "vpmulld zmm23, zmm22, zmm20\n",
            "vpsubd zmm23, zmm21, zmm23", // the remainder
        )
    };
}

/// Adds to the sums at `$sums` what the indices in zmm22 and zmm23 name of one row; its parts are in three registers.
macro_rules! row {
    ($sums:literal, $two:literal, $three:literal, $more:literal) => {
        concat!(
            "vmovdqa32 zmm25, zmm23\n",
            "vpermps zmm24, zmm22, ",
            $two,
            "\n",
            "vpermi2ps zmm25, ",
            $three,
            ", ",
            $more,
            "\n",
            "vaddps zmm24, zmm24, zmm25\n",
            "vmovups zmm25{{k1}}{{z}}, zmmword ptr [",
            $sums,
            "]\n",
            "vaddps zmm25, zmm25, zmm24\n",
            "vmovups zmmword ptr [",
            $sums,
            "]{{k1}}, zmm25",
        )
    };
}

/// [`Fives::add_fives`] for at least one column.
///
/// In assembly, because the intrinsics are younger than the oldest supported compiler, and in registers that the compiler itself
/// does not use: see `vnni`.
///
/// # Safety
/// The CPU has AVX-512F; so many bytes may be read, and so many sums read and written.
unsafe fn add(parts: *const Parts<f32>, bytes: *const u8, sums: *mut f32, columns: usize) {
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
            split!("rsi"),
            row!("r8", "zmm16", "zmm17", "zmm18"),
            "add rsi, 16",
            "add r8, 64",
            "test rcx, rcx",
            "jnz 2b",
            two = const offset_of!(Parts<f32>, two),
            three = const offset_of!(Parts<f32>, three),
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

/// [`Fives::add_fives_rows`] for at least one column.
///
/// # Safety
/// The CPU has AVX-512F; so many bytes may be read, and in each of the rows, `pitch` sums apart, so many sums read and written.
unsafe fn add_rows(parts: *const [Parts<f32>; ROWS], bytes: *const u8, sums: *mut f32, pitch: usize, columns: usize) {
    let rest = columns % WIDE;
    // SAFETY: the caller's promise; columns beyond the last are masked. Vectors 0 to 8 are declared, the others nobody's here.
    unsafe {
        asm!(
            "vmovups zmm16, zmmword ptr [rdi + {two}]",
            "vmovups zmm17, zmmword ptr [rdi + {three}]",
            "vmovups zmm18, zmmword ptr [rdi + {three} + 64]",
            "vmovups zmm0, zmmword ptr [rdi + {size} + {two}]",
            "vmovups zmm1, zmmword ptr [rdi + {size} + {three}]",
            "vmovups zmm2, zmmword ptr [rdi + {size} + {three} + 64]",
            "vmovups zmm3, zmmword ptr [rdi + 2*{size} + {two}]",
            "vmovups zmm4, zmmword ptr [rdi + 2*{size} + {three}]",
            "vmovups zmm5, zmmword ptr [rdi + 2*{size} + {three} + 64]",
            "vmovups zmm6, zmmword ptr [rdi + 3*{size} + {two}]",
            "vmovups zmm7, zmmword ptr [rdi + 3*{size} + {three}]",
            "vmovups zmm8, zmmword ptr [rdi + 3*{size} + {three} + 64]",
            "mov eax, 293",
            "vpbroadcastd zmm19, eax",
            "mov eax, 28",
            "vpbroadcastd zmm20, eax",
            "mov eax, 0xffff",
            "kmovw k1, eax",
            "lea r10, [r9 + 2*r9]",
            "2:",
            "sub rcx, 16",
            "jae 3f",
            "kmovw k1, edx",                       // the columns that are left
            "xor ecx, ecx",
            "3:",
            split!("rsi"),
            row!("r8", "zmm16", "zmm17", "zmm18"),
            row!("r8 + r9", "zmm0", "zmm1", "zmm2"),
            row!("r8 + 2*r9", "zmm3", "zmm4", "zmm5"),
            row!("r8 + r10", "zmm6", "zmm7", "zmm8"),
            "add rsi, 16",
            "add r8, 64",
            "test rcx, rcx",
            "jnz 2b",
            two = const offset_of!(Parts<f32>, two),
            three = const offset_of!(Parts<f32>, three),
            size = const size_of::<Parts<f32>>(),
            in("rdi") parts,
            inout("rsi") bytes => _,
            inout("r8") sums => _,
            inout("rcx") columns => _,
            in("r9") pitch * size_of::<f32>(),
            in("edx") (1u32 << rest) - 1,
            out("eax") _,
            out("r10") _,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _,
            out("xmm5") _, out("xmm6") _, out("xmm7") _, out("xmm8") _,
            options(nostack),
        );
    }
}
