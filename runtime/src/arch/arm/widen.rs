// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Widens bytes to 16 bits on Armv7E-M and Armv8-M with DSP instructions: `sxtb16` and `uxtb16` take the first and the third of
//! four bytes, and of the rotated word the second and the fourth.
use super::super::super::terms::dual::FOUR;
use super::super::byte::Byte;
use super::cpu::cpu;
use super::finish::is_signed;
use core::arch::naked_asm;

/// What the loop over four places reads. It knows the offsets of the fields.
#[repr(C)]
struct Bytes {
    to: *mut u32,
    x: [*const u8; FOUR],
    quads: usize,
}

/// Widens `quads * 4` bytes from each of four places on. The words of one quad: the first and third bytes of the four places,
/// then the second and fourth.
///
/// # Safety
/// The inputs may be read, and the words written; `quads` is at least 1.
#[inline(always)]
pub unsafe fn widen<X: Byte>(x: &[X], at: [usize; FOUR], quads: usize, patch: &mut [u32]) {
    const { assert!(size_of::<X>() == 1) };
    let bytes = Bytes { to: patch.as_mut_ptr(), x: at.map(|at| x.as_ptr().wrapping_add(at).cast()), quads };
    // SAFETY: the caller's promise.
    unsafe { if is_signed::<X>() { widen_signed(&bytes) } else { widen_unsigned(&bytes) } }
}

/// Widens `quads * 4` bytes of one place.
///
/// # Safety
/// The inputs may be read, and the words written; `quads` is at least 1.
#[inline(always)]
pub unsafe fn widen_one<X: Byte>(x: &[X], quads: usize, patch: &mut [u32]) {
    const { assert!(size_of::<X>() == 1) };
    // SAFETY: the caller's promise.
    unsafe {
        let (x, to) = (x.as_ptr().cast(), patch.as_mut_ptr());
        if is_signed::<X>() { widen_one_signed(to, x, quads) } else { widen_one_unsigned(to, x, quads) }
    }
}

macro_rules! widen {
    ($name:ident, $one:ident, $wide:literal) => {
        /// [`widen`] for one type.
        ///
        /// # Safety
        /// The inputs may be read, and the words written; there is at least one quad.
        // r0: the task, then to
        // r1 to r4: the inputs of the four places
        // r5 to r8: a quad of each place, then its second and fourth byte
        // r9 to r12: the first and third byte of each quad
        // lr: quads left
        #[unsafe(naked)]
        unsafe extern "C" fn $name(bytes: *const Bytes) {
            naked_asm! {
                cpu!(),
                "push {{r4-r11, lr}}",
                "ldr lr, [r0, #20]",
                "ldmia r0, {{r0-r4}}",
                "20:",
                "ldr r5, [r1], #4",
                "ldr r6, [r2], #4",
                "ldr r7, [r3], #4",
                "ldr r8, [r4], #4",
                concat!($wide, " r9, r5"),
                concat!($wide, " r10, r6"),
                concat!($wide, " r11, r7"),
                concat!($wide, " r12, r8"),
                "stmia r0!, {{r9-r12}}",
                concat!($wide, " r5, r5, ror #8"),
                concat!($wide, " r6, r6, ror #8"),
                concat!($wide, " r7, r7, ror #8"),
                concat!($wide, " r8, r8, ror #8"),
                "stmia r0!, {{r5-r8}}",
                "subs lr, #1",
                "bne 20b",
                "pop {{r4-r11, pc}}",
            }
        }

        /// [`widen_one`] for one type.
        ///
        /// # Safety
        /// The inputs may be read, and the words written; there is at least one quad.
        // r0: to
        // r1: the inputs
        // r2: quads left
        // r3: a quad, then its second and fourth byte
        // r12: its first and third byte
        #[unsafe(naked)]
        unsafe extern "C" fn $one(to: *mut u32, x: *const u8, quads: usize) {
            naked_asm! {
                cpu!(),
                "20:",
                "ldr r3, [r1], #4",
                concat!($wide, " r12, r3"),
                concat!($wide, " r3, r3, ror #8"),
                "strd r12, r3, [r0], #8",
                "subs r2, #1",
                "bne 20b",
                "bx lr",
            }
        }
    };
}
widen!(widen_signed, widen_one_signed, "sxtb16");
widen!(widen_unsigned, widen_one_unsigned, "uxtb16");
