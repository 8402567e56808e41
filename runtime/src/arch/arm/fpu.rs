// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Instructions of the FPUs of Armv7E-M and Armv8-M that stable `core` has no function for. Other targets compute the same
//! bits in software.
//!
//! Operands travel through integer registers: float registers as operands need `-C target-cpu`.
use core::arch::asm;

/// `a * b + c`, rounded once.
#[inline(always)]
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
    let y: u32;
    // SAFETY: registers alone, all of them declared.
    unsafe {
        asm!(
            "vmov s0, {a}",
            "vmov s1, {b}",
            "vmov s2, {c}",
            "vfma.f32 s2, s0, s1",
            "vmov {c}, s2",
            a = in(reg) a.to_bits(),
            b = in(reg) b.to_bits(),
            c = inout(reg) c.to_bits() => y,
            out("s0") _,
            out("s1") _,
            out("s2") _,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    f32::from_bits(y)
}

/// The square root, correctly rounded. -0 gives -0, negative numbers give NaN.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    let y: u32;
    // SAFETY: registers alone, all of them declared.
    unsafe {
        asm!(
            "vmov s0, {x}",
            "vsqrt.f32 s0, s0",
            "vmov {x}, s0",
            x = inout(reg) x.to_bits() => y,
            out("s0") _,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    f32::from_bits(y)
}
