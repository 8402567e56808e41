// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Depthwise convolutions along lines of one channel, on Armv7E-M and Armv8-M with DSP instructions and an FPU.
//!
//! The loops for three taps read the inputs of four pixels by `ldm` and `ldrd`, so these begin at whole words; the loop for other
//! taps reads words at any even address.
use super::super::super::terms::lines::{FOUR, Lines, Part};
use super::super::byte::Byte;
use super::asm::block;
use super::cpu::cpu;
use super::finish::{Bounds, between, others, saturate, scale};
use core::arch::naked_asm;

/// What the loop reads and moves on; steps in bytes. It knows the offsets of the fields.
#[repr(C)]
struct Task {
    /// From the inputs of four pixels to those of the next four.
    next: usize,
    /// Which loop: 0 for three taps and stride 1, 1 for three taps and stride 2, 2 for all others.
    kind: usize,
    x: *const u32,
    w: *const u32,
    /// From a row of taps to the next.
    row: usize,
    rows: usize,
    bounds: Bounds,
    y: *mut u8,
    pitch: usize,
    /// The end of the outputs of a line.
    end: *mut u8,
    bias: *const i32,
    multiplier: *const f32,
    /// Channels left.
    channels: usize,
    /// From the end of the inputs of a channel to those of the next.
    x_next: isize,
    /// From the weights of a channel to those of the next.
    w_next: usize,
    /// From the end of the outputs of a channel back to those of the next.
    y_back: usize,
    /// Lines left of the channel.
    left: usize,
    /// From the end of the inputs of a line to those of the next.
    x_line: isize,
    /// The same for the outputs.
    y_line: isize,
    /// From the outputs of a line to those of the next.
    line: usize,
    /// Lines of a channel.
    lines: usize,
    /// From `end` in the last line of a channel back to `end` in the first line of the next.
    end_back: usize,
    /// Between the inputs of two words of taps.
    tap: usize,
    /// Between the inputs of two pixels.
    stride: usize,
    /// Words of taps in a row.
    words: usize,
}

/// Computes `part` of four channels. Pixels of the output lie `pixel` bytes apart, its lines `line`.
///
/// # Safety
/// The windows and weights of all pixels may be read, and the outputs written.
#[inline(always)]
pub unsafe fn lines<Y: Byte>(p: &Lines<'_>, part: &Part, y: &mut [Y], [pixel, line]: [usize; 2]) {
    const { assert!(size_of::<Y>() == 1) };
    let taps = p.taps;
    let y: *mut u8 = y.as_mut_ptr().cast();
    let next = 2 * FOUR * taps.stride;
    let row = 2 * FOUR * p.pitch;
    // The steps along one line, and along all lines of a channel.
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

/// Computes four pixels at a time: all pixels of a line, then all lines, then all channels.
///
/// # Safety
/// All that the task points to may be read and written; there are at least four pixels, one row and one tap.
// r0 to r3: the sums of the four pixels, then their bytes
// r9: the inputs of a row of taps; r10: its weights; r11: row; r12: rows left
// lr: the task
// s4: the multiplier of the channel; s8 to s11: its bias
// After the products: r4 to r6: the bounds; r7: y; r8: pitch; r9: end
#[unsafe(naked)]
unsafe extern "C" fn windows(task: *mut Task) {
    naked_asm! {
        cpu!(),
        "push {{r2-r11, lr}}",              // r2 and r3 make room for two words
        "mov lr, r0",

        "20:",                              // a channel
        "ldrd r4, r5, [lr, #48]",           // bias, multiplier
        "vldmia r4!, {{s8}}",
        "vldmia r5!, {{s4}}",
        "strd r4, r5, [lr, #48]",
        "vmov.f32 s9, s8",
        "vmov.f32 s10, s8",
        "vmov.f32 s11, s8",

        "21:",                              // four pixels
        "ldmia lr, {{r4, r5, r9, r10, r11, r12}}",
        "add r4, r9",                       // x += next
        "str r4, [lr, #8]",
        "vmov r0, r1, s8, s9",
        "vmov r2, r3, s10, s11",
        "cmp r5, #1",                       // kind
        "bhs 28f",

        // Three taps, stride 1. r4 to r6: inputs 0 to 5; r7: weights 0 and 1; r8: weights 1 and 2.
        "22:",
        "ldmia r9, {{r4-r6}}",
        "ldrd r7, r8, [r10], #8",
        "add r9, r11",
        "smlad r0, r4, r7, r0",             // inputs 0 and 1, weights 0 and 1
        "smlatb r1, r4, r7, r1",            // 1, 0
        "smlad r2, r5, r7, r2",             // 2 and 3, 0 and 1
        "smlatb r3, r5, r7, r3",            // 3, 0
        "smlabt r0, r5, r8, r0",            // 2, 2
        "smlad r1, r5, r8, r1",             // 2 and 3, 1 and 2
        "smlabt r2, r6, r8, r2",            // 4, 2
        "smlad r3, r6, r8, r3",             // 4 and 5, 1 and 2
        "subs r12, #1",
        "bne 22b",

        "27:",                              // the results
        "add r4, lr, #24",
        "ldmia r4, {{r4-r9}}",              // bounds, y, pitch, end
        scale!(""; "s4" "s4" "s4" "s4"),
        "add r10, r7, r8",
        "strb r0, [r7]",
        "strb r1, [r10]",
        "strb r2, [r7, r8, lsl #1]",
        "strb r3, [r10, r8, lsl #1]",
        "add r7, r7, r8, lsl #2",
        "str r7, [lr, #36]",                // y
        "cmp r7, r9",
        "bne 21b",

        // The next line.
        "add r2, lr, #72",
        "ldmia r2, {{r2-r5}}",              // left, x_line, y_line, line
        "ldr r0, [lr, #8]",                 // x
        "subs r2, #1",
        "beq 29f",
        "str r2, [lr, #72]",
        "add r0, r3",
        "str r0, [lr, #8]",
        "add r7, r4",
        "str r7, [lr, #36]",                // y
        "add r9, r5",
        "str r9, [lr, #44]",                // end
        "b 21b",

        // The next channel.
        "29:",
        "ldrd r10, r11, [lr, #88]",         // lines, end_back
        "str r10, [lr, #72]",               // left
        "sub r9, r11",
        "str r9, [lr, #44]",                // end
        "ldr r1, [lr, #12]",                // w
        "add r2, lr, #56",
        "ldmia r2, {{r2-r5}}",              // channels, x_next, w_next, y_back
        "add r0, r3",
        "add r1, r4",
        "strd r0, r1, [lr, #8]",            // x, w
        "sub r7, r5",
        "str r7, [lr, #36]",                // y
        "subs r2, #1",
        "str r2, [lr, #56]",                // channels
        "bne 20b",
        "pop {{r2-r11, pc}}",

        // Three taps, stride 2. r4 to r6: inputs 0 to 5, then r4, r5: 6 to 9; r7, r8 as above.
        "28:",
        "bhi 24f",
        "23:",
        "ldmia r9, {{r4-r6}}",
        "ldrd r7, r8, [r10], #8",
        "smlad r0, r4, r7, r0",             // inputs 0 and 1, weights 0 and 1
        "smlabt r0, r5, r8, r0",            // 2, 2
        "smlad r1, r5, r7, r1",             // 2 and 3, 0 and 1
        "smlabt r1, r6, r8, r1",            // 4, 2
        "ldrd r4, r5, [r9, #12]",
        "add r9, r11",
        "smlad r2, r6, r7, r2",             // 4 and 5, 0 and 1
        "smlabt r2, r4, r8, r2",            // 6, 2
        "smlad r3, r4, r7, r3",             // 6 and 7, 0 and 1
        "smlabt r3, r5, r8, r3",            // 8, 2
        "subs r12, #1",
        "bne 23b",
        "b 27b",

        // Any taps. r4, r5: inputs; r6: tap; r7: a word of weights; r8: stride; r11: three times the stride; r12: words left.
        "24:",
        "strd r9, r12, [sp]",               // the row, and rows left
        "add r4, lr, #96",
        "ldmia r4, {{r6, r8, r12}}",        // tap, stride, words
        "add r11, r8, r8, lsl #1",
        "25:",
        "ldr r7, [r10], #4",
        "ldr r4, [r9]",
        "ldr r5, [r9, r8]",
        "smlad r0, r4, r7, r0",
        "smlad r1, r5, r7, r1",
        "ldr r4, [r9, r8, lsl #1]",
        "ldr r5, [r9, r11]",
        "smlad r2, r4, r7, r2",
        "smlad r3, r5, r7, r3",
        "add r9, r6",
        "subs r12, #1",
        "bne 25b",
        "ldrd r9, r12, [sp]",
        "ldr r4, [lr, #16]",                // row
        "add r9, r4",
        "subs r12, #1",
        "bne 24b",
        "b 27b",
        others!(),
    }
}
