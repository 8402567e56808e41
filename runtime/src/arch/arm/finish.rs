// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! How loops for Armv7E-M and Armv8-M with DSP instructions and an FPU make bytes of four sums.
//!
//! Invariant: a sum times its multiplier is rounded by `vcvtr`, to even under the default rounding mode; additions saturate, so
//! that what is too large is as large as may be.
use super::super::super::terms::quant::Range;
use super::super::byte::Byte;
use core::arch::naked_asm;

/// What becomes of sums.
#[repr(C)]
pub struct Bounds {
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
    /// Of a range with `lo <= zero <= hi`.
    #[inline(always)]
    pub const fn new(range: &Range) -> Self {
        match (range.lo, range.hi) {
            (-128, 127) => Bounds { room: range.zero, back: 0, lo: SIGNED },
            (0, 255) => Bounds { room: range.zero, back: 0, lo: UNSIGNED },
            _ => Self::between(range),
        }
    }

    /// The same, for loops that treat all ranges alike.
    #[inline(always)]
    pub const fn between(range: &Range) -> Self {
        let room = i32::MAX - (range.hi - range.zero);
        Bounds { room, back: room + (range.lo - range.zero), lo: range.lo }
    }
}

/// Whether the numbers are signed.
#[inline(always)]
pub fn is_signed<X: Byte>() -> bool {
    X::narrow(-1).wide() < 0
}

/// Copies bytes, forward. The functions of `core` for that are many times as long.
///
/// # Safety
/// So many bytes may be read and written.
#[unsafe(naked)]
pub unsafe extern "C" fn copy(to: *mut u8, from: *const u8, count: usize) {
    naked_asm!(
        "subs r2, #4\nblo 21f\n20:\nldr r3, [r1], #4\nstr r3, [r0], #4\nsubs r2, #4\nbhs 20b",
        "21:\nadds r2, #4\nbeq 23f\n22:\nldrb r3, [r1], #1\nstrb r3, [r0], #1\nsubs r2, #1\nbne 22b\n23:\nbx lr",
    );
}

/// Writes the bytes of a word again and again.
///
/// # Safety
/// So many bytes may be written.
#[unsafe(naked)]
pub unsafe extern "C" fn fill(to: *mut u8, word: u32, count: usize) {
    naked_asm!(
        "subs r2, #4\nblo 21f\n20:\nstr r1, [r0], #4\nsubs r2, #4\nbhs 20b",
        "21:\nadds r2, #4\nbeq 23f\n22:\nstrb r1, [r0], #1\nsubs r2, #1\nbne 22b\n23:\nbx lr",
    );
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
pub(super) use {between, cpu, others, saturate, scale};
