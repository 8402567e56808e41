// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Adds two quantized tensors on Armv7E-M and Armv8-M with an FPU.
use super::super::super::terms::quant::Residual;
use super::super::byte::Byte;
use super::asm::block;
use super::cpu::cpu;
use super::finish::{Bounds, between, is_signed};
use core::arch::naked_asm;

/// The parameters of the loop, which knows the offsets of the fields.
#[repr(C)]
struct Addition {
    bounds: Bounds,
    sum_zero: i32,
    other_zero: i32,
    sum_scale: f32,
    other_scale: f32,
    scale: f32,
}

/// Adds `count` finished sums to the outputs.
///
/// # Safety
/// `sums` and `y` have `count` elements.
#[inline(always)]
pub unsafe fn add<Y: Byte>(r: &Residual, sums: &[Y], y: &mut [Y], count: usize) {
    const { assert!(size_of::<Y>() == 1) };
    let task = Addition {
        bounds: Bounds::between(&r.range),
        sum_zero: r.sum.zero,
        other_zero: r.other.zero,
        sum_scale: r.sum.scale,
        other_scale: r.other.scale,
        scale: r.scale,
    };
    let loop_of = if is_signed::<Y>() { add_signed } else { add_unsigned };
    if count > 0 {
        // SAFETY: the caller's promise.
        unsafe { loop_of(&task, sums.as_ptr().cast(), y.as_mut_ptr().cast(), count) }
    }
}

macro_rules! add {
    ($name:ident, $load:literal) => {
        /// [`add`] for one type.
        ///
        /// # Safety
        /// There are `count` sums and outputs, and `count` is at least 1.
        // r0: the task, then a sum, then the result
        // r1: sums
        // r2: y
        // r3: elements left
        // r4, r5, r6: the bounds
        // r7, r8: the zero points of sum and output
        // r9: an output
        // s0, s1: sum and output as floats
        // s4, s5, s6: the scales of sum, output and result
        #[unsafe(naked)]
        unsafe extern "C" fn $name(task: *const Addition, sums: *const u8, y: *mut u8, count: usize) {
            naked_asm! {
                cpu!(),
                "push {{r4-r9, lr}}",
                "add r4, r0, #20",
                "vldmia r4, {{s4-s6}}",
                "ldmia r0, {{r4-r8}}",
                "20:",
                concat!($load, " r0, [r1], #1"),
                concat!($load, " r9, [r2]"),
                "sub r0, r7",
                "sub r9, r8",
                "vmov s0, s1, r0, r9",
                "vcvt.f32.s32 s0, s0",
                "vcvt.f32.s32 s1, s1",
                "vmul.f32 s0, s0, s4",
                "vmul.f32 s1, s1, s5",
                "vadd.f32 s0, s1, s0",
                "vdiv.f32 s0, s0, s6",
                "vcvtr.s32.f32 s0, s0",
                "vmov r0, s0",
                between!("r0"),
                "strb r0, [r2], #1",
                "subs r3, #1",
                "bne 20b",
                "pop {{r4-r9, pc}}",
            }
        }
    };
}
add!(add_signed, "ldrsb");
add!(add_unsigned, "ldrb");
