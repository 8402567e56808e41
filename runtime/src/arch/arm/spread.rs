// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Splits four interleaved channels of bytes into four lines of 16-bit numbers, on Armv7E-M and Armv8-M with DSP instructions.
use super::super::byte::Byte;
use super::cpu::cpu;
use super::finish::is_signed;
use core::arch::naked_asm;

/// Widens four neighbouring channels of `pixels` pixels, at least two. Pixels lie `step` bytes apart, and channel `i` is written
/// to `lines` from `i * pitch + at` on.
///
/// # Safety
/// The inputs may be read, and the numbers written.
#[inline(always)]
pub unsafe fn spread<X: Byte>(x: &[X], step: usize, pixels: usize, lines: &mut [i16], (pitch, at): (usize, usize)) {
    const { assert!(size_of::<X>() == 1) };
    let widen = if is_signed::<X>() { spread_signed } else { spread_unsigned };
    let (x, to) = (x.as_ptr().cast::<u8>(), lines.as_mut_ptr().wrapping_add(at));
    // If the number is odd, pixel 1 is in two pairs.
    let odd = pixels % 2;
    // SAFETY: the caller's promise.
    unsafe {
        if odd == 1 {
            widen(x, step, to, 2 * pitch, 1);
        }
        widen(x.wrapping_add(odd * step), step, to.wrapping_add(odd), 2 * pitch, pixels / 2);
    }
}

macro_rules! spread {
    ($name:ident, $wide:literal) => {
        /// [`spread`] for one type and pairs of pixels, at least one; steps in bytes.
        ///
        /// # Safety
        /// The inputs may be read, and the numbers written.
        // r0: x
        // r1: step
        // r2: where channel 0 is written
        // r3: pitch
        // r4, r5: the four channels of two pixels
        // r6, r7: channels 0 and 2, channels 1 and 3 of the first pixel
        // r8, r9: the same of the second
        // r12: where channel 3 is written
        // lr: pairs left
        #[unsafe(naked)]
        unsafe extern "C" fn $name(x: *const u8, step: usize, to: *mut i16, pitch: usize, pairs: usize) {
            naked_asm! {
                cpu!(),
                "push {{r4-r11, lr}}",
                "ldr lr, [sp, #36]",                // pairs
                "add r12, r2, r3",
                "add r12, r12, r3, lsl #1",
                "20:",
                "ldr r4, [r0]",
                "ldr r5, [r0, r1]",
                "add r0, r0, r1, lsl #1",
                concat!($wide, " r6, r4"),
                concat!($wide, " r7, r4, ror #8"),
                concat!($wide, " r8, r5"),
                concat!($wide, " r9, r5, ror #8"),
                "pkhbt r10, r6, r8, lsl #16",       // channel 0 of both pixels
                "pkhtb r11, r8, r6, asr #16",       // channel 2
                "pkhbt r6, r7, r9, lsl #16",        // channel 1
                "pkhtb r7, r9, r7, asr #16",        // channel 3
                "str r6, [r2, r3]",
                "str r11, [r2, r3, lsl #1]",
                "str r10, [r2], #4",
                "str r7, [r12], #4",
                "subs lr, #1",
                "bne 20b",
                "pop {{r4-r11, pc}}",
            }
        }
    };
}
spread!(spread_signed, "sxtb16");
spread!(spread_unsigned, "uxtb16");
