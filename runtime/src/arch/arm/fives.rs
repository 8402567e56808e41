// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products with weights of -1, 0 and 1, five to a byte, on Armv7E-M and Armv8-M: the sums of five inputs are looked up in a table,
//! sixteen columns at once.
use super::super::super::terms::fives::{Parts, Table};
use super::super::fives::{Fives, FivesCpu, FivesKernel};
use super::super::isa::Numerics;
use super::super::portable::Portable;
use super::asm::block;
use super::dsp::Dsp;
use core::arch::naked_asm;

/// Columns that are computed at once.
const WIDE: usize = 16;

impl<N: Numerics> FivesCpu for Dsp<N> {
    #[inline(always)]
    fn run_fives<K: FivesKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> Fives for Dsp<N> {
    #[inline(always)]
    fn add_fives(self, parts: &Parts, table: Option<&mut Table>, bytes: &[u8], sums: &mut [f32]) {
        let Some(table) = table else {
            Portable::<N>::portable().add_fives(parts, None, bytes, sums);
            return;
        };
        let (wide, rest) = bytes.as_chunks::<WIDE>();
        let (wide_sums, rest_sums) = sums.as_chunks_mut::<WIDE>();
        let columns = wide.len().min(wide_sums.len());
        // SAFETY: the parts and the table are as long as that; there are so many times sixteen bytes and sums.
        unsafe {
            fill(parts.two.as_ptr(), parts.three.as_ptr(), table.as_mut_ptr());
            if columns > 0 {
                add(table.as_ptr(), wide.as_ptr().cast(), wide_sums.as_mut_ptr().cast(), columns);
            }
        }
        rest_sums.iter_mut().zip(rest).for_each(|(sum, byte)| *sum += table[usize::from(*byte)]);
    }
}

/// Fourteen sums of three inputs, each with that of the two in `s28` added.
macro_rules! fourteen {
    () => {
        block!(
            "vldmia r3!, {{s0-s13}}",
            "vadd.f32 s14, s28, s0",
            "vadd.f32 s15, s28, s1",
            "vadd.f32 s16, s28, s2",
            "vadd.f32 s17, s28, s3",
            "vadd.f32 s18, s28, s4",
            "vadd.f32 s19, s28, s5",
            "vadd.f32 s20, s28, s6",
            "vadd.f32 s21, s28, s7",
            "vadd.f32 s22, s28, s8",
            "vadd.f32 s23, s28, s9",
            "vadd.f32 s24, s28, s10",
            "vadd.f32 s25, s28, s11",
            "vadd.f32 s26, s28, s12",
            "vadd.f32 s27, s28, s13",
            "vstmia r2!, {{s14-s27}}",
        )
    };
}

/// [`Parts::fill`].
///
/// # Safety
/// Nine sums may be read at `two`, 28 at `three`, and 252 written at `table`.
// r0: sums of two inputs
// r1: sums of three inputs
// r2: table
// r3: the next of the sums of three
// r12: sums of two that are left
// s0-s13: sums of three
// s14-s27: sums of five
// s28: the sum of two
#[unsafe(naked)]
unsafe extern "C" fn fill(two: *const f32, three: *const f32, table: *mut f32) {
    naked_asm! {
        ".fpu fpv4-sp-d16",
        "vpush {{s16-s28}}",
        "mov r12, #9",
        "20:",
        "vldmia r0!, {{s28}}",
        "mov r3, r1",
        fourteen!(),
        fourteen!(),
        "subs r12, #1",
        "bne 20b",
        "vpop {{s16-s28}}",
        "bx lr",
    }
}

/// Adds what the bytes of a word name to four sums.
macro_rules! columns {
    ($word:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        block!(
            concat!("ubfx r12, ", $word, ", #0, #8"),
            "add r12, r0, r12, lsl #2",
            "vldr s16, [r12]",
            concat!("vadd.f32 ", $a, ", ", $a, ", s16"),
            concat!("ubfx r12, ", $word, ", #8, #8"),
            "add r12, r0, r12, lsl #2",
            "vldr s16, [r12]",
            concat!("vadd.f32 ", $b, ", ", $b, ", s16"),
            concat!("ubfx r12, ", $word, ", #16, #8"),
            "add r12, r0, r12, lsl #2",
            "vldr s16, [r12]",
            concat!("vadd.f32 ", $c, ", ", $c, ", s16"),
            concat!("lsr r12, ", $word, ", #24"),
            "add r12, r0, r12, lsl #2",
            "vldr s16, [r12]",
            concat!("vadd.f32 ", $d, ", ", $d, ", s16"),
        )
    };
}

/// Adds to each sum what its byte names, for `sixteens * 16` columns; `sixteens` is at least 1.
///
/// # Safety
/// The table has 256 sums; so many bytes may be read, and so many sums read and written.
// r0: table
// r1: bytes
// r2: sums
// r3: sixteens left
// r4-r7: sixteen bytes
// r12: a byte, then where its sum is
// s0-s15: sums of columns
// s16: the sum of five inputs
#[unsafe(naked)]
unsafe extern "C" fn add(table: *const f32, bytes: *const u8, sums: *mut f32, sixteens: usize) {
    naked_asm! {
        ".fpu fpv4-sp-d16",
        "push {{r4-r7}}",
        "vpush {{s16}}",
        "20:",
        "ldr r4, [r1], #4",           // they may lie anywhere
        "ldr r5, [r1], #4",
        "ldr r6, [r1], #4",
        "ldr r7, [r1], #4",
        "vldmia r2, {{s0-s15}}",
        columns!("r4", "s0", "s1", "s2", "s3"),
        columns!("r5", "s4", "s5", "s6", "s7"),
        columns!("r6", "s8", "s9", "s10", "s11"),
        columns!("r7", "s12", "s13", "s14", "s15"),
        "vstmia r2!, {{s0-s15}}",
        "subs r3, #1",
        "bne 20b",
        "vpop {{s16}}",
        "pop {{r4-r7}}",
        "bx lr",
    }
}
