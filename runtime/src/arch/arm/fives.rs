// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products with weights of -1, 0 and 1, five to a byte, on Armv7E-M and Armv8-M: the sums of five inputs are looked up in a table,
//! sixteen columns at once.
use super::super::super::terms::fives::{FIVE, Table, WordTable, entry, groups};
use super::super::super::terms::ternary::TABLES;
use super::super::fives::{Fives, FivesCpu, FivesKernel};
use super::super::isa::Numerics;
use super::super::portable::Portable;
use super::asm::block;
use super::byte_fives::{add_words, fill_words};
use super::dsp::Dsp;
use core::arch::naked_asm;

/// Columns that are computed at once.
const WIDE: usize = 16;

/// The same of bytes.
const BYTES_WIDE: usize = 8;

impl<N: Numerics> FivesCpu for Dsp<N> {
    #[inline(always)]
    fn run_fives<K: FivesKernel>(self, kernel: K) {
        kernel.run(self);
    }
}

impl<N: Numerics> Fives for Dsp<N> {
    #[inline(always)]
    fn add_fives(self, x: [f32; FIVE], table: Option<&mut Table>, bytes: &[u8], sums: &mut [f32]) {
        let Some(table) = table else {
            Portable::<N>::portable().add_fives(x, None, bytes, sums);
            return;
        };
        let (wide, rest) = bytes.as_chunks::<WIDE>();
        let (wide_sums, rest_sums) = sums.as_chunks_mut::<WIDE>();
        let columns = wide.len().min(wide_sums.len());
        // SAFETY: the table is as long as that; there are so many times sixteen bytes and sums.
        unsafe {
            fill(x.as_ptr(), table.as_mut_ptr());
            if columns > 0 {
                add(table.as_ptr(), wide.as_ptr().cast(), wide_sums.as_mut_ptr().cast(), columns);
            }
        }
        rest_sums.iter_mut().zip(rest).for_each(|(sum, byte)| *sum += table[usize::from(*byte)]);
    }

    #[inline(always)]
    fn add_byte_fives(self, x: &[i8], w: &[u8], tables: Option<&mut [WordTable; TABLES]>, sums: &mut [i32]) {
        let (count, columns) = (groups(x.len()), sums.len());
        let Some(tables) = tables.filter(|_| count >= TABLES) else {
            Portable::<N>::portable().add_byte_fives(x, w, None, sums);
            return;
        };
        let mut done = 0;
        while done < count {
            let whole = x.get(done * FIVE..).and_then(|x| x.first_chunk());
            // The last four groups may begin with some that are done: those add zeros.
            let first = if whole.is_some() { done } else { count - TABLES };
            let Some(bytes) = w.get(first * columns..).filter(|w| w.len() >= TABLES * columns) else { return };
            let mut last = [0; TABLES * FIVE];
            let inputs = whole.unwrap_or_else(|| {
                let new = last.iter_mut().skip((done - first) * FIVE);
                new.zip(x.iter().skip(done * FIVE)).for_each(|(last, x)| *last = *x);
                &last
            });
            for (table, x) in tables.iter_mut().zip(inputs.as_chunks::<FIVE>().0) {
                // SAFETY: there are five numbers, and the table lies at a word.
                unsafe { fill_words(x.as_ptr(), table.as_mut_ptr()) };
            }
            let eights = columns / BYTES_WIDE;
            if eights > 0 {
                // SAFETY: there are so many bytes for each of the four groups, and so many sums.
                unsafe { add_words(tables.as_ptr(), bytes.as_ptr(), columns, sums.as_mut_ptr(), eights) };
            }
            for (column, sum) in sums.iter_mut().enumerate().skip(eights * BYTES_WIDE) {
                for (group, table) in tables.iter().enumerate() {
                    let byte = bytes.get(group * columns + column);
                    *sum = sum.wrapping_add(byte.map_or(0, |byte| entry(table, *byte)));
                }
            }
            done = first + TABLES;
        }
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

/// The sums of all bytes of five inputs.
///
/// # Safety
/// Five inputs may be read at `x`, and 252 sums written at `table`.
// r0: x, then sums of two inputs
// r1: sums of two that are left
// r2: table
// r3: the next of the sums of three
// s27-s31: x
// First, sums of two inputs:
// s0-s8: -(x0 + x1), -x0, x1 - x0, -x1, 0, x1, x0 - x1, x0, x0 + x1
// Then sums of three, the opposites of s14-s26 from s12 down:
// s13: 0
// s14-s17: x4, x3 - x4, x3, x3 + x4
// s18-s20: x2 - x3 - x4, x2 - x3, x2 - x3 + x4
// s21-s23: x2 - x4, x2, x2 + x4
// s24-s26: x2 + x3 - x4, x2 + x3, x2 + x3 + x4
// Then sums of five:
// s0-s13: sums of three
// s14-s27: sums of five
// s28: the sum of two
#[unsafe(naked)]
unsafe extern "C" fn fill(x: *const f32, table: *mut f32) {
    naked_asm! {
        ".fpu fpv4-sp-d16",
        "vpush {{s16-s31}}",
        "sub sp, #152",
        "mov r2, r1",
        "vldmia r0, {{s27-s31}}",
        "mov r1, #0",
        "vmov s13, r1",
        "vmov s4, r1",
        "vadd.f32 s8, s27, s28",
        "vmov.f32 s7, s27",
        "vsub.f32 s6, s27, s28",
        "vmov.f32 s5, s28",
        "vneg.f32 s3, s5",
        "vneg.f32 s2, s6",
        "vneg.f32 s1, s7",
        "vneg.f32 s0, s8",
        "add r0, sp, #112",
        "vstmia r0, {{s0-s8}}",
        "vmov.f32 s14, s31",
        "vsub.f32 s15, s30, s31",
        "vmov.f32 s16, s30",
        "vadd.f32 s17, s30, s31",
        "vsub.f32 s19, s29, s30",
        "vsub.f32 s18, s19, s31",
        "vadd.f32 s20, s19, s31",
        "vsub.f32 s21, s29, s31",
        "vmov.f32 s22, s29",
        "vadd.f32 s23, s29, s31",
        "vadd.f32 s25, s29, s30",
        "vsub.f32 s24, s25, s31",
        "vadd.f32 s26, s25, s31",
        "vneg.f32 s12, s14",
        "vneg.f32 s11, s15",
        "vneg.f32 s10, s16",
        "vneg.f32 s9, s17",
        "vneg.f32 s8, s18",
        "vneg.f32 s7, s19",
        "vneg.f32 s6, s20",
        "vneg.f32 s5, s21",
        "vneg.f32 s4, s22",
        "vneg.f32 s3, s23",
        "vneg.f32 s2, s24",
        "vneg.f32 s1, s25",
        "vneg.f32 s0, s26",
        "vstmia sp, {{s0-s27}}",
        "mov r1, #9",
        "20:",
        "vldmia r0!, {{s28}}",
        "mov r3, sp",
        fourteen!(),
        fourteen!(),
        "subs r1, #1",
        "bne 20b",
        "add sp, #152",
        "vpop {{s16-s31}}",
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
