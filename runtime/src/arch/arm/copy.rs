// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Copies and fills memory on Armv7E-M and Armv8-M, in a few instructions. The functions of `core` for that are many times
//! as long.
use core::arch::naked_asm;

/// Copies `count` bytes, the first one first.
///
/// # Safety
/// `count` bytes may be read at `from` and written at `to`.
// r0: to
// r1: from
// r2: bytes left
// r3: what is copied
#[unsafe(naked)]
pub unsafe extern "C" fn copy(to: *mut u8, from: *const u8, count: usize) {
    naked_asm! {
        "subs r2, #4",
        "blo 21f",
        "20:",                // words
        "ldr r3, [r1], #4",
        "str r3, [r0], #4",
        "subs r2, #4",
        "bhs 20b",
        "21:",                // the bytes that are left
        "adds r2, #4",
        "beq 23f",
        "22:",
        "ldrb r3, [r1], #1",
        "strb r3, [r0], #1",
        "subs r2, #1",
        "bne 22b",
        "23:",
        "bx lr",
    }
}

/// Writes `count` bytes: those of `word`, again and again.
///
/// # Safety
/// `count` bytes may be written at `to`.
// r0: to
// r1: word
// r2: bytes left
#[unsafe(naked)]
pub unsafe extern "C" fn fill(to: *mut u8, word: u32, count: usize) {
    naked_asm! {
        "subs r2, #4",
        "blo 21f",
        "20:",                // words
        "str r1, [r0], #4",
        "subs r2, #4",
        "bhs 20b",
        "21:",                // the bytes that are left
        "adds r2, #4",
        "beq 23f",
        "22:",
        "strb r1, [r0], #1",
        "subs r2, #1",
        "bne 22b",
        "23:",
        "bx lr",
    }
}

/// Copies `fours * 4` words, the first one first; `fours` is at least 1.
///
/// # Safety
/// So many words may be read at `from` and written at `to`.
// r0: to
// r1: from
// r2: fours left
// r3, r4, r5, r12: what is copied
#[unsafe(naked)]
pub unsafe extern "C" fn shift(to: *mut u32, from: *const u32, fours: usize) {
    naked_asm! {
        "push {{r4, r5}}",
        "20:",
        "ldmia r1!, {{r3-r5, r12}}",
        "stmia r0!, {{r3-r5, r12}}",
        "subs r2, #1",
        "bne 20b",
        "pop {{r4, r5}}",
        "bx lr",
    }
}
