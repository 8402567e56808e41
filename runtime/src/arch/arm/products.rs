// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of bytes on Armv7E-M and Armv8-M with DSP instructions and an FPU: the columns of four pixels, or of one.
//!
//! Inputs are widened ahead, weights as they are used. A quad is four inputs of a pixel and their four weights, of which
//! `smlad` multiplies and adds the first and third, then the second and fourth.
use super::super::super::terms::dual::{FOUR, Products};
use super::super::byte::Byte;
use super::asm::block;
use super::cpu::cpu;
use super::finish::{Bounds, between, others, saturate, scale};
use super::quad::quad_of_columns;
use core::arch::naked_asm;

/// What the loop over the columns of four pixels reads and moves on. It knows the offsets of the fields.
#[repr(C)]
struct Columns {
    bounds: Bounds,
    y: *mut u8,
    multiplier: *const f32,
    pitch: usize,
    /// Three times the pitch.
    pitch3: usize,
    /// The end of the multipliers.
    end: *const f32,
    bias: *const i32,
    /// Quads that the first round leaves out, of four.
    skip: usize,
    patch: *const u32,
    /// Rounds of four quads.
    rounds: usize,
    w: *const i8,
}

/// What the loop over the columns of one pixel reads; it counts the columns. It knows the offsets of the fields.
#[repr(C)]
struct Panels {
    bias: *const i32,
    column: usize,
    patch: *const u32,
    /// Rounds of four quads.
    fours: usize,
    w: *const i8,
    /// The quads that are left after them.
    ones: usize,
    bounds: Bounds,
    y: *mut u8,
    pitch: usize,
    multiplier: *const f32,
    columns: usize,
}

/// Computes the columns of four pixels, at least one column.
///
/// # Safety
/// The operands of all products may be read, and the outputs written.
#[inline(always)]
pub unsafe fn pixels<Y: Byte>(p: &Products<'_>, columns: usize, y: &mut [Y], pitch: usize) {
    const { assert!(size_of::<Y>() == 1) };
    let mut task = Columns {
        bounds: Bounds::new(&p.range),
        y: y.as_mut_ptr().cast(),
        multiplier: p.multiplier.as_ptr(),
        pitch,
        pitch3: 3 * pitch,
        end: p.multiplier.as_ptr().wrapping_add(columns),
        bias: p.bias.as_ptr(),
        skip: p.quads.wrapping_neg() % 4,
        patch: p.patch.as_ptr(),
        rounds: p.quads.div_ceil(4),
        w: p.w.as_ptr(),
    };
    // SAFETY: the caller's promise.
    unsafe { products(&mut task) }
}

/// Computes the columns of one pixel, a multiple of four.
///
/// # Safety
/// The operands of all products may be read, and the outputs written.
#[inline(always)]
pub unsafe fn pixel<Y: Byte>(p: &Products<'_>, columns: usize, y: &mut [Y]) {
    const { assert!(size_of::<Y>() == 1) };
    if columns == 0 {
        return;
    }
    let mut task = Panels {
        bias: p.bias.as_ptr(),
        column: 0,
        patch: p.patch.as_ptr(),
        fours: p.quads / FOUR,
        w: p.w.as_ptr(),
        ones: p.quads % FOUR,
        bounds: Bounds::new(&p.range),
        y: y.as_mut_ptr().cast(),
        pitch: 0,
        multiplier: p.multiplier.as_ptr(),
        columns,
    };
    // SAFETY: the caller's promise.
    unsafe { products_one(&mut task) }
}

/// Four inputs of four pixels times the weights of a column.
// r0 to r3: the sums of the four pixels
// r4 to r7: two inputs of each pixel
// r8: four weights, then the second and fourth of them
// r9: the first and third weight
// r10: the next weights
// r11: the next inputs
macro_rules! quad_of_pixels {
    () => {
        block! {
            "ldmia r11!, {{r4-r7}}",
            "ldr r8, [r10], #4",
            "sxtb16 r9, r8",
            "smlad r0, r4, r9, r0",
            "smlad r1, r5, r9, r1",
            "smlad r2, r6, r9, r2",
            "smlad r3, r7, r9, r3",
            "ldmia r11!, {{r4-r7}}",
            "sxtb16 r8, r8, ror #8",
            "smlad r0, r4, r8, r0",
            "smlad r1, r5, r8, r1",
            "smlad r2, r6, r8, r2",
            "smlad r3, r7, r8, r3",
        }
    };
}

/// The columns of four pixels, one column at a time.
///
/// # Safety
/// All that the task points to may be read and written; there is at least one column and one quad.
// Registers as in `quad_of_pixels`, besides:
// r4: the bias of the column; r5: quads that the first round leaves out
// r12: rounds left
// lr: the second half of the task, from `bias` on
// After the products: r4 to r6: the bounds; r7: y; r8: multipliers and r12: their end; r9, r11: pitch and pitch3
#[unsafe(naked)]
unsafe extern "C" fn products(columns: *mut Columns) {
    naked_asm! {
        cpu!(),
        "push {{r4-r11, lr}}",
        "add lr, r0, #32",
        "ldr r10, [lr, #16]",           // w
        "20:",                          // a column
        "ldmia lr, {{r4, r5, r11, r12}}",
        "ldr r0, [r4], #4",             // the sums start from the bias
        "str r4, [lr]",
        "mov r1, r0",
        "mov r2, r0",
        "mov r3, r0",
        "tbb [pc, r5]",                 // into the middle of the first round
        "21:",
        ".byte (22f - 21b) / 2, (23f - 21b) / 2, (24f - 21b) / 2, (25f - 21b) / 2",
        "22:",                          // a round
        quad_of_pixels!(),
        "23:",
        quad_of_pixels!(),
        "24:",
        quad_of_pixels!(),
        "25:",
        quad_of_pixels!(),
        "subs r12, #1",
        "bne 22b",
        "ldmdb lr, {{r4-r9, r11, r12}}", // the first half of the task
        scale!("vldmia r8!, {{s4}}"; "s4" "s4" "s4" "s4"),
        "strb r1, [r7, r9]",
        "strb r2, [r7, r9, lsl #1]",
        "strb r3, [r7, r11]",
        "strb r0, [r7], #1",
        "strd r7, r8, [lr, #-20]",      // y and multiplier move on
        "cmp r8, r12",
        "bne 20b",
        "pop {{r4-r11, pc}}",
        others!(),
    }
}

/// Joins the bytes in r0 to r3, and stores them at r7.
macro_rules! store {
    () => {
        block! {
            "bfi r0, r1, #8, #8",
            "bfi r2, r3, #8, #8",
            "bfi r0, r2, #16, #16",
            "str r0, [r7]",
        }
    };
}

/// The columns of one pixel, four at a time.
///
/// # Safety
/// All that the task points to may be read and written; there are at least four columns and one quad.
// Registers as in `quad_of_columns`, besides:
// lr: rounds left, then quads left
// [sp]: the task
// After the products: r4 to r6: the bounds; r7: y; r9: multipliers; r11: columns; r12: column; lr: the task
#[unsafe(naked)]
unsafe extern "C" fn products_one(panels: *mut Panels) {
    naked_asm! {
        cpu!(),
        "push {{r0, r4-r11, lr}}",
        "mov lr, r0",
        "ldr r10, [lr, #16]",           // w
        "20:",                          // four columns
        "ldmia lr, {{r4, r5, r11, r12}}",
        "add r4, r4, r5, lsl #2",       // bias + column
        "ldmia r4, {{r0-r3}}",
        "movs lr, r12",
        "beq 22f",
        "21:",                          // a round of four quads
        quad_of_columns!(),
        quad_of_columns!(),
        quad_of_columns!(),
        quad_of_columns!(),
        "subs lr, #1",
        "bne 21b",
        "22:",                          // the quads that are left
        "ldr lr, [sp]",
        "ldr lr, [lr, #20]",            // ones
        "cmp lr, #0",
        "beq 24f",
        "23:",
        quad_of_columns!(),
        "subs lr, #1",
        "bne 23b",
        "24:",                          // the results
        "ldr lr, [sp]",
        "ldr r12, [lr, #4]",            // column
        "add r4, lr, #24",
        "ldmia r4, {{r4-r9, r11}}",     // bounds to columns
        scale!(block! {
            "add r9, r9, r12, lsl #2",
            "vldmia r9, {{s4-s7}}",
        }; "s4" "s5" "s6" "s7"),
        "add r7, r12",
        store!(),
        "add r12, #4",
        "str r12, [lr, #4]",
        "cmp r12, r11",
        "bne 20b",
        "pop {{r0, r4-r11, pc}}",
        others!(),
    }
}
