// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The micro-kernels of `tiles`: products of floats on Armv7E-M and Armv8-M with an FPU.
use super::asm::block;
use core::arch::naked_asm;

/// What a loop reads; steps in bytes. The loops know the offsets of the fields.
#[repr(C)]
#[derive(Debug)]
pub struct Task {
    /// The first input of each pixel.
    pub x: [*const f32; 2],
    /// The first weight.
    pub w: *const f32,
    /// What the sums of each pixel start from.
    pub start: [*const f32; 2],
    /// The outputs of each pixel.
    pub y: [*mut f32; 2],
    /// Rows of taps; 0 if there is no tap.
    pub rows: usize,
    /// Columns of taps, at least 1.
    pub columns: usize,
    /// Inputs of a tap, at least 1.
    pub depth: usize,
    /// From one row of inputs to the next.
    pub row_inputs: usize,
    /// From one column of inputs to the next.
    pub column_inputs: usize,
    /// From the end of the weights of an input to those of the next.
    pub skip: usize,
    /// From the end of the weights of a row to those of the next.
    pub row_gap: usize,
    /// Sums that are at most the first number become the second.
    pub at_least: [f32; 2],
    /// The largest result.
    pub at_most: f32,
    /// What is done with the sums: any of [`RESIDUAL`], [`AT_LEAST`] and [`AT_MOST`].
    pub then: usize,
}

/// What the output holds is added to the sums.
pub const RESIDUAL: usize = 1;
/// There is a smallest result.
pub const AT_LEAST: usize = 2;
/// There is a largest result.
pub const AT_MOST: usize = 4;

impl Task {
    /// Exchanges the pixels.
    #[inline(always)]
    pub fn turn(&mut self) {
        let ([x, other_x], [start, other_start], [y, other_y]) = (self.x, self.start, self.y);
        (self.x, self.start, self.y) = ([other_x, x], [other_start, start], [other_y, y]);
    }
}

// The registers of all loops but `single`:
// r0: the task
// r1, r2: the first inputs of the row of taps, of both pixels; in the end their outputs
// r3: the next weights
// r4, r5: rows and columns of taps left
// r6: inputs of the tap left
// r7, r8: the next inputs of both pixels
// r9: skip; r10: column_inputs; r11: any step
// r12, lr: the first inputs of the tap, of both pixels
// s0 to s7: inputs
// s8 to s15: eight weights
// s16 to s23: the sums of the first eight columns
// s24 to s31: the sums of the second pixel, or of the second eight columns
//
// The macros are told which loop they are in: `one` pixel and eight columns, `two` pixels, or `wide`, one pixel and sixteen
// columns.

/// Instructions for the second eight sums, of loops that have them.
macro_rules! second_sums {
    (one, $($line:expr),* $(,)?) => { "" };
    ($n:ident, $($line:expr),* $(,)?) => { block!($($line),*) };
}

/// Instructions for the second pixel, of loops that have one.
macro_rules! second_pixel {
    (two, $($line:expr),* $(,)?) => { block!($($line),*) };
    ($n:ident, $($line:expr),* $(,)?) => { "" };
}

/// Adds eight weights times an input, or eight inputs, to the first eight sums.
macro_rules! low {
    ($x:literal) => { low!($x $x $x $x $x $x $x $x) };
    ($a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal) => {
        block! {
            concat!("vfma.f32 s16, s8, ", $a),
            concat!("vfma.f32 s17, s9, ", $b),
            concat!("vfma.f32 s18, s10, ", $c),
            concat!("vfma.f32 s19, s11, ", $d),
            concat!("vfma.f32 s20, s12, ", $e),
            concat!("vfma.f32 s21, s13, ", $f),
            concat!("vfma.f32 s22, s14, ", $g),
            concat!("vfma.f32 s23, s15, ", $h),
        }
    };
}

/// The same for the second eight sums.
macro_rules! high {
    ($x:literal) => { high!($x $x $x $x $x $x $x $x) };
    ($a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal) => {
        block! {
            concat!("vfma.f32 s24, s8, ", $a),
            concat!("vfma.f32 s25, s9, ", $b),
            concat!("vfma.f32 s26, s10, ", $c),
            concat!("vfma.f32 s27, s11, ", $d),
            concat!("vfma.f32 s28, s12, ", $e),
            concat!("vfma.f32 s29, s13, ", $f),
            concat!("vfma.f32 s30, s14, ", $g),
            concat!("vfma.f32 s31, s15, ", $h),
        }
    };
}

/// Loads the weights of one input, and adds their products with it: `$x` of the first pixel, `$second` of the second.
macro_rules! step {
    (wide, $x:literal, $second:literal) => {
        block! {
            "vldmia r3!, {{s8-s15}}",
            low!($x),
            "vldmia r3!, {{s8-s15}}",
            "add r3, r9",
            high!($x),
        }
    };
    ($n:ident, $x:literal, $second:literal) => {
        block! {
            "vldmia r3!, {{s8-s15}}",
            "add r3, r9",
            low!($x),
            second_pixel!($n, high!($second)),
        }
    };
}

/// Bounds sums: compares each with `s0`, and replaces it by `$to` if the condition `$when` holds.
macro_rules! bound {
    ($when:literal, $to:literal; $($sum:literal)*) => {
        concat!($(
            "vcmp.f32 ", $sum, ", s0\n",
            "vmrs APSR_nzcv, fpscr\n",
            "it ", $when, "\n",
            "vmov", $when, ".f32 ", $sum, ", ", $to, "\n",
        )*)
    };
}

/// [`bound`] for all sums.
macro_rules! bounds {
    ($n:ident, $when:literal, $to:literal) => {
        block! {
            bound!($when, $to; "s16" "s17" "s18" "s19" "s20" "s21" "s22" "s23"),
            second_sums!($n, bound!($when, $to; "s24" "s25" "s26" "s27" "s28" "s29" "s30" "s31")),
        }
    };
}

/// Adds what the output holds to sums.
macro_rules! residual {
    ($($sum:literal $other:literal)*) => {
        concat!($("vadd.f32 ", $sum, ", ", $sum, ", ", $other, "\n"),*)
    };
}

/// The beginning of a loop: reads the task and what the sums start from.
macro_rules! begin {
    ($n:ident) => {
        block! {
            ".fpu fpv4-sp-d16",
            "push {{r4-r11, lr}}",
            "vpush {{s16-s31}}",
            "ldmia r0, {{r1-r3}}",          // x, w
            "ldr r12, [r0, #12]",           // start
            "vldmia r12!, {{s16-s23}}",
            second_pixel!($n, "ldr r12, [r0, #16]"),
            second_sums!($n, "vldmia r12, {{s24-s31}}"),
            "ldr r9, [r0, #48]",            // skip
            "ldr r10, [r0, #44]",           // column_inputs
            "ldr r4, [r0, #28]",            // rows
            "cmp r4, #0",
            "beq 40f",
            "20:",                          // a row of taps
        }
    };
}

/// The end of a tap and of a row of taps: `begin` has the label 20, the loop itself 21.
macro_rules! row {
    ($n:ident) => {
        block! {
            "subs r5, #1",
            "bne 21b",
            "ldr r11, [r0, #40]",           // row_inputs
            "add r1, r11",
            second_pixel!($n, "add r2, r11"),
            "ldr r11, [r0, #52]",           // row_gap
            "add r3, r11",
            "subs r4, #1",
            "bne 20b",
            "40:",
        }
    };
}

/// The end of a loop: residual, bounds, and the outputs.
macro_rules! end {
    ($n:ident) => {
        block! {
            "ldr r11, [r0, #68]",           // then
            "ldr r1, [r0, #20]",            // y
            second_pixel!($n, "ldr r2, [r0, #24]"),
            "tst r11, #1",                  // RESIDUAL
            "beq 50f",
            "vldmia r1, {{s0-s7}}",
            residual!("s16" "s0" "s17" "s1" "s18" "s2" "s19" "s3" "s20" "s4" "s21" "s5" "s22" "s6" "s23" "s7"),
            second_sums!($n, "add r12, r1, #32"),
            second_pixel!($n, "mov r12, r2"),
            second_sums!(
                $n,
                "vldmia r12, {{s0-s7}}",
                residual!("s24" "s0" "s25" "s1" "s26" "s2" "s27" "s3" "s28" "s4" "s29" "s5" "s30" "s6" "s31" "s7"),
            ),
            "50:",
            "tst r11, #2",                  // AT_LEAST
            "beq 60f",
            "vldr s0, [r0, #56]",
            "vldr s1, [r0, #60]",
            bounds!($n, "ls", "s1"),
            "60:",
            "tst r11, #4",                  // AT_MOST
            "beq 70f",
            "vldr s0, [r0, #64]",
            bounds!($n, "gt", "s0"),
            "70:",
            "vstmia r1!, {{s16-s23}}",
            second_pixel!($n, "mov r1, r2"),
            second_sums!($n, "vstmia r1, {{s24-s31}}"),
            "vpop {{s16-s31}}",
            "pop {{r4-r11, pc}}",
        }
    };
}

/// A loop whose columns share their inputs, four of which are loaded together.
macro_rules! dense {
    ($(#[$doc:meta])* $name:ident, $n:ident) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// The inputs and weights of all taps may be read, and the outputs written.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(tile: *const Task) {
            naked_asm! {
                begin!($n),
                "mov r12, r1",
                second_pixel!($n, "mov lr, r2"),
                "ldr r5, [r0, #32]",        // columns
                "21:",                      // a tap
                "mov r7, r12",
                second_pixel!($n, "mov r8, lr"),
                "ldr r6, [r0, #36]",        // depth
                "subs r6, #4",
                "blt 31f",
                "30:",                      // four inputs
                "vldmia r7!, {{s0-s3}}",
                second_pixel!($n, "vldmia r8!, {{s4-s7}}"),
                step!($n, "s0", "s4"),
                step!($n, "s1", "s5"),
                step!($n, "s2", "s6"),
                step!($n, "s3", "s7"),
                "subs r6, #4",
                "bge 30b",
                "31:",
                "adds r6, #4",
                "beq 33f",
                "32:",                      // the inputs that are left
                "vldmia r7!, {{s0}}",
                second_pixel!($n, "vldmia r8!, {{s4}}"),
                step!($n, "s0", "s4"),
                "subs r6, #1",
                "bne 32b",
                "33:",
                "add r12, r10",
                second_pixel!($n, "add lr, r10"),
                row!($n),
                end!($n),
            }
        }
    };
}

/// A loop whose columns each have inputs of their own: depthwise. A tap is one input of each column.
macro_rules! apart {
    ($(#[$doc:meta])* $name:ident, $n:ident) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// The inputs and weights of all taps may be read, and the outputs written.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(tile: *const Task) {
            naked_asm! {
                begin!($n),
                "mov r12, r1",
                second_pixel!($n, "mov lr, r2"),
                "ldr r5, [r0, #32]",        // columns
                "21:",                      // a tap
                "vldmia r3!, {{s8-s15}}",
                "vldmia r12, {{s0-s7}}",
                "add r3, r9",
                "add r12, r10",
                low!("s0" "s1" "s2" "s3" "s4" "s5" "s6" "s7"),
                second_pixel!(
                    $n,
                    "vldmia lr, {{s0-s7}}",
                    "add lr, r10",
                    high!("s0" "s1" "s2" "s3" "s4" "s5" "s6" "s7"),
                ),
                row!($n),
                end!($n),
            }
        }
    };
}

dense! { /// Eight columns of two pixels.
    dense2, two
}
dense! { /// Eight columns of a pixel.
    dense1, one
}
dense! { /// Sixteen columns of a pixel.
    dense1_wide, wide
}
apart! { /// Eight columns of two pixels, depthwise.
    apart2, two
}
apart! { /// Eight columns of a pixel, depthwise.
    apart1, one
}

/// One column of a pixel.
///
/// # Safety
/// The inputs and weights of all taps may be read, and the output written.
// Integer registers as in the other loops. s0: an input; s1: a weight; s2: the sum
#[unsafe(naked)]
pub unsafe extern "C" fn single(tile: *const Task) {
    naked_asm! {
        ".fpu fpv4-sp-d16",
        "push {{r4-r11, lr}}",
        "ldr r1, [r0]",                     // x
        "ldr r3, [r0, #8]",                 // w
        "ldr r12, [r0, #12]",               // start
        "vldr s2, [r12]",
        "ldr r9, [r0, #48]",                // skip
        "ldr r10, [r0, #44]",               // column_inputs
        "ldr r4, [r0, #28]",                // rows
        "cmp r4, #0",
        "beq 40f",
        "20:",                              // a row of taps
        "mov r12, r1",
        "ldr r5, [r0, #32]",                // columns
        "21:",                              // a tap
        "mov r7, r12",
        "ldr r6, [r0, #36]",                // depth
        "30:",                              // an input
        "vldmia r7!, {{s0}}",
        "vldmia r3!, {{s1}}",
        "add r3, r9",
        "vfma.f32 s2, s0, s1",
        "subs r6, #1",
        "bne 30b",
        "add r12, r10",
        row!(one),
        "ldr r11, [r0, #68]",               // then
        "ldr r1, [r0, #20]",                // y
        "tst r11, #1",                      // RESIDUAL
        "beq 50f",
        "vldr s0, [r1]",
        "vadd.f32 s2, s2, s0",
        "50:",
        "tst r11, #2",                      // AT_LEAST
        "beq 60f",
        "vldr s0, [r0, #56]",
        "vldr s1, [r0, #60]",
        bound!("ls", "s1"; "s2"),
        "60:",
        "tst r11, #4",                      // AT_MOST
        "beq 70f",
        "vldr s0, [r0, #64]",
        bound!("gt", "s0"; "s2"),
        "70:",
        "vstr s2, [r1]",
        "pop {{r4-r11, pc}}",
    }
}
