// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The loops of `dual` on Armv7E-M and Armv8-M with DSP instructions and an FPU.
//!
//! Invariants: those of `dual`. A sum times its multiplier is rounded by `vcvtr`, to even under the default rounding mode;
//! additions saturate, so that what is too large is as large as may be.
#![cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
use super::super::kernels::quant::{Byte, Range};
use super::dual::{FOUR, Products, Windows};
use core::arch::naked_asm;

/// What becomes of sums.
#[repr(C)]
struct Bounds {
    /// Added with saturation: what is more than the largest result overflows. Of a whole range the zero point.
    room: i32,
    /// Taken off then: the smallest result becomes 0.
    back: i32,
    /// The smallest result, which is added then; or [`SIGNED`] or [`UNSIGNED`], which are none.
    lo: i32,
}

/// Results are all signed bytes: an instruction keeps them in their range.
const SIGNED: i32 = 1000;
/// Results are all unsigned bytes.
const UNSIGNED: i32 = 2000;

impl Bounds {
    #[inline(always)]
    const fn new(range: &Range) -> Self {
        let room = i32::MAX - (range.hi - range.zero);
        match (range.lo, range.hi) {
            (-128, 127) => Bounds { room: range.zero, back: 0, lo: SIGNED },
            (0, 255) => Bounds { room: range.zero, back: 0, lo: UNSIGNED },
            (lo, _) => Bounds { room, back: room + (lo - range.zero), lo },
        }
    }
}

/// What the loops of [`Products`] read; they count the columns, and know the places of the fields.
#[repr(C)]
struct Task {
    bias: *const i32,
    column: usize,
    patch: *const u32,
    /// Quads, by four.
    fours: usize,
    w: *const i8,
    /// Quads beyond.
    ones: usize,
    bounds: Bounds,
    y: *mut u8,
    pitch: usize,
    multiplier: *const f32,
    columns: usize,
    /// From the end of the weights of a column to those of the next, which lie beside them, back.
    back: usize,
}

/// What the loops of [`Windows`] read; they move on what they read step by step. Steps are bytes.
#[repr(C)]
struct Taps {
    x: *const u8,
    stride: usize,
    columns: usize,
    w: *const u32,
    row: usize,
    rows: usize,
    bounds: Bounds,
    y: *mut u8,
    pitch: usize,
    /// Where the outputs of the pixel behind the last would lie.
    end: *mut u8,
    column: usize,
    bias: *const i32,
    multiplier: *const f32,
    /// Fours of channels.
    fours: usize,
    /// From the inputs of the last pixel back to those of the first, and on by four channels.
    x_back: usize,
    /// The same of the outputs.
    y_back: usize,
    /// From the weights of four channels to the next.
    weights: usize,
}

/// What the loops that widen read.
#[repr(C)]
struct Bytes {
    to: *mut u32,
    x: [*const u8; FOUR],
    quads: usize,
}

/// Whether the numbers are signed.
#[inline(always)]
fn is_signed<X: Byte>() -> bool {
    X::narrow(-1).wide() < 0
}

/// Widens numbers of four places.
///
/// # Safety
/// The inputs may be read, and the words written.
#[inline(always)]
pub unsafe fn widen<X: Byte>(x: &[X], at: [usize; FOUR], quads: usize, patch: &mut [u32]) {
    const { assert!(size_of::<X>() == 1) };
    let bytes = Bytes { to: patch.as_mut_ptr(), x: at.map(|at| x.as_ptr().wrapping_add(at).cast()), quads };
    // SAFETY: the caller's promise.
    unsafe { if is_signed::<X>() { widen_signed(&bytes) } else { widen_unsigned(&bytes) } }
}

/// Widens the numbers of one place.
///
/// # Safety
/// The inputs may be read, and the words written.
#[inline(always)]
pub unsafe fn widen_one<X: Byte>(x: &[X], quads: usize, patch: &mut [u32]) {
    const { assert!(size_of::<X>() == 1) };
    // SAFETY: the caller's promise.
    unsafe {
        let (x, to) = (x.as_ptr().cast(), patch.as_mut_ptr());
        if is_signed::<X>() { widen_one_signed(to, x, quads) } else { widen_one_unsigned(to, x, quads) }
    }
}

#[inline(always)]
fn task<Y: Byte>(p: &Products<'_>, columns: usize, y: &mut [Y], pitch: usize) -> Task {
    const { assert!(size_of::<Y>() == 1) };
    Task {
        bias: p.bias.as_ptr(),
        column: 0,
        patch: p.patch.as_ptr(),
        fours: p.quads / 4,
        w: p.w.as_ptr(),
        ones: p.quads % 4,
        bounds: Bounds::new(&p.range),
        y: y.as_mut_ptr().cast(),
        pitch,
        multiplier: p.multiplier.as_ptr(),
        columns,
        back: 16 * p.quads - 4,
    }
}

/// Columns of four pixels, at least one.
///
/// # Safety
/// All that the products speak of may be read, and the outputs written.
#[inline(always)]
pub unsafe fn pixels<Y: Byte>(p: &Products<'_>, columns: usize, y: &mut [Y], pitch: usize) {
    // SAFETY: the caller's promise.
    unsafe { products(&mut task(p, columns, y, pitch)) }
}

/// Whole fours of columns of one pixel.
///
/// # Safety
/// All that the products speak of may be read, and the outputs written.
#[inline(always)]
pub unsafe fn pixel<Y: Byte>(p: &Products<'_>, columns: usize, y: &mut [Y]) {
    if columns > 0 {
        // SAFETY: the caller's promise.
        unsafe { products_one(&mut task(p, columns, y, 0)) }
    }
}

/// All channels of all pixels, at least four of one.
///
/// # Safety
/// All that the windows speak of may be read, and the outputs written.
#[inline(always)]
pub unsafe fn windows<X: Byte, Y: Byte>(p: &Windows<'_, X>, channels: usize, y: &mut [Y]) {
    const { assert!(size_of::<X>() == 1 && size_of::<Y>() == 1) };
    let ([rows, columns], [row, column]) = (p.taps, p.steps);
    let y: *mut u8 = y.as_mut_ptr().cast();
    let mut taps = Taps {
        x: p.x.as_ptr().cast(),
        stride: p.stride,
        columns,
        w: p.w.as_ptr(),
        row,
        rows,
        bounds: Bounds::new(&p.range),
        y,
        pitch: p.pitch,
        end: y.wrapping_add(p.pixels * p.pitch),
        column,
        bias: p.bias.as_ptr(),
        multiplier: p.multiplier.as_ptr(),
        fours: channels / FOUR,
        x_back: p.pixels * p.stride - FOUR,
        y_back: p.pixels * p.pitch - FOUR,
        weights: 8 * rows * columns,
    };
    // SAFETY: the caller's promise.
    unsafe { if is_signed::<X>() { windows_signed(&mut taps) } else { windows_unsigned(&mut taps) } }
}

/// The instructions that module-level code may have only where it says so.
macro_rules! cpu {
    () => {
        ".arch armv7e-m\n.fpu fpv4-sp-d16\n"
    };
}

/// Rounds four sums times multipliers to integers.
macro_rules! scale {
    ($load:expr; $a:literal $b:literal $c:literal $d:literal) => {
        concat!(
            "vmov s0, s1, r0, r1\nvmov s2, s3, r2, r3\n",
            $load,
            "vcvt.f32.s32 s0, s0\nvcvt.f32.s32 s1, s1\nvcvt.f32.s32 s2, s2\nvcvt.f32.s32 s3, s3\n",
            "vmul.f32 s0, s0, ",
            $a,
            "\nvmul.f32 s1, s1, ",
            $b,
            "\nvmul.f32 s2, s2, ",
            $c,
            "\nvmul.f32 s3, s3, ",
            $d,
            "\nvcvtr.s32.f32 s0, s0\nvcvtr.s32.f32 s1, s1\nvcvtr.s32.f32 s2, s2\nvcvtr.s32.f32 s3, s3\n",
            "vmov r0, r1, s0, s1\nvmov r2, r3, s2, s3\n",
            // Signed bytes, which most results are; `others` comes back to 40.
            "cmp r6, #1000\nbne 41f\n",
            saturate!("ssat"),
            "40:",
        )
    };
}

/// All bytes of a type.
macro_rules! saturate {
    ($to:literal) => {
        concat!(
            "qadd r0, r0, r4\n",
            $to,
            " r0, #8, r0\nqadd r1, r1, r4\n",
            $to,
            " r1, #8, r1\n",
            "qadd r2, r2, r4\n",
            $to,
            " r2, #8, r2\nqadd r3, r3, r4\n",
            $to,
            " r3, #8, r3\n",
        )
    };
}

/// The results of [`scale`] that are no signed bytes: behind the loop.
macro_rules! others {
    () => {
        concat!(
            "41:\ncmp r6, #2000\nbne 42f\n",
            saturate!("usat"),
            "b 40b\n42:\n",
            between!("r0"),
            between!("r1"),
            between!("r2"),
            between!("r3"),
            "b 40b",
        )
    };
}

/// A rounded number, no less than the smallest result and no more than the largest.
macro_rules! between {
    ($x:literal) => {
        concat!(
            "qadd ",
            $x,
            ", ",
            $x,
            ", r4\nsub ",
            $x,
            ", ",
            $x,
            ", r5\nbic ",
            $x,
            ", ",
            $x,
            ", ",
            $x,
            ", asr #31\n",
            "add ",
            $x,
            ", r6\n",
        )
    };
}

/// Stores four neighbouring results.
macro_rules! store {
    () => {
        "bfi r0, r1, #8, #8\nbfi r2, r3, #8, #8\nbfi r0, r2, #16, #16\nstr r0, [r7]\n"
    };
}

macro_rules! widen {
    ($name:ident, $one:ident, $wide:literal) => {
        /// Widens numbers of four places.
        ///
        /// # Safety
        /// The inputs may be read, and the words written; there is one quad at least.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(bytes: *const Bytes) {
            naked_asm!(
                cpu!(),
                "push {{r4-r11, lr}}\nldr lr, [r0, #20]\nldmia r0, {{r0-r4}}\n20:",
                "ldr r5, [r1], #4\nldr r6, [r2], #4\nldr r7, [r3], #4\nldr r8, [r4], #4",
                concat!($wide, " r9, r5\n", $wide, " r10, r6\n", $wide, " r11, r7\n", $wide, " r12, r8"),
                "stmia r0!, {{r9-r12}}",
                concat!($wide, " r5, r5, ror #8\n", $wide, " r6, r6, ror #8"),
                concat!($wide, " r7, r7, ror #8\n", $wide, " r8, r8, ror #8"),
                "stmia r0!, {{r5-r8}}\nsubs lr, #1\nbne 20b\npop {{r4-r11, pc}}",
            );
        }

        /// Widens the numbers of one place.
        ///
        /// # Safety
        /// The inputs may be read, and the words written; there is one quad at least.
        #[unsafe(naked)]
        unsafe extern "C" fn $one(to: *mut u32, x: *const u8, quads: usize) {
            naked_asm!(
                cpu!(),
                "20:\nldr r3, [r1], #4",
                concat!($wide, " r12, r3\n", $wide, " r3, r3, ror #8"),
                "strd r12, r3, [r0], #8\nsubs r2, #1\nbne 20b\nbx lr",
            );
        }
    };
}
widen!(widen_signed, widen_one_signed, "sxtb16");
widen!(widen_unsigned, widen_one_unsigned, "uxtb16");

/// Four inputs of four pixels times the weights of a column.
macro_rules! quad_of_pixels {
    () => {
        "ldmia r11!, {{r4-r7}}\nldr r8, [r10], #16\nsxtb16 r9, r8\nsmlad r0, r4, r9, r0\nsmlad r1, r5, r9, r1\nsmlad r2, r6, r9, r2\nsmlad r3, r7, r9, r3\nldmia r11!, {{r4-r7}}\nsxtb16 r8, r8, ror #8\nsmlad r0, r4, r8, r0\nsmlad r1, r5, r8, r1\nsmlad r2, r6, r8, r2\nsmlad r3, r7, r8, r3\n"
    };
}

/// Columns of four pixels, one by one.
///
/// # Safety
/// All that the task speaks of may be read and written; there is a column and a quad at least.
#[unsafe(naked)]
unsafe extern "C" fn products(task: *mut Task) {
    naked_asm!(
        cpu!(),
        "push {{r4-r11, lr}}\nmov lr, r0\nldr r10, [lr, #16]",
        // A column: its bias.
        "20:\nldmia lr, {{r4, r5, r11, r12}}\nldr r0, [r4, r5, lsl #2]\nmov r1, r0\nmov r2, r0\nmov r3, r0",
        "cmp r12, #0\nbeq 22f\n21:",
        quad_of_pixels!(),
        quad_of_pixels!(),
        quad_of_pixels!(),
        quad_of_pixels!(),
        "subs r12, #1\nbne 21b\n22:\nldr r12, [lr, #20]\ncmp r12, #0\nbeq 24f\n23:",
        quad_of_pixels!(),
        "subs r12, #1\nbne 23b\n24:\nldr r12, [lr, #4]\nadd r4, lr, #24\nldmia r4, {{r4-r9, r11}}",
        scale!("add r9, r9, r12, lsl #2\nvldr s4, [r9]\n"; "s4" "s4" "s4" "s4"),
        "add r7, r12\nadd r9, r7, r8",
        "strb r0, [r7]\nstrb r1, [r9]\nstrb r2, [r7, r8, lsl #1]\nstrb r3, [r9, r8, lsl #1]",
        // The weights of the next column lie beside these, or behind the four.
        "add r12, #1\nstr r12, [lr, #4]\ntst r12, #3\nbeq 25f",
        "ldr r4, [lr, #52]\nsub r10, r4\ncmp r12, r11\nbne 20b\npop {{r4-r11, pc}}",
        "25:\nsub r10, #12\ncmp r12, r11\nbne 20b\npop {{r4-r11, pc}}",
        others!(),
    );
}

/// Four inputs of a pixel times the weights of four columns.
macro_rules! quad_of_columns {
    () => {
        "ldmia r10!, {{r6-r9}}\nldrd r4, r5, [r11], #8\nsxtb16 r12, r6\nsmlad r0, r4, r12, r0\nsxtb16 r6, r6, ror #8\nsmlad r0, r5, r6, r0\nsxtb16 r12, r7\nsmlad r1, r4, r12, r1\nsxtb16 r7, r7, ror #8\nsmlad r1, r5, r7, r1\nsxtb16 r12, r8\nsmlad r2, r4, r12, r2\nsxtb16 r8, r8, ror #8\nsmlad r2, r5, r8, r2\nsxtb16 r12, r9\nsmlad r3, r4, r12, r3\nsxtb16 r9, r9, ror #8\nsmlad r3, r5, r9, r3\n"
    };
}

/// Four columns of a pixel at a time.
///
/// # Safety
/// All that the task speaks of may be read and written; there are four columns and a quad at least.
#[unsafe(naked)]
unsafe extern "C" fn products_one(task: *mut Task) {
    naked_asm!(
        cpu!(),
        "push {{r0, r4-r11, lr}}\nmov lr, r0\nldr r10, [lr, #16]",
        "20:\nldmia lr, {{r4, r5, r11, r12}}\nadd r4, r4, r5, lsl #2\nldmia r4, {{r0-r3}}",
        "movs lr, r12\nbeq 22f\n21:",
        quad_of_columns!(),
        quad_of_columns!(),
        quad_of_columns!(),
        quad_of_columns!(),
        "subs lr, #1\nbne 21b\n22:\nldr lr, [sp]\nldr lr, [lr, #20]\ncmp lr, #0\nbeq 24f\n23:",
        quad_of_columns!(),
        "subs lr, #1\nbne 23b\n24:\nldr lr, [sp]\nldr r12, [lr, #4]\nadd r4, lr, #24\nldmia r4, {{r4-r9, r11}}",
        scale!("add r9, r9, r12, lsl #2\nvldmia r9, {{s4-s7}}\n"; "s4" "s5" "s6" "s7"),
        "add r7, r12",
        store!(),
        "add r12, #4\nstr r12, [lr, #4]\ncmp r12, r11\nbne 20b\npop {{r0, r4-r11, pc}}",
        others!(),
    );
}

/// A tap of four channels.
macro_rules! tap {
    ($wide:literal, $load:literal) => {
        concat!(
            $load,
            "\nldrd r6, r7, [r9], #8\n",
            $wide,
            " r4, r5\n",
            $wide,
            " r5, r5, ror #8\n",
            "smlabb r0, r4, r6, r0\nsmlatt r2, r4, r6, r2\nsmlabb r1, r5, r7, r1\nsmlatt r3, r5, r7, r3\n",
        )
    };
}

macro_rules! windows {
    ($name:ident, $wide:literal) => {
        /// Four channels of all pixels, one after the other, then the next.
        ///
        /// # Safety
        /// All that the taps speak of may be read and written; there are four channels, a pixel and a tap at least.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(taps: *mut Taps) {
            naked_asm!(
                cpu!(),
                "push {{r0, r4-r11, lr}}\nmov lr, r0\nldr r10, [lr, #48]",
                // Four channels: bias and multipliers stay in registers.
                "20:\nldrd r4, r5, [lr, #52]\nvldmia r4!, {{s8-s11}}\nvldmia r5!, {{s4-s7}}\nstrd r4, r5, [lr, #52]",
                // A pixel.
                "21:\nldmia lr, {{r4, r5, r6, r9, r11, r12}}\nvmov r0, r1, s8, s9\nvmov r2, r3, s10, s11",
                "mov r8, r4\nadd r4, r5\nstr r4, [lr]\ncmp r6, #3\nbne 25f\n22:",
                // Three columns, which most windows have.
                tap!($wide, "ldr r5, [r8]"),
                tap!($wide, "ldr r5, [r8, r10]"),
                tap!($wide, "ldr r5, [r8, r10, lsl #1]"),
                "add r8, r11\nsubs r12, #1\nbne 22b\n23:\nadd r4, lr, #24\nldmia r4, {{r4-r8, r11}}",
                scale!(""; "s4" "s5" "s6" "s7"),
                store!(),
                "add r7, r8\nstr r7, [lr, #36]\ncmp r7, r11\nbne 21b",
                // The next four channels of the first pixel.
                "ldr r0, [lr]\nldr r1, [lr, #12]\nadd r2, lr, #60\nldmia r2, {{r2-r5}}\nsub r0, r3\nstr r0, [lr]",
                "sub r7, r4\nstr r7, [lr, #36]\nadd r11, #4\nstr r11, [lr, #44]\nadd r1, r5\nstr r1, [lr, #12]",
                "subs r2, #1\nstr r2, [lr, #60]\nbne 20b\npop {{r0, r4-r11, pc}}",
                // Another number of columns.
                "25:\nmov r11, r8\nldr lr, [sp]\nldr lr, [lr, #8]\n26:",
                tap!($wide, "ldr r5, [r11]"),
                "add r11, r10\nsubs lr, #1\nbne 26b\nldr lr, [sp]\nldr r11, [lr, #16]\nadd r8, r11\nsubs r12, #1\nbne 25b\nb 23b",
                others!(),
            );
        }
    };
}
windows!(windows_signed, "sxtb16");
windows!(windows_unsigned, "uxtb16");
