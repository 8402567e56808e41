// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of one row with columns that are dense, on Armv7E-M and Armv8-M with an FPU: four columns at a time, whose sums stay in
//! registers. In assembly, so that it is as fast in small code.
use super::super::super::terms::scores::Scores;
use super::asm::block;
use core::arch::naked_asm;

/// Columns that are computed together.
const FOUR: usize = 4;

/// What the loop reads. It knows the order of the fields.
#[repr(C)]
struct Task {
    x: *const f32,
    w: *const f32,
    /// From a column to the next, in bytes.
    pitch: usize,
    /// Elements of the row.
    depth: usize,
    y: *mut f32,
    /// Times four columns, at least 1.
    fours: usize,
}

/// Adds all products, each by one fused multiply-add.
///
/// # Safety
/// All columns lie inside.
#[inline(never)]
pub unsafe fn scores(p: &mut Scores<'_>) {
    let (x, depth) = (p.x.as_ptr(), p.x.len());
    let (pitch, fours) = (4 * p.pitch, p.y.len() / FOUR);
    if fours > 0 {
        // SAFETY: the caller's promise; there are so many sums.
        unsafe { four(&Task { x, w: p.w.as_ptr(), pitch, depth, y: p.y.as_mut_ptr(), fours }) };
    }
    let (done, columns) = (FOUR * fours, p.y.len());
    if done < columns {
        // The last ones with a column of their own again: its sums are thrown away.
        for j in done..columns {
            let mut sums = [p.y.get(j).copied().unwrap_or(0.0); FOUR];
            // SAFETY: as above; all four are the same column.
            unsafe {
                four(&Task {
                    x,
                    w: p.w.as_ptr().wrapping_add(j * p.pitch),
                    pitch: 0,
                    depth,
                    y: sums.as_mut_ptr(),
                    fours: 1,
                });
            }
            if let (Some(y), [sum, ..]) = (p.y.get_mut(j), sums) {
                *y = sum;
            }
        }
    }
}

/// Adds the products of an input, `$x`, with an element of each column.
macro_rules! step {
    ($x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        block! {
            concat!("vfma.f32 s20, ", $a, ", ", $x),
            concat!("vfma.f32 s21, ", $b, ", ", $x),
            concat!("vfma.f32 s22, ", $c, ", ", $x),
            concat!("vfma.f32 s23, ", $d, ", ", $x),
        }
    };
}

/// Adds the products of four columns at a time.
///
/// # Safety
/// All that the task points to may be read, and the sums written.
// r1: x; r2: the next columns; r3: pitch; r4: depth; r5: the sums; r6: fours left
// r7: the next inputs; r8 to r11: the next elements of the columns; r12: inputs left
// s0 to s3: inputs; s4 to s19: four elements of each column; s20 to s23: sums
#[unsafe(naked)]
unsafe extern "C" fn four(task: *const Task) {
    naked_asm! {
        ".fpu fpv4-sp-d16",
        "push {{r4-r11, lr}}",
        "vpush {{s16-s23}}",
        "ldmia r0, {{r1-r6}}",
        "20:",                          // four columns
        "mov r7, r1",
        "mov r8, r2",
        "add r9, r8, r3",
        "add r10, r9, r3",
        "add r11, r10, r3",
        "add r2, r11, r3",
        "vldmia r5, {{s20-s23}}",
        "subs r12, r4, #4",
        "blt 31f",
        "30:",                          // four inputs
        "vldmia r7!, {{s0-s3}}",
        "vldmia r8!, {{s4-s7}}",
        "vldmia r9!, {{s8-s11}}",
        "vldmia r10!, {{s12-s15}}",
        "vldmia r11!, {{s16-s19}}",
        step!("s0", "s4", "s8", "s12", "s16"),
        step!("s1", "s5", "s9", "s13", "s17"),
        step!("s2", "s6", "s10", "s14", "s18"),
        step!("s3", "s7", "s11", "s15", "s19"),
        "subs r12, #4",
        "bge 30b",
        "31:",
        "adds r12, #4",
        "beq 33f",
        "32:",                          // the inputs that are left
        "vldmia r7!, {{s0}}",
        "vldmia r8!, {{s4}}",
        "vldmia r9!, {{s8}}",
        "vldmia r10!, {{s12}}",
        "vldmia r11!, {{s16}}",
        step!("s0", "s4", "s8", "s12", "s16"),
        "subs r12, #1",
        "bne 32b",
        "33:",
        "vstmia r5!, {{s20-s23}}",
        "subs r6, #1",
        "bne 20b",
        "vpop {{s16-s23}}",
        "pop {{r4-r11, pc}}",
    }
}
