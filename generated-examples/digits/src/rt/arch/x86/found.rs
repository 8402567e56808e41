// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Detects the instruction sets of an x86-64 CPU.
use core::arch::x86_64::*;

/// What the CPU has: not detected yet; none of the following; AVX2 and FMA; AVX-512F too; AVX-512 BW, VL and VNNI too.
pub(super) const UNKNOWN: u8 = 0;

pub(super) const PLAIN: u8 = 1;

pub(super) const AVX2: u8 = 2;

pub(super) const AVX512: u8 = 3;

pub(super) const VNNI: u8 = 4;

/// Whether the CPU has, and the system saves the registers of: AVX2 and FMA; AVX-512F; AVX-512 BW, VL and VNNI (Intel
/// SDM volume 1, 14.3, 14.7.1 and 15.2: detection of AVX, AVX2 and AVX-512F; volume 2, CPUID leaf 7).
pub(super) fn vectors() -> [bool; 3] {
    const FMA: u32 = 1 << 12;
    const OSXSAVE: u32 = 1 << 27;
    const AVX: u32 = 1 << 28;
    const EBX_AVX2: u32 = 1 << 5;
    const EBX_AVX512F: u32 = 1 << 16;
    const AVX512BW_VL: u32 = 1 << 30 | 1 << 31;
    const AVX512VNNI: u32 = 1 << 11;
    const XMM_AND_YMM: u64 = 0b110;
    const MASKS_AND_ZMM: u64 = 0b1110_0000;

    #[target_feature(enable = "xsave")]
    fn saved_registers() -> u64 {
        // SAFETY: the caller has seen OSXSAVE, so XGETBV exists and register 0 may be read.
        unsafe { _xgetbv(0) }
    }

    // Miri has no CPUID.
    if cfg!(miri) {
        return [false; 3];
    }
    // `unsafe` for the oldest supported compiler: newer ones declare CPUID safe.
    #[allow(unused_unsafe)]
    // SAFETY: every x86-64 CPU has CPUID, and leaf 7 is read only if leaf 0 lists it.
    let (leaf1, leaf7) = unsafe {
        if __cpuid(0).eax < 7 {
            return [false; 3];
        }
        (__cpuid(1), __cpuid_count(7, 0))
    };
    let needed = FMA | OSXSAVE | AVX;
    if leaf1.ecx & needed != needed || leaf7.ebx & EBX_AVX2 == 0 {
        return [false; 3];
    }
    // SAFETY: OSXSAVE is set.
    let saved = unsafe { saved_registers() };
    let wide = XMM_AND_YMM | MASKS_AND_ZMM;
    let dots = leaf7.ebx & AVX512BW_VL == AVX512BW_VL && leaf7.ecx & AVX512VNNI != 0;
    [saved & XMM_AND_YMM == XMM_AND_YMM, leaf7.ebx & EBX_AVX512F != 0 && saved & wide == wide, dots]
}
