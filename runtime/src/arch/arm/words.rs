// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of 16-bit numbers with bytes on Armv7E-M and Armv8-M with DSP instructions: `sxtb16` widens the first and third byte
//! of a quad of weights, and of the rotated quad the second and fourth; `smlad` multiplies two numbers and adds both products.
use super::super::super::terms::wide::{COLUMNS, QUADS};
use super::super::compact::Compact;
use super::super::isa::Numerics;
use super::super::words::{WideQuad, WideSums, Words};
use super::asm::block;
use super::cpu::cpu;
use super::dsp::Dsp;
use super::quad::quad_of_columns;
use core::arch::naked_asm;

impl<N: Numerics> Words for Compact<Dsp<N>> {
    #[inline(always)]
    fn add_words<const R: usize>(self, x: &[WideQuad<R>], w: &[[i8; QUADS]], sums: &mut WideSums<R>) {
        const { assert!(R == 1 || R == 4) };
        let quads = if x.len() < w.len() { x.len() } else { w.len() };
        if quads == 0 {
            return;
        }
        let (x, w, sums) = (x.as_ptr().cast(), w.as_ptr().cast(), sums.as_mut_ptr().cast::<i32>());
        // SAFETY: there are so many quads of both, and the sums of a panel for each of the pixels.
        unsafe {
            if R == 4 {
                pixels(sums, w, x, quads);
            } else {
                columns(sums, w, x, quads);
                columns(sums.wrapping_add(COLUMNS / 2), w.wrapping_add(QUADS / 2), x, quads);
            }
        }
    }
}

/// Four inputs of four pixels times the weights of a column.
// r1: the next weights
// r2: the next inputs
// r4 to r7: the sums of the four pixels
// r8 to r11: the inputs of two pixels
// r12: the first and third weight
// lr: the weights, then the second and fourth
macro_rules! quad_of_pixels {
    () => {
        block! {
            "ldr lr, [r1], #32",
            "ldmia r2!, {{r8-r11}}",
            "sxtb16 r12, lr",
            "sxtb16 lr, lr, ror #8",
            "smlad r4, r8, r12, r4",
            "smlad r4, r9, lr, r4",
            "smlad r5, r10, r12, r5",
            "smlad r5, r11, lr, r5",
            "ldmia r2!, {{r8-r11}}",
            "smlad r6, r8, r12, r6",
            "smlad r6, r9, lr, r6",
            "smlad r7, r10, r12, r7",
            "smlad r7, r11, lr, r7",
        }
    };
}

/// The columns of a panel for four pixels.
///
/// # Safety
/// So many quads of weights and inputs may be read, at least one; there are sums of eight columns for each pixel.
// r0: the sums of the column
// r1, r2, and r4 to lr: see `quad_of_pixels`
// r3: quads left
// on the stack: the weights of the column, the inputs, the quads, the end of the first pixel's sums
#[unsafe(naked)]
unsafe extern "C" fn pixels(sums: *mut i32, w: *const i8, x: *const u32, quads: usize) {
    naked_asm! {
        cpu!(),
        "push {{r4-r11, lr}}",
        "add r12, r0, #32",
        "push {{r1-r3, r12}}",
        "20:",
        "ldm sp, {{r1-r3}}",
        "ldr r4, [r0]",
        "ldr r5, [r0, #32]",
        "ldr r6, [r0, #64]",
        "ldr r7, [r0, #96]",
        "lsrs r3, #1",
        "bcc 21f",
        quad_of_pixels!(),
        "cbz r3, 22f",
        "21:",
        quad_of_pixels!(),
        quad_of_pixels!(),
        "subs r3, #1",
        "bne 21b",
        "22:",
        "str r5, [r0, #32]",
        "str r6, [r0, #64]",
        "str r7, [r0, #96]",
        "str r4, [r0], #4",
        "ldr r1, [sp]",
        "adds r1, #4",
        "str r1, [sp]",
        "ldr r12, [sp, #12]",
        "cmp r0, r12",
        "bne 20b",
        "add sp, #16",
        "pop {{r4-r11, pc}}",
    }
}

/// Four columns of a panel for one pixel.
///
/// # Safety
/// So many quads of weights and inputs may be read, at least one; there are four sums.
// r0 to r12: see `quad_of_columns`
// lr: quads left
// on the stack: the sums
#[unsafe(naked)]
unsafe extern "C" fn columns(sums: *mut i32, w: *const i8, x: *const u32, quads: usize) {
    naked_asm! {
        cpu!(),
        "push {{r0, r4-r11, lr}}",
        "mov r10, r1",
        "mov r11, r2",
        "mov lr, r3",
        "ldm r0, {{r0-r3}}",
        "20:",
        quad_of_columns!(),
        "adds r10, #16",
        "subs lr, #1",
        "bne 20b",
        "ldr r12, [sp], #4",
        "stm r12, {{r0-r3}}",
        "pop {{r4-r11, pc}}",
    }
}
