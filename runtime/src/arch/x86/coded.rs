// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of one row with coded weights on x86-64; AVX-512 has an instruction that widens sixteen halves.
use super::super::super::terms::coding::{Block, Coding, Kind};
use super::super::super::terms::sizes::PANEL;
use super::super::coded::{CodedCpu, CodedIsa, CodedKernel, wide};
use super::super::isa::Numerics;
use super::super::portable::Portable;
use super::avx2::Avx2;
use super::found::AVX512;
use super::host::Host;
use core::arch::asm;

impl<N: Numerics, const MORE: bool> CodedCpu for Avx2<N, MORE> {
    #[inline]
    fn run_coded<K: CodedKernel>(self, kernel: K) {
        #[target_feature(enable = "avx2,fma")]
        fn body<N: Numerics, const MORE: bool, K: CodedKernel>(isa: Avx2<N, MORE>, kernel: K) {
            kernel.run(isa);
        }
        // SAFETY: `self` proves AVX2 and FMA.
        unsafe { body(self, kernel) }
    }
}

impl<N: Numerics, const MORE: bool> CodedCpu for Host<N, MORE> {
    #[inline]
    fn run_coded<K: CodedKernel>(self, kernel: K) {
        match self.avx2() {
            Some(avx2) => avx2.run_coded(kernel),
            None => Portable::<N>::portable().run_coded(kernel),
        }
    }
}

impl<N: Numerics, const MORE: bool> CodedIsa for Avx2<N, MORE> {
    #[inline(always)]
    fn add_wide<C: Coding>(self, x: &[f32], block: &Block<'_, C>, sums: &mut [f32; PANEL]) {
        let is_half = matches!(C::KIND, Kind::Half) && N::FUSED && MORE && self.found >= AVX512;
        if !is_half || x.is_empty() || block.units.len() < x.len() * PANEL {
            wide(self, x, block, sums);
            return;
        }
        // SAFETY: the CPU has AVX-512F; units of this coding are 16 bits, and there are so many inputs and units.
        unsafe { add_halves(x.as_ptr(), block.units.as_ptr().cast(), x.len(), sums) }
    }
}

/// Adds the products of `depth` inputs and sixteen halves each; `depth` is at least 1.
///
/// # Safety
/// The CPU has AVX-512F; so many inputs and halves may be read.
unsafe fn add_halves(x: *const f32, halves: *const u16, depth: usize, sums: &mut [f32; PANEL]) {
    // SAFETY: the caller's promise. Vectors 16 and 17 are nobody's here.
    unsafe {
        asm!(
            "vmovups zmm16, zmmword ptr [rdi]",
            "2:",
            "vcvtph2ps zmm17, ymmword ptr [rdx]",
            "vfmadd231ps zmm16, zmm17, dword ptr [rsi]{{1to16}}",
            "add rdx, 32",
            "add rsi, 4",
            "dec rcx",
            "jnz 2b",
            "vmovups zmmword ptr [rdi], zmm16",
            in("rdi") sums.as_mut_ptr(),
            inout("rsi") x => _,
            inout("rdx") halves => _,
            inout("rcx") depth => _,
            options(nostack),
        );
    }
}
