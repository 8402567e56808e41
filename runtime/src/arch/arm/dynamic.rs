// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of numbers that are quantized as they come, on Armv7E-M and Armv8-M with DSP instructions and an FPU.
use super::super::super::terms::dual::FOUR;
use super::super::super::terms::dynamic::{Row, Scale};
use super::super::compact::Compact;
use super::super::dynamic::Dynamic;
use super::super::isa::Numerics;
use super::asm::block;
use super::cpu::cpu;
use super::dsp::Dsp;
use super::quad::quad_of_columns;
use core::arch::naked_asm;

impl<N: Numerics> Dynamic for Compact<Dsp<N>> {
    #[inline(always)]
    unsafe fn quantize(self, x: &[f32], scale: Scale, quads: usize, patch: &mut [u32]) -> i32 {
        if quads == 0 {
            return 0;
        }
        // SAFETY: the caller's promise.
        unsafe { quantize(x.as_ptr(), patch.as_mut_ptr(), quads, i32::from(scale.zero), scale.scale) }
    }

    #[inline(always)]
    unsafe fn columns(self, row: &Row<'_>, columns: usize, y: &mut [f32]) {
        if columns == 0 {
            return;
        }
        let of = row.columns;
        let mut task = Columns {
            sums: of.sums.as_ptr(),
            patch: row.patch.as_ptr(),
            fours: row.quads / FOUR,
            ones: row.quads % FOUR,
            w: row.w.as_ptr(),
            less: -i32::from(row.scale.zero),
            more: row.more,
            scale: row.scale.scale,
            multiplier: of.multiplier.as_ptr(),
            bias: if of.bias.is_empty() { core::ptr::null() } else { of.bias.as_ptr() },
            y: y.as_mut_ptr(),
            columns,
        };
        // SAFETY: the caller's promise.
        unsafe { products(&mut task) }
    }
}

/// The bytes of `quads * 4` numbers, widened, and their sum; `quads` is at least 1.
///
/// # Safety
/// So many numbers may be read, and `quads * 2` words written.
// r0: numbers
// r1: words
// r2: quads left
// r3: zero point
// r4 to r7: bytes
// r8: a one in each half
// r12: sum
// s0: scale
// s4-s7: numbers
#[unsafe(naked)]
unsafe extern "C" fn quantize(x: *const f32, patch: *mut u32, quads: usize, zero: i32, scale: f32) -> i32 {
    naked_asm! {
        cpu!(),
        "push {{r4-r8, lr}}",
        "mov r12, #0",
        "mov r8, #0x00010001",
        "20:",
        "vldmia r0!, {{s4-s7}}",
        "vdiv.f32 s4, s4, s0",
        "vdiv.f32 s5, s5, s0",
        "vdiv.f32 s6, s6, s0",
        "vdiv.f32 s7, s7, s0",
        "vcvtr.s32.f32 s4, s4",
        "vcvtr.s32.f32 s5, s5",
        "vcvtr.s32.f32 s6, s6",
        "vcvtr.s32.f32 s7, s7",
        "vmov r4, r5, s4, s5",
        "vmov r6, r7, s6, s7",
        "add r4, r3",
        "usat r4, #8, r4",
        "add r5, r3",
        "usat r5, #8, r5",
        "add r6, r3",
        "usat r6, #8, r6",
        "add r7, r3",
        "usat r7, #8, r7",
        "pkhbt r4, r4, r6, lsl #16",
        "pkhbt r5, r5, r7, lsl #16",
        "smlad r12, r4, r8, r12",
        "smlad r12, r5, r8, r12",
        "stmia r1!, {{r4, r5}}",
        "subs r2, #1",
        "bne 20b",
        "mov r0, r12",
        "pop {{r4-r8, pc}}",
    }
}

/// What the loop over the columns of a row reads and moves on. It knows the offsets of the fields.
#[repr(C)]
struct Columns {
    sums: *const i32,
    patch: *const u32,
    /// Rounds of four quads.
    fours: usize,
    /// The quads that are left after them.
    ones: usize,
    w: *const i8,
    /// What the sum of a column's weights is multiplied by: the zero point, less than nothing.
    less: i32,
    more: i32,
    scale: f32,
    multiplier: *const f32,
    bias: *const f32,
    y: *mut f32,
    columns: usize,
}

/// The columns of a row, four at a time.
///
/// # Safety
/// All that the task points to may be read and written; there are at least four columns and one quad.
// Registers as in `quad_of_columns`, besides:
// lr: rounds left, then quads left, then the task
// [sp]: the task
// After the products: r4: the fields that move on; r5: multipliers; r6: bias; r7: y; r8: columns left
// s0-s3: sums, then results
// s4-s7: multipliers, then bias
// s8: scale
#[unsafe(naked)]
unsafe extern "C" fn products(columns: *mut Columns) {
    naked_asm! {
        cpu!(),
        "push {{r0, r4-r11, lr}}",
        "mov lr, r0",
        "ldr r10, [lr, #16]",           // w
        "20:",                          // four columns
        "ldr r4, [lr]",
        "ldmia r4!, {{r0-r3}}",
        "str r4, [lr]",
        "ldrd r5, r6, [lr, #20]",       // less and more
        "mla r0, r0, r5, r6",
        "mla r1, r1, r5, r6",
        "mla r2, r2, r5, r6",
        "mla r3, r3, r5, r6",
        "ldrd r11, r12, [lr, #4]",      // patch and fours
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
        "ldr lr, [lr, #12]",            // ones
        "cmp lr, #0",
        "beq 24f",
        "23:",
        quad_of_columns!(),
        "subs lr, #1",
        "bne 23b",
        "24:",                          // the results
        "ldr lr, [sp]",
        "vmov s0, s1, r0, r1",
        "vmov s2, s3, r2, r3",
        "vldr s8, [lr, #28]",           // scale
        "add r4, lr, #32",
        "ldmia r4, {{r5-r8}}",
        "vldmia r5!, {{s4-s7}}",
        "vcvt.f32.s32 s0, s0",
        "vcvt.f32.s32 s1, s1",
        "vcvt.f32.s32 s2, s2",
        "vcvt.f32.s32 s3, s3",
        "vmul.f32 s4, s4, s8",
        "vmul.f32 s5, s5, s8",
        "vmul.f32 s6, s6, s8",
        "vmul.f32 s7, s7, s8",
        "vmul.f32 s0, s0, s4",
        "vmul.f32 s1, s1, s5",
        "vmul.f32 s2, s2, s6",
        "vmul.f32 s3, s3, s7",
        "cmp r6, #0",
        "beq 25f",
        "vldmia r6!, {{s4-s7}}",
        "vadd.f32 s0, s0, s4",
        "vadd.f32 s1, s1, s5",
        "vadd.f32 s2, s2, s6",
        "vadd.f32 s3, s3, s7",
        "25:",
        "vstmia r7!, {{s0-s3}}",
        "subs r8, #4",
        "stmia r4, {{r5-r8}}",
        "bne 20b",
        "pop {{r0, r4-r11, pc}}",
    }
}
