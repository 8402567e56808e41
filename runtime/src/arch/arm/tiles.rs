// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The tiles of `loops/compact` on Armv7E-M and Armv8-M with an FPU: whole loops, which are as fast where small code is preferred.
//!
//! Invariants: those of `loops/compact`. Eight columns of two pixels, eight or sixteen of one, or one column of one: sums stay in
//! registers from what they start from to the bounds, and each weight that is loaded is used for all pixels.
use super::super::super::terms::epilogue::Residual;
use super::super::super::terms::tile::Tile;
use core::arch::naked_asm;

/// What a loop reads; all steps in bytes. The loops know the places of the fields.
#[repr(C)]
#[derive(Debug)]
struct Task {
    /// The first input of each pixel.
    x: [*const f32; 2],
    /// The first weight.
    w: *const f32,
    /// What the sums of each pixel start from.
    start: [*const f32; 2],
    /// The outputs of each pixel.
    y: [*mut f32; 2],
    /// Rows of taps; 0 where there is no tap.
    rows: usize,
    /// Columns of taps, at least 1.
    columns: usize,
    /// Inputs of a tap, at least 1.
    depth: usize,
    /// From one row of inputs to the next.
    row_inputs: usize,
    /// From one column of inputs to the next.
    column_inputs: usize,
    /// From the end of the weights of an input to those of the next.
    skip: usize,
    /// What is left out after the weights of a row.
    row_gap: usize,
    /// Sums that are no more than the first become the second.
    at_least: [f32; 2],
    /// The largest result.
    at_most: f32,
    /// What is done with the sums: [`RESIDUAL`], [`AT_LEAST`], [`AT_MOST`].
    then: usize,
}

/// The output is added.
const RESIDUAL: usize = 1;
/// There is a smallest result.
const AT_LEAST: usize = 2;
/// There is a largest result.
const AT_MOST: usize = 4;

/// Columns that are computed together.
const WIDE: usize = 8;

/// Computes a tile of which `fits` holds, with fused products.
#[inline(never)]
pub fn tile(tile: &mut Tile<'_>) {
    let taps = &tile.taps;
    let bounds = tile.plan.bounds;
    // Less than -0 is what is at most the largest number below.
    let below = if bounds.lo.to_bits() == (-0.0_f32).to_bits() { -f32::from_bits(1) } else { bounds.lo };
    // Taps side by side are one.
    let joined = !tile.apart && taps.column_inputs == taps.depth;
    let (columns, depth) = if joined { (1, taps.columns * taps.depth) } else { (taps.columns, taps.depth) };
    let (x, y, start) = (tile.x.as_ptr(), tile.y.as_mut_ptr(), tile.bias.as_ptr());
    let mut task = Task {
        x: [x, x],
        w: tile.w.as_ptr(),
        start: [start, start],
        y: [y, y],
        rows: if columns * depth == 0 { 0 } else { taps.rows },
        columns,
        depth,
        row_inputs: 4 * taps.row_inputs,
        column_inputs: 4 * taps.column_inputs,
        skip: 0,
        row_gap: 4 * taps.row_gap,
        at_least: [below, bounds.lo],
        at_most: bounds.hi,
        then: if tile.plan.residual == Residual::Accumulate { RESIDUAL } else { 0 }
            + if bounds.lo > f32::NEG_INFINITY { AT_LEAST } else { 0 }
            + if bounds.hi < f32::INFINITY { AT_MOST } else { 0 },
    };
    let mut next = 0;
    while next < tile.count {
        let is_pair = next + 1 < tile.count && tile.width >= WIDE;
        let second = tile.pixels.get(if is_pair { next + 1 } else { next });
        let (Some(first), Some(second)) = (tile.pixels.get(next), second) else { return };
        task.x = [x.wrapping_add(first.x), x.wrapping_add(second.x)];
        task.y = [y.wrapping_add(first.y), y.wrapping_add(second.y)];
        task.start = [tile.start(task.y[0]), tile.start(task.y[1])];
        task.w = tile.w.as_ptr();
        let mut left = tile.width;
        while left > 0 {
            let wide = if left < WIDE {
                1
            } else if left < 2 * WIDE || is_pair || tile.apart {
                WIDE
            } else {
                2 * WIDE
            };
            task.skip = (4 * taps.pitch).wrapping_sub(4 * wide);
            // SAFETY: all that the task speaks of lies inside, by `fits`.
            unsafe { run(&mut task, wide, is_pair, tile.apart) }
            left -= wide;
            task.w = task.w.wrapping_add(wide);
            task.y = [task.y[0].wrapping_add(wide), task.y[1].wrapping_add(wide)];
            task.start = [task.start[0].wrapping_add(wide), task.start[1].wrapping_add(wide)];
            if tile.apart {
                task.x = [task.x[0].wrapping_add(wide), task.x[1].wrapping_add(wide)];
            }
        }
        next += if is_pair { 2 } else { 1 };
    }
}

impl Task {
    /// Exchanges the pixels.
    #[inline(always)]
    fn turn(&mut self) {
        let ([x, other_x], [start, other_start], [y, other_y]) = (self.x, self.start, self.y);
        (self.x, self.start, self.y) = ([other_x, x], [other_start, start], [other_y, y]);
    }
}

/// Computes some columns of a tile: a single one of a pair is computed for each pixel.
///
/// # Safety
/// All that the tile speaks of may be read and written.
#[inline(always)]
unsafe fn run(tile: &mut Task, wide: usize, is_pair: bool, apart: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        match (wide, is_pair, apart) {
            (1, true, _) => {
                single(tile);
                tile.turn();
                single(tile);
                tile.turn();
            }
            (1, false, _) => single(tile),
            (_, true, true) => apart2(tile),
            (_, false, true) => apart1(tile),
            (_, true, false) => dense2(tile),
            (WIDE, false, false) => dense1(tile),
            (_, false, false) => dense1_wide(tile),
        }
    }
}

/// The lines for the second pixel, or of sixteen columns: in loops that have them.
macro_rules! lines {
    (one, $($line:expr),*) => { "" };
    ($n:ident, $($line:expr),*) => { concat!($($line, "\n"),*) };
}

/// The lines for the second pixel.
macro_rules! second {
    (two, $($line:expr),*) => { concat!($($line, "\n"),*) };
    ($n:ident, $($line:expr),*) => { "" };
}

/// Adds the products of eight weights and an input to the first eight sums.
macro_rules! low {
    ($x:literal) => { low!($x $x $x $x $x $x $x $x) };
    ($a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal) => {
        concat!(
            "vfma.f32 s16, s8, ", $a, "\nvfma.f32 s17, s9, ", $b, "\nvfma.f32 s18, s10, ", $c, "\nvfma.f32 s19, s11, ", $d,
            "\nvfma.f32 s20, s12, ", $e, "\nvfma.f32 s21, s13, ", $f, "\nvfma.f32 s22, s14, ", $g, "\nvfma.f32 s23, s15, ", $h,
        )
    };
}

/// The same with the second eight sums.
macro_rules! high {
    ($x:literal) => { high!($x $x $x $x $x $x $x $x) };
    ($a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal) => {
        concat!(
            "vfma.f32 s24, s8, ", $a, "\nvfma.f32 s25, s9, ", $b, "\nvfma.f32 s26, s10, ", $c, "\nvfma.f32 s27, s11, ", $d,
            "\nvfma.f32 s28, s12, ", $e, "\nvfma.f32 s29, s13, ", $f, "\nvfma.f32 s30, s14, ", $g, "\nvfma.f32 s31, s15, ", $h,
        )
    };
}

/// One input of each pixel: the weights, and their products.
macro_rules! step {
    (one, $x:literal, $second:literal) => {
        concat!("vldmia r3!, {{s8-s15}}\nadd r3, r9\n", low!($x))
    };
    (two, $x:literal, $second:literal) => {
        concat!("vldmia r3!, {{s8-s15}}\nadd r3, r9\n", low!($x), "\n", high!($second))
    };
    (wide, $x:literal, $second:literal) => {
        concat!("vldmia r3!, {{s8-s15}}\n", low!($x), "\nvldmia r3!, {{s8-s15}}\nadd r3, r9\n", high!($x))
    };
}

/// Where sums stop: `vcmp` with `s0`, and what then becomes of those that are beyond.
macro_rules! bound {
    ($when:literal, $to:literal; $($sum:literal)*) => {
        concat!($("vcmp.f32 ", $sum, ", s0\nvmrs APSR_nzcv, fpscr\nit ", $when, "\nvmov", $when, ".f32 ", $sum, ", ", $to, "\n"),*)
    };
}

/// [`bound`] of all sums.
macro_rules! bounds {
    ($n:ident, $when:literal, $to:literal) => {
        concat!(
            bound!($when, $to; "s16" "s17" "s18" "s19" "s20" "s21" "s22" "s23"),
            lines!($n, bound!($when, $to; "s24" "s25" "s26" "s27" "s28" "s29" "s30" "s31")),
        )
    };
}

/// Adds `s0` to `s7`, what lay there, to eight sums.
macro_rules! residual {
    ($($sum:literal $other:literal)*) => { concat!($("vadd.f32 ", $sum, ", ", $sum, ", ", $other, "\n"),*) };
}

/// The begin of a loop: its registers, and what the sums start from.
macro_rules! begin {
    ($n:ident) => {
        concat!(
            ".fpu fpv4-sp-d16\npush {{r4-r11, lr}}\nvpush {{s16-s31}}\nldmia r0, {{r1-r3}}\n",
            "ldr r12, [r0, #12]\n",
            "vldmia r12!, {{s16-s23}}\n",
            second!($n, "ldr r12, [r0, #16]"),
            lines!($n, "vldmia r12, {{s24-s31}}"),
            "ldr r9, [r0, #48]\nldr r10, [r0, #44]\nldr r4, [r0, #28]\ncmp r4, #0\nbeq 40f\n20:",
        )
    };
}

/// The end of a row of taps.
macro_rules! row {
    ($n:ident) => {
        concat!(
            "subs r5, #1\nbne 21b\nldr r11, [r0, #40]\nadd r1, r11\n",
            second!($n, "add r2, r11"),
            "ldr r11, [r0, #52]\nadd r3, r11\nsubs r4, #1\nbne 20b\n40:",
        )
    };
}

/// What is done with the sums.
macro_rules! end {
    ($n:ident) => {
        concat!(
            "ldr r11, [r0, #68]\nldr r1, [r0, #20]\n",
            second!($n, "ldr r2, [r0, #24]"),
            "tst r11, #1\nbeq 50f\nvldmia r1, {{s0-s7}}\n",
            residual!("s16" "s0" "s17" "s1" "s18" "s2" "s19" "s3" "s20" "s4" "s21" "s5" "s22" "s6" "s23" "s7"),
            lines!($n, "add r12, r1, #32"),
            second!($n, "mov r12, r2"),
            lines!($n, "vldmia r12, {{s0-s7}}",
                residual!("s24" "s0" "s25" "s1" "s26" "s2" "s27" "s3" "s28" "s4" "s29" "s5" "s30" "s6" "s31" "s7")),
            "50:\ntst r11, #2\nbeq 60f\nvldr s0, [r0, #56]\nvldr s1, [r0, #60]\n",
            bounds!($n, "ls", "s1"),
            "60:\ntst r11, #4\nbeq 70f\nvldr s0, [r0, #64]\n",
            bounds!($n, "gt", "s0"),
            "70:\nvstmia r1!, {{s16-s23}}\n",
            second!($n, "mov r1, r2"),
            lines!($n, "vstmia r1, {{s24-s31}}"),
            "vpop {{s16-s31}}\npop {{r4-r11, pc}}",
        )
    };
}

/// A loop whose columns share the inputs, by four of them.
macro_rules! dense {
    ($(#[$doc:meta])* $name:ident, $n:ident) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// All that the tile speaks of may be read and written.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(tile: *const Task) {
            naked_asm!(
                begin!($n),
                "mov r12, r1",
                second!($n, "mov lr, r2"),
                "ldr r5, [r0, #32]\n21:\nmov r7, r12",
                second!($n, "mov r8, lr"),
                "ldr r6, [r0, #36]\nsubs r6, #4\nblt 31f\n30:\nvldmia r7!, {{s0-s3}}",
                second!($n, "vldmia r8!, {{s4-s7}}"),
                step!($n, "s0", "s4"),
                step!($n, "s1", "s5"),
                step!($n, "s2", "s6"),
                step!($n, "s3", "s7"),
                "subs r6, #4\nbge 30b\n31:\nadds r6, #4\nbeq 33f\n32:\nvldmia r7!, {{s0}}",
                second!($n, "vldmia r8!, {{s4}}"),
                step!($n, "s0", "s4"),
                "subs r6, #1\nbne 32b\n33:\nadd r12, r10",
                second!($n, "add lr, r10"),
                row!($n),
                end!($n),
            );
        }
    };
}

/// A loop whose columns each have inputs of their own.
macro_rules! apart {
    ($(#[$doc:meta])* $name:ident, $n:ident) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// All that the tile speaks of may be read and written.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(tile: *const Task) {
            naked_asm!(
                begin!($n),
                "mov r12, r1",
                second!($n, "mov lr, r2"),
                "ldr r5, [r0, #32]\n21:\nvldmia r3!, {{s8-s15}}\nvldmia r12, {{s0-s7}}\nadd r3, r9\nadd r12, r10",
                low!("s0" "s1" "s2" "s3" "s4" "s5" "s6" "s7"),
                second!($n, "vldmia lr, {{s0-s7}}\nadd lr, r10", high!("s0" "s1" "s2" "s3" "s4" "s5" "s6" "s7")),
                row!($n),
                end!($n),
            );
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
apart! { /// Eight columns of two pixels, each with inputs of its own.
    apart2, two
}
apart! { /// Eight columns of a pixel, each with inputs of its own.
    apart1, one
}

/// One column of a pixel.
///
/// # Safety
/// All that the tile speaks of may be read and written.
#[unsafe(naked)]
unsafe extern "C" fn single(tile: *const Task) {
    naked_asm!(
        ".fpu fpv4-sp-d16\npush {{r4-r11, lr}}",
        "ldr r1, [r0]\nldr r3, [r0, #8]\nldr r12, [r0, #12]\nvldr s2, [r12]",
        "ldr r9, [r0, #48]\nldr r10, [r0, #44]\nldr r4, [r0, #28]\ncmp r4, #0\nbeq 40f\n20:",
        "mov r12, r1\nldr r5, [r0, #32]\n21:\nmov r7, r12\nldr r6, [r0, #36]\n30:",
        "vldmia r7!, {{s0}}\nvldmia r3!, {{s1}}\nadd r3, r9\nvfma.f32 s2, s0, s1\nsubs r6, #1\nbne 30b\nadd r12, r10",
        row!(one),
        "ldr r11, [r0, #68]\nldr r1, [r0, #20]\ntst r11, #1\nbeq 50f\nvldr s0, [r1]\nvadd.f32 s2, s2, s0",
        "50:\ntst r11, #2\nbeq 60f\nvldr s0, [r0, #56]\nvldr s1, [r0, #60]",
        bound!("ls", "s1"; "s2"),
        "60:\ntst r11, #4\nbeq 70f\nvldr s0, [r0, #64]",
        bound!("gt", "s0"; "s2"),
        "70:\nvstr s2, [r1]\npop {{r4-r11, pc}}",
    );
}
