// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The loops of [`Dual`] on Armv7E-M and Armv8-M with DSP instructions and an FPU.
//!
//! A sum times its multiplier is rounded by `vcvtr`, to even under the default rounding mode;
//! additions saturate, so that what is too large is as large as may be.
use super::super::super::terms::dual::{FOUR, Products};
use super::super::super::terms::lines::{Lines, Part};
use super::super::super::terms::quant::Residual;
use super::super::byte::Byte;
use super::super::compact::Compact;
use super::super::dual::{Dual, spread};
use super::super::isa::Numerics;
use super::dsp::Dsp;
use super::finish::{self, Bounds, between, cpu, is_signed, others, saturate, scale};
use super::lines;
use core::arch::naked_asm;

impl<N: Numerics> Dual for Compact<Dsp<N>> {
    #[inline(always)]
    unsafe fn widen<X: Byte>(self, x: &[X], at: [usize; FOUR], quads: usize, patch: &mut [u32]) {
        // SAFETY: the caller's promise.
        unsafe { widen(x, at, quads, patch) }
    }

    #[inline(always)]
    unsafe fn widen_one<X: Byte>(self, x: &[X], quads: usize, patch: &mut [u32]) {
        // SAFETY: the caller's promise.
        unsafe { widen_one(x, quads, patch) }
    }

    #[inline(always)]
    fn copy<X: Byte>(self, from: &[X], to: &mut [X]) {
        const { assert!(size_of::<X>() == 1) };
        let count = if from.len() < to.len() { from.len() } else { to.len() };
        // SAFETY: there are as many of both, and an element is a byte.
        unsafe { finish::copy(to.as_mut_ptr().cast(), from.as_ptr().cast(), count) }
    }

    #[inline(always)]
    fn fill<X: Byte>(self, to: &mut [X], x: X) {
        const { assert!(size_of::<X>() == 1) };
        // SAFETY: an element is a byte.
        unsafe { finish::fill(to.as_mut_ptr().cast(), x.wide() as u32 % 256 * 0x0101_0101, to.len()) }
    }

    #[inline(always)]
    fn fill_words(self, to: &mut [u32], word: u32) {
        // SAFETY: so many bytes.
        unsafe { finish::fill(to.as_mut_ptr().cast(), word, 4 * to.len()) }
    }

    #[inline(always)]
    fn add<Y: Byte>(self, residual: &Residual, sums: &[Y], y: &mut [Y]) {
        let count = if sums.len() < y.len() { sums.len() } else { y.len() };
        // SAFETY: there are as many of both.
        unsafe { add(residual, sums, y, count) }
    }

    #[inline(always)]
    unsafe fn pixels<Y: Byte>(self, p: &Products<'_>, columns: usize, y: &mut [Y], pitch: usize) {
        // SAFETY: the caller's promise.
        unsafe { pixels(p, columns, y, pitch) }
    }

    #[inline(always)]
    unsafe fn pixel<Y: Byte>(self, p: &Products<'_>, columns: usize, y: &mut [Y]) {
        let whole = columns / FOUR * FOUR;
        // SAFETY: the caller's promise.
        unsafe { pixel(p, whole, y) }
        let rest = (p.bias.get(whole..columns), p.multiplier.get(whole..columns));
        let (Some(bias @ [_, ..]), Some(multiplier)) = rest else { return };
        let (mut biases, mut multipliers, mut out) = ([0; FOUR], [0.0; FOUR], [Y::narrow(0); FOUR]);
        biases.iter_mut().zip(bias).for_each(|(to, from)| *to = *from);
        multipliers.iter_mut().zip(multiplier).for_each(|(to, from)| *to = *from);
        let w = p.w.get(FOUR * p.quads * whole..).unwrap_or(&[]);
        // SAFETY: the weights have whole fours of columns, and so have these.
        unsafe { pixel(&Products { w, bias: &biases, multiplier: &multipliers, ..*p }, FOUR, &mut out) }
        y.iter_mut().take(columns).skip(whole).zip(out).for_each(|(to, from)| *to = from);
    }

    #[inline(always)]
    unsafe fn spread<X: Byte>(self, x: &[X], step: usize, pixels: usize, lines: &mut [i16], to: (usize, usize)) {
        if pixels > 1 {
            // SAFETY: the caller's promise.
            unsafe { lines::spread(x, step, pixels, lines, to) }
        } else {
            spread(x, step, pixels, lines, to);
        }
    }

    #[inline(always)]
    unsafe fn shift(self, words: &mut [u32], first: usize, fours: usize) {
        // SAFETY: the caller's promise.
        unsafe { lines::shift(words.as_mut_ptr(), words.as_ptr().wrapping_add(first), fours) }
    }

    #[inline(always)]
    unsafe fn lines<Y: Byte>(self, p: &Lines<'_>, part: &Part, y: &mut [Y], steps: [usize; 2]) {
        // SAFETY: the caller's promise.
        unsafe { lines::lines(p, part, y, steps) }
    }
}

/// What the loop over columns of four pixels reads; it moves on what it reads, and knows the places of the fields.
#[repr(C)]
struct Columns {
    bounds: Bounds,
    y: *mut u8,
    multiplier: *const f32,
    pitch: usize,
    /// Three times the pitch.
    pitch3: usize,
    /// Where the multiplier of the column behind the last would lie.
    end: *const f32,
    bias: *const i32,
    /// Quads that the first round leaves out, of four.
    skip: usize,
    patch: *const u32,
    /// Rounds of four quads.
    rounds: usize,
    w: *const i8,
}

/// What the loop over panels of a pixel reads; it counts the columns, and knows the places of the fields.
#[repr(C)]
struct Panels {
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
}

/// What the loops that widen read.
#[repr(C)]
struct Bytes {
    to: *mut u32,
    x: [*const u8; FOUR],
    quads: usize,
}

/// Widens numbers of four places.
///
/// # Safety
/// The inputs may be read, and the words written.
#[inline(always)]
unsafe fn widen<X: Byte>(x: &[X], at: [usize; FOUR], quads: usize, patch: &mut [u32]) {
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
unsafe fn widen_one<X: Byte>(x: &[X], quads: usize, patch: &mut [u32]) {
    const { assert!(size_of::<X>() == 1) };
    // SAFETY: the caller's promise.
    unsafe {
        let (x, to) = (x.as_ptr().cast(), patch.as_mut_ptr());
        if is_signed::<X>() { widen_one_signed(to, x, quads) } else { widen_one_unsigned(to, x, quads) }
    }
}

/// Columns of four pixels, at least one.
///
/// # Safety
/// All that the products speak of may be read, and the outputs written.
#[inline(always)]
unsafe fn pixels<Y: Byte>(p: &Products<'_>, columns: usize, y: &mut [Y], pitch: usize) {
    const { assert!(size_of::<Y>() == 1) };
    let mut task = Columns {
        bounds: Bounds::new(&p.range),
        y: y.as_mut_ptr().cast(),
        multiplier: p.multiplier.as_ptr(),
        pitch,
        pitch3: 3 * pitch,
        end: p.multiplier.as_ptr().wrapping_add(columns),
        bias: p.bias.as_ptr(),
        skip: p.quads.wrapping_neg() % 4,
        patch: p.patch.as_ptr(),
        rounds: p.quads.div_ceil(4),
        w: p.w.as_ptr(),
    };
    // SAFETY: the caller's promise.
    unsafe { products(&mut task) }
}

/// Whole fours of columns of one pixel.
///
/// # Safety
/// All that the products speak of may be read, and the outputs written.
#[inline(always)]
unsafe fn pixel<Y: Byte>(p: &Products<'_>, columns: usize, y: &mut [Y]) {
    const { assert!(size_of::<Y>() == 1) };
    if columns == 0 {
        return;
    }
    let mut task = Panels {
        bias: p.bias.as_ptr(),
        column: 0,
        patch: p.patch.as_ptr(),
        fours: p.quads / 4,
        w: p.w.as_ptr(),
        ones: p.quads % 4,
        bounds: Bounds::new(&p.range),
        y: y.as_mut_ptr().cast(),
        pitch: 0,
        multiplier: p.multiplier.as_ptr(),
        columns,
    };
    // SAFETY: the caller's promise.
    unsafe { products_one(&mut task) }
}

/// What the loop that adds reads.
#[repr(C)]
struct Addition {
    bounds: Bounds,
    sum_zero: i32,
    other_zero: i32,
    sum_scale: f32,
    other_scale: f32,
    scale: f32,
}

/// Adds finished sums to outputs.
///
/// # Safety
/// There are `count` of both.
#[inline(always)]
unsafe fn add<Y: Byte>(r: &Residual, sums: &[Y], y: &mut [Y], count: usize) {
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
        /// Adds one by one.
        ///
        /// # Safety
        /// There are so many sums and outputs, one at least.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(task: *const Addition, sums: *const u8, y: *mut u8, count: usize) {
            naked_asm!(
                cpu!(),
                "push {{r4-r9, lr}}\nadd r4, r0, #20\nvldmia r4, {{s4-s6}}\nldmia r0, {{r4-r8}}",
                concat!("20:\n", $load, " r0, [r1], #1\n", $load, " r9, [r2]\nsub r0, r7\nsub r9, r8"),
                "vmov s0, s1, r0, r9\nvcvt.f32.s32 s0, s0\nvcvt.f32.s32 s1, s1\nvmul.f32 s0, s0, s4\nvmul.f32 s1, s1, s5",
                "vadd.f32 s0, s1, s0\nvdiv.f32 s0, s0, s6\nvcvtr.s32.f32 s0, s0\nvmov r0, s0",
                between!("r0"),
                "strb r0, [r2], #1\nsubs r3, #1\nbne 20b\npop {{r4-r9, pc}}",
            );
        }
    };
}
add!(add_signed, "ldrsb");
add!(add_unsigned, "ldrb");

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
        "ldmia r11!, {{r4-r7}}\nldr r8, [r10], #4\nsxtb16 r9, r8\nsmlad r0, r4, r9, r0\nsmlad r1, r5, r9, r1\nsmlad r2, r6, r9, r2\nsmlad r3, r7, r9, r3\nldmia r11!, {{r4-r7}}\nsxtb16 r8, r8, ror #8\nsmlad r0, r4, r8, r0\nsmlad r1, r5, r8, r1\nsmlad r2, r6, r8, r2\nsmlad r3, r7, r8, r3\n"
    };
}

/// Columns of four pixels, one by one.
///
/// # Safety
/// All that the task speaks of may be read and written; there is a column and a quad at least.
#[unsafe(naked)]
unsafe extern "C" fn products(columns: *mut Columns) {
    naked_asm!(
        cpu!(),
        "push {{r4-r11, lr}}\nadd lr, r0, #32\nldr r10, [lr, #16]",
        // A column: its bias, then into the middle of the first round.
        "20:\nldmia lr, {{r4, r5, r11, r12}}\nldr r0, [r4], #4\nstr r4, [lr]\nmov r1, r0\nmov r2, r0\nmov r3, r0",
        "tbb [pc, r5]\n21:\n.byte (22f - 21b) / 2, (23f - 21b) / 2, (24f - 21b) / 2, (25f - 21b) / 2\n22:",
        quad_of_pixels!(),
        "23:",
        quad_of_pixels!(),
        "24:",
        quad_of_pixels!(),
        "25:",
        quad_of_pixels!(),
        "subs r12, #1\nbne 22b\nldmdb lr, {{r4-r9, r11, r12}}",
        scale!("vldmia r8!, {{s4}}\n"; "s4" "s4" "s4" "s4"),
        "strb r1, [r7, r9]\nstrb r2, [r7, r9, lsl #1]\nstrb r3, [r7, r11]\nstrb r0, [r7], #1",
        "strd r7, r8, [lr, #-20]\ncmp r8, r12\nbne 20b\npop {{r4-r11, pc}}",
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
unsafe extern "C" fn products_one(panels: *mut Panels) {
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
