// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Loops over lines of one channel on Armv7E-M and Armv8-M with DSP instructions and an FPU.
//!
//! Words of four pixels are read whole, and begin at whole words; words of two taps anywhere.
use super::super::super::terms::lines::{FOUR, Lines, Part};
use super::super::byte::Byte;
use super::finish::{Bounds, between, cpu, is_signed, others, saturate, scale};
use core::arch::naked_asm;

/// What the loop over pixels reads; it moves on what it reads, and knows the places of the fields. Steps are bytes.
#[repr(C)]
struct Task {
    /// Between the first inputs of four pixels and those of the next four.
    next: usize,
    /// 0 and 1: three taps, by the stride less one; else 2.
    kind: usize,
    x: *const u32,
    w: *const u32,
    row: usize,
    rows: usize,
    bounds: Bounds,
    y: *mut u8,
    pitch: usize,
    /// Where the outputs of the pixel behind the last would lie.
    end: *mut u8,
    bias: *const i32,
    multiplier: *const f32,
    channels: usize,
    /// From the inputs behind the last pixel of a channel to the first of the next.
    x_next: isize,
    /// The weights of a channel.
    w_next: usize,
    /// From the outputs behind the last pixel of a channel back to the first of the next.
    y_back: usize,
    /// Lines that are left of a channel.
    left: usize,
    /// From the inputs behind the last pixel of a line to the first of the next.
    x_line: isize,
    /// The same of the outputs.
    y_line: isize,
    /// From line to line of the outputs.
    line: usize,
    /// Lines of a channel.
    lines: usize,
    /// From the end of the outputs of a channel's last line back to that of the first line of the next channel.
    end_back: usize,
    /// Between words of taps.
    tap: usize,
    /// Between pixels.
    stride: usize,
    /// Words of taps in a row.
    words: usize,
}

/// Widens four channels of at least two pixels.
///
/// # Safety
/// The inputs may be read, and the numbers written.
#[inline(always)]
pub unsafe fn spread<X: Byte>(x: &[X], step: usize, pixels: usize, lines: &mut [i16], (pitch, at): (usize, usize)) {
    const { assert!(size_of::<X>() == 1) };
    let widen = if is_signed::<X>() { spread_signed } else { spread_unsigned };
    let (x, to) = (x.as_ptr().cast::<u8>(), lines.as_mut_ptr().wrapping_add(at));
    // Of an odd number the second is taken twice.
    let odd = pixels % 2;
    // SAFETY: the caller's promise.
    unsafe {
        if odd == 1 {
            widen(x, step, to, 2 * pitch, 1);
        }
        widen(x.wrapping_add(odd * step), step, to.wrapping_add(odd), 2 * pitch, pixels / 2);
    }
}

/// All four channels of lines of `fours` times four pixels.
///
/// # Safety
/// All that the lines speak of may be read, and the outputs written.
#[inline(always)]
pub unsafe fn lines<Y: Byte>(p: &Lines<'_>, part: &Part, y: &mut [Y], [pixel, line]: [usize; 2]) {
    const { assert!(size_of::<Y>() == 1) };
    let taps = p.taps;
    let y: *mut u8 = y.as_mut_ptr().cast();
    let next = 2 * FOUR * taps.stride;
    let row = 2 * FOUR * p.pitch;
    // What a line and all lines before the next channel move on by.
    let Part { first, fours, lines: count } = *part;
    let (x_line, x_lines) = (row * p.stride, row * p.stride * (count - 1));
    let lines = line * (count - 1);
    let mut task = Task {
        next,
        kind: if taps.is_three() { taps.stride - 1 } else { 2 },
        x: p.x.as_ptr().wrapping_add(first),
        w: p.w.as_ptr(),
        row: row * p.dilation,
        rows: p.rows,
        bounds: Bounds::new(&p.range),
        y,
        pitch: pixel,
        end: y.wrapping_add(FOUR * fours * pixel),
        bias: p.bias.as_ptr(),
        multiplier: p.multiplier.as_ptr(),
        channels: FOUR,
        x_next: (2 * p.pitch) as isize - (fours * next + x_lines) as isize,
        w_next: 4 * p.rows * taps.words(),
        y_back: FOUR * fours * pixel + lines - 1,
        left: count,
        x_line: x_line as isize - (fours * next) as isize,
        y_line: line as isize - (FOUR * fours * pixel) as isize,
        line,
        lines: count,
        end_back: lines.wrapping_sub(1),
        tap: if taps.dilation == 1 { 4 } else { 2 * taps.dilation },
        stride: 2 * taps.stride,
        words: taps.words(),
    };
    // SAFETY: the caller's promise.
    unsafe { windows(&mut task) }
}

/// Moves fours of words forward, one after the other: `count` of them, at least one.
///
/// # Safety
/// The words may be read and written.
#[unsafe(naked)]
pub unsafe extern "C" fn shift(to: *mut u32, from: *const u32, count: usize) {
    naked_asm!(
        "push {{r4, r5}}\n20:\nldmia r1!, {{r3-r5, r12}}\nstmia r0!, {{r3-r5, r12}}\nsubs r2, #1\nbne 20b\npop {{r4, r5}}\nbx lr"
    );
}

macro_rules! spread {
    ($name:ident, $wide:literal) => {
        /// Widens four channels of pairs of pixels, and writes the pairs.
        ///
        /// # Safety
        /// The inputs may be read, and the numbers written; there is one pair at least.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(x: *const u8, step: usize, to: *mut i16, pitch: usize, pairs: usize) {
            naked_asm!(
                cpu!(),
                "push {{r4-r11, lr}}\nldr lr, [sp, #36]\nadd r12, r2, r3\nadd r12, r12, r3, lsl #1",
                "20:\nldr r4, [r0]\nldr r5, [r0, r1]\nadd r0, r0, r1, lsl #1",
                concat!($wide, " r6, r4\n", $wide, " r7, r4, ror #8\n", $wide, " r8, r5\n", $wide, " r9, r5, ror #8"),
                "pkhbt r10, r6, r8, lsl #16\npkhtb r11, r8, r6, asr #16",
                "pkhbt r6, r7, r9, lsl #16\npkhtb r7, r9, r7, asr #16",
                "str r6, [r2, r3]\nstr r11, [r2, r3, lsl #1]\nstr r10, [r2], #4\nstr r7, [r12], #4",
                "subs lr, #1\nbne 20b\npop {{r4-r11, pc}}",
            );
        }
    };
}
spread!(spread_signed, "sxtb16");
spread!(spread_unsigned, "uxtb16");

/// Four pixels of a channel at a time, then the next channel.
///
/// # Safety
/// All that the task speaks of may be read and written; there are four pixels, a row and a tap at least.
#[unsafe(naked)]
unsafe extern "C" fn windows(task: *mut Task) {
    naked_asm!(
        cpu!(),
        "push {{r2-r11, lr}}\nmov lr, r0",
        // A channel: bias and multiplier stay in registers.
        "20:\nldrd r4, r5, [lr, #48]\nvldmia r4!, {{s8}}\nvldmia r5!, {{s4}}\nstrd r4, r5, [lr, #48]",
        "vmov.f32 s9, s8\nvmov.f32 s10, s8\nvmov.f32 s11, s8",
        // Four pixels.
        "21:\nldmia lr, {{r4, r5, r9, r10, r11, r12}}\nadd r4, r9\nstr r4, [lr, #8]",
        "vmov r0, r1, s8, s9\nvmov r2, r3, s10, s11\ncmp r5, #1\nbhs 28f",
        // Three taps, pixels that touch.
        "22:\nldmia r9, {{r4-r6}}\nldrd r7, r8, [r10], #8\nadd r9, r11",
        "smlad r0, r4, r7, r0\nsmlatb r1, r4, r7, r1\nsmlad r2, r5, r7, r2\nsmlatb r3, r5, r7, r3",
        "smlabt r0, r5, r8, r0\nsmlad r1, r5, r8, r1\nsmlabt r2, r6, r8, r2\nsmlad r3, r6, r8, r3",
        "subs r12, #1\nbne 22b\n27:\nadd r4, lr, #24\nldmia r4, {{r4-r9}}",
        scale!(""; "s4" "s4" "s4" "s4"),
        "add r10, r7, r8\nstrb r0, [r7]\nstrb r1, [r10]\nstrb r2, [r7, r8, lsl #1]\nstrb r3, [r10, r8, lsl #1]",
        "add r7, r7, r8, lsl #2\nstr r7, [lr, #36]\ncmp r7, r9\nbne 21b",
        // The next line.
        "add r2, lr, #72\nldmia r2, {{r2-r5}}\nldr r0, [lr, #8]\nsubs r2, #1\nbeq 29f",
        "str r2, [lr, #72]\nadd r0, r3\nstr r0, [lr, #8]\nadd r7, r4\nstr r7, [lr, #36]\nadd r9, r5\nstr r9, [lr, #44]\nb 21b",
        // The next channel.
        "29:\nldrd r10, r11, [lr, #88]\nstr r10, [lr, #72]\nsub r9, r11\nstr r9, [lr, #44]",
        "ldr r1, [lr, #12]\nadd r2, lr, #56\nldmia r2, {{r2-r5}}",
        "add r0, r3\nadd r1, r4\nstrd r0, r1, [lr, #8]\nsub r7, r5\nstr r7, [lr, #36]",
        "subs r2, #1\nstr r2, [lr, #56]\nbne 20b\npop {{r2-r11, pc}}",
        // Three taps, every second pixel.
        "28:\nbhi 24f",
        "23:\nldmia r9, {{r4-r6}}\nldrd r7, r8, [r10], #8",
        "smlad r0, r4, r7, r0\nsmlabt r0, r5, r8, r0\nsmlad r1, r5, r7, r1\nsmlabt r1, r6, r8, r1",
        "ldrd r4, r5, [r9, #12]\nadd r9, r11",
        "smlad r2, r6, r7, r2\nsmlabt r2, r4, r8, r2\nsmlad r3, r4, r7, r3\nsmlabt r3, r5, r8, r3",
        "subs r12, #1\nbne 23b\nb 27b",
        // Any taps: the row and how many are left lie on the stack meanwhile.
        "24:\nstrd r9, r12, [sp]\nadd r4, lr, #96\nldmia r4, {{r6, r8, r12}}\nadd r11, r8, r8, lsl #1",
        "25:\nldr r7, [r10], #4\nldr r4, [r9]\nldr r5, [r9, r8]\nsmlad r0, r4, r7, r0\nsmlad r1, r5, r7, r1",
        "ldr r4, [r9, r8, lsl #1]\nldr r5, [r9, r11]\nsmlad r2, r4, r7, r2\nsmlad r3, r5, r7, r3",
        "add r9, r6\nsubs r12, #1\nbne 25b\nldrd r9, r12, [sp]\nldr r4, [lr, #16]\nadd r9, r4\nsubs r12, #1\nbne 24b\nb 27b",
        others!(),
    );
}
