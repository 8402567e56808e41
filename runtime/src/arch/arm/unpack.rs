// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sparse weights become dense ones on Armv7E-M and Armv8-M: a shift of the bitmap's byte tells of two weights, the next value is
//! loaded where a bit says so.
use super::super::super::terms::sparse::{EIGHT, Typed, Value, Weights};
use super::super::isa::Numerics;
use super::super::unpack::UnpackCpu;
use super::asm::block;
use super::dsp::Dsp;
use core::arch::naked_asm;

impl<N: Numerics> UnpackCpu for Dsp<N> {
    #[inline(always)]
    fn unpack<T: Value>(self, w: &mut Weights<'_, T>, to: &mut [T]) {
        let mut done = 0;
        loop {
            let left = to.get_mut(done..).unwrap_or(&mut []);
            // No byte of the bitmap takes more than eight values.
            let (wanted, there) = (left.len() / EIGHT, w.values.len() / EIGHT);
            let bytes = if wanted < there { wanted } else { there };
            let bytes = if bytes < w.mask.len() { bytes } else { w.mask.len() };
            let (mask, masks) = w.mask.split_at_checked(bytes).unwrap_or((&[], w.mask));
            if bytes == 0 {
                break;
            }
            // SAFETY: the bitmap has so many bytes, and there are eight values and eight weights for each.
            let taken = unsafe {
                match T::typed(w.values, left) {
                    Typed::Floats(values, to) => unpack_floats(mask.as_ptr(), values.as_ptr(), to.as_mut_ptr(), bytes)
                        .offset_from(values.as_ptr()),
                    Typed::Bytes(values, to) => unpack_bytes(mask.as_ptr(), values.as_ptr(), to.as_mut_ptr(), bytes)
                        .offset_from(values.as_ptr()),
                }
            };
            *w = Weights { mask: masks, values: w.values.get(taken as usize..).unwrap_or(&[]) };
            done += bytes * EIGHT;
        }
        w.unpack(to.get_mut(done..).unwrap_or(&mut []));
    }
}

/// Two weights, whose bits are the carry and the sign after a shift.
macro_rules! two {
    ($shift:literal, $load:literal, $step:literal, $first:literal, $second:literal) => {
        block!(
            concat!("lsls r12, r12, #", $shift),
            "it cs",
            concat!($load, "cs ", $first, ", [r1], #", $step),
            "it mi",
            concat!($load, "mi ", $second, ", [r1], #", $step),
        )
    };
}

/// A loop over bytes of the bitmap, with what stores their weights.
macro_rules! bytes {
    ($load:literal, $step:literal, $($store:literal),* $(,)?) => {
        naked_asm! {
            ".arch armv7e-m",
            "push {{r4-r11, lr}}",
            "mov r4, #0",
            "mov r5, #0",
            "mov r6, #0",
            "mov r7, #0",
            "mov r8, #0",
            "mov r9, #0",
            "mov r10, #0",
            "mov r11, #0",
            "push {{r4-r11}}",            // eight zeros
            "20:",
            "ldrb r12, [r0], #1",
            "ldm sp, {{r4-r11}}",
            "rbit r12, r12",
            two!("1", $load, $step, "r4", "r5"),
            two!("2", $load, $step, "r6", "r7"),
            two!("2", $load, $step, "r8", "r9"),
            two!("2", $load, $step, "r10", "r11"),
            $($store,)*
            "subs r3, #1",
            "bne 20b",
            "mov r0, r1",
            "add sp, #32",
            "pop {{r4-r11, pc}}",
        }
    };
}

/// Unpacks eight weights for each of `bytes` bytes of the bitmap, at least one. Gives what follows the last value.
///
/// # Safety
/// So many bytes may be read, as many values as they have bits, and eight times as many weights written.
// r0: bitmap
// r1: values
// r2: weights
// r3: bytes left
// r4-r11: weights
// r12: a byte
#[unsafe(naked)]
unsafe extern "C" fn unpack_floats(mask: *const u8, values: *const f32, to: *mut f32, bytes: usize) -> *const f32 {
    bytes! {
        "ldr", "4",
        "stmia r2!, {{r4-r11}}",
    }
}

/// The same of bytes.
///
/// # Safety
/// As of [`unpack_floats`].
#[unsafe(naked)]
unsafe extern "C" fn unpack_bytes(mask: *const u8, values: *const i8, to: *mut i8, bytes: usize) -> *const i8 {
    bytes! {
        "ldrb", "1",
        "orr r4, r4, r5, lsl #8",
        "orr r4, r4, r6, lsl #16",
        "orr r4, r4, r7, lsl #24",
        "orr r8, r8, r9, lsl #8",
        "orr r8, r8, r10, lsl #16",
        "orr r8, r8, r11, lsl #24",
        "str r4, [r2], #4",           // they may lie anywhere
        "str r8, [r2], #4",
    }
}
