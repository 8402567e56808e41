// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! FPU instructions of Armv7E-M and Armv8-M for which stable `core` has no function. Other targets compute the same
//! bits in software.
//!
//! Operands pass through integer registers, since operands in float registers need `-C target-cpu`.
use core::arch::asm;

/// `a * b + c`, rounded once.
#[inline(always)]
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
    let y: u32;
    // SAFETY: only registers are used, and all of them are declared.
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
