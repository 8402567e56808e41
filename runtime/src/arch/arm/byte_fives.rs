// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sums of bytes with weights of -1, 0 and 1, five to a byte, on Armv7E-M and Armv8-M: tables of 16-bit sums, two to a word, of four
//! groups of five inputs at once.
use super::super::super::terms::fives::WordTable;
use super::asm::block;
use core::arch::naked_asm;

/// Stores a word of sums of three inputs: those of `$base` and those of the last input in `$last`.
macro_rules! three {
    ($at:literal, $base:literal, $last:literal) => {
        block!(concat!("sadd16 r0, ", $base, ", ", $last), concat!("str r0, [sp, #", $at, "]"))
    };
    ($at:literal, $low:literal, $high:literal, $last:literal) => {
        block!(concat!("pkhbt r0, ", $low, ", ", $high, ", lsl #16"), three!($at, "r0", $last))
    };
}

/// Seven words of two sums of three inputs, each with those of the two in `r3` added.
macro_rules! seven {
    () => {
        block!(
            "ldmia r0!, {{r4-r10}}",
            "sadd16 r4, r4, r3",
            "sadd16 r5, r5, r3",
            "sadd16 r6, r6, r3",
            "sadd16 r7, r7, r3",
            "sadd16 r8, r8, r3",
            "sadd16 r9, r9, r3",
            "sadd16 r10, r10, r3",
            "stmia r1!, {{r4-r10}}",
        )
    };
}

/// The sums of all bytes of five inputs, two 16-bit numbers to a word.
///
/// # Safety
/// Five numbers may be read at `x`, and 126 words written at `table`.
// r0: x, then a word, then the next of the sums of three
// r1: table
// First, sums of two inputs, each twice in a word, behind 14 words at sp:
// r2-r10: -(x0 + x1), -x0, x1 - x0, -x1, 0, x1, x0 - x1, x0, x0 + x1
// Then sums of three inputs, at sp:
// r2-r5: x2 + x3, x2 - x3, x2, x3, each twice
// r6-r9: their opposites
// r10, r11, r12: the last input as (-x4, 0), (x4, -x4), (0, x4)
// Then sums of five:
// r3: a sum of two
// r4-r10: sums of three, then of five
// r11: sums of two that are left
// r12: the next of them
#[unsafe(naked)]
pub(super) unsafe extern "C" fn fill_words(x: *const i8, table: *mut u32) {
    naked_asm! {
        ".arch armv7e-m",
        "push {{r4-r11}}",
        "sub sp, #96",
        "ldrsb r9, [r0]",
        "ldrsb r7, [r0, #1]",
        "pkhbt r9, r9, r9, lsl #16",
        "pkhbt r7, r7, r7, lsl #16",
        "sadd16 r10, r9, r7",
        "ssub16 r8, r9, r7",
        "mov r6, #0",
        "ssub16 r2, r6, r10",
        "ssub16 r3, r6, r9",
        "ssub16 r4, r6, r8",
        "ssub16 r5, r6, r7",
        "add r12, sp, #56",
        "stmia r12, {{r2-r10}}",
        "ldrsb r4, [r0, #2]",
        "ldrsb r5, [r0, #3]",
        "ldrsb r0, [r0, #4]",
        "pkhbt r4, r4, r4, lsl #16",
        "pkhbt r5, r5, r5, lsl #16",
        "sadd16 r2, r4, r5",
        "ssub16 r3, r4, r5",
        "ssub16 r7, r6, r4",
        "ssub16 r8, r6, r3",
        "ssub16 r9, r6, r5",
        "ssub16 r6, r6, r2",
        "rsb r10, r0, #0",
        "pkhbt r11, r0, r10, lsl #16",
        "uxth r10, r10",
        "lsl r12, r0, #16",
        three!(0, "r6", "r10"),
        three!(4, "r6", "r7", "r11"),
        three!(8, "r7", "r12"),
        three!(12, "r8", "r10"),
        three!(16, "r8", "r9", "r11"),
        three!(20, "r9", "r12"),
        "str r10, [sp, #24]",
        "lsl r0, r5, #16",                // 0 and x3
        three!(28, "r0", "r11"),
        three!(32, "r5", "r12"),
        three!(36, "r3", "r10"),
        three!(40, "r3", "r4", "r11"),
        three!(44, "r4", "r12"),
        three!(48, "r2", "r10"),
        three!(52, "r2", "r11"),
        "add r12, sp, #56",
        "mov r11, #9",
        "20:",
        "ldr r3, [r12], #4",
        "mov r0, sp",
        seven!(),
        seven!(),
        "subs r11, #1",
        "bne 20b",
        "add sp, #96",
        "pop {{r4-r11}}",
        "bx lr",
    }
}

/// Adds what the bytes of four groups name to a sum, and goes to the next column.
macro_rules! column {
    ($sum:literal) => {
        block!(
            "ldrb r12, [r4, r5]",
            "ldrsh r12, [r1, r12, lsl #1]",
            concat!("add ", $sum, ", ", $sum, ", r12"),
            "ldrb r12, [r4, r5, lsl #1]",
            "ldrsh r12, [r2, r12, lsl #1]",
            concat!("add ", $sum, ", ", $sum, ", r12"),
            "ldrb r12, [r4, r6]",
            "ldrsh r12, [r3, r12, lsl #1]",
            concat!("add ", $sum, ", ", $sum, ", r12"),
            "ldrb r12, [r4], #1",
            "ldrsh r12, [r0, r12, lsl #1]",
            concat!("add ", $sum, ", ", $sum, ", r12"),
        )
    };
}

/// Adds to each sum what its bytes of four groups name, for `eights * 8` columns; `eights` is at least 1.
///
/// # Safety
/// There are four tables; so many bytes may be read from each of four places that lie `pitch` apart, and so many sums read and
/// written.
// r0-r3: tables
// r4: bytes of the first group
// r5, r6: pitch, and three times that
// r7: sums
// r8-r11: sums of four columns
// r12: a byte, then what it names
// lr: eights left
#[unsafe(naked)]
pub(super) unsafe extern "C" fn add_words(
    tables: *const WordTable,
    bytes: *const u8,
    pitch: usize,
    sums: *mut i32,
    eights: usize,
) {
    naked_asm! {
        "push {{r4-r11, lr}}",
        "ldr lr, [sp, #36]",          // eights
        "mov r4, r1",
        "mov r5, r2",
        "add r6, r2, r2, lsl #1",
        "mov r7, r3",
        "add r1, r0, #512",
        "add r2, r0, #1024",
        "add r3, r0, #1536",
        "20:",
        "ldmia r7, {{r8-r11}}",
        column!("r8"),
        column!("r9"),
        column!("r10"),
        column!("r11"),
        "stmia r7!, {{r8-r11}}",
        "ldmia r7, {{r8-r11}}",
        column!("r8"),
        column!("r9"),
        column!("r10"),
        column!("r11"),
        "stmia r7!, {{r8-r11}}",
        "subs lr, #1",
        "bne 20b",
        "pop {{r4-r11, pc}}",
    }
}
