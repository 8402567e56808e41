// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Requantizes four sums to bytes on Armv7E-M and Armv8-M with DSP instructions and an FPU.
//!
//! Invariants: a sum times its multiplier is rounded by `vcvtr`, to even under the default rounding mode; the additions that
//! follow saturate.
use super::super::super::terms::quant::Range;
use super::super::byte::Byte;

/// How a rounded number is moved by the zero point and kept between the smallest and the largest result.
///
/// If the results are all bytes of their type, `room` is the zero point, and `ssat` or `usat` keeps the range. If not, an
/// addition of `room` saturates at the largest result; then `back` is subtracted, which turns the smallest result into 0,
/// negative numbers become 0, and `lo` is added.
#[repr(C)]
pub struct Bounds {
    /// What is added first, with saturation.
    room: i32,
    /// What is subtracted next.
    back: i32,
    /// The smallest result, or [`SIGNED`] or [`UNSIGNED`], which no byte is.
    lo: i32,
}

/// Stands for all signed bytes.
const SIGNED: i32 = 1000;
/// Stands for all unsigned bytes.
const UNSIGNED: i32 = 2000;

impl Bounds {
    /// The bounds of a range with `lo <= zero <= hi`, for `scale!`.
    #[inline(always)]
    pub const fn new(range: &Range) -> Self {
        match (range.lo, range.hi) {
            (-128, 127) => Bounds { room: range.zero, back: 0, lo: SIGNED },
            (0, 255) => Bounds { room: range.zero, back: 0, lo: UNSIGNED },
            _ => Self::between(range),
        }
    }

    /// The same for loops that use `between!` for every range.
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

// Whoever uses the macros below also has `asm::block`. They share these registers:
// r0 to r3: four sums, then four bytes
// r4, r5, r6: room, back and lo of the bounds
// s0 to s3: the sums as floats

/// Requantizes four sums. `$load` is code that loads the multipliers, and `$a` to `$d` are the registers that they lie in.
macro_rules! scale {
    ($load:expr; $a:literal $b:literal $c:literal $d:literal) => {
        block! {
            "vmov s0, s1, r0, r1",
            "vmov s2, s3, r2, r3",
            $load,
            "vcvt.f32.s32 s0, s0",
            "vcvt.f32.s32 s1, s1",
            "vcvt.f32.s32 s2, s2",
            "vcvt.f32.s32 s3, s3",
            concat!("vmul.f32 s0, s0, ", $a),
            concat!("vmul.f32 s1, s1, ", $b),
            concat!("vmul.f32 s2, s2, ", $c),
            concat!("vmul.f32 s3, s3, ", $d),
            "vcvtr.s32.f32 s0, s0",
            "vcvtr.s32.f32 s1, s1",
            "vcvtr.s32.f32 s2, s2",
            "vcvtr.s32.f32 s3, s3",
            "vmov r0, r1, s0, s1",
            "vmov r2, r3, s2, s3",
            "cmp r6, #1000",      // all signed bytes? most layers say yes
            "bne 41f",            // no: `others`, which comes back to 40
            saturate!("ssat"),
            "40:",
        }
    };
}

/// Adds the zero point, and keeps the results among the bytes of a type: `ssat` or `usat`.
macro_rules! saturate {
    ($to:literal) => {
        block! {
            "qadd r0, r0, r4",
            concat!($to, " r0, #8, r0"),
            "qadd r1, r1, r4",
            concat!($to, " r1, #8, r1"),
            "qadd r2, r2, r4",
            concat!($to, " r2, #8, r2"),
            "qadd r3, r3, r4",
            concat!($to, " r3, #8, r3"),
        }
    };
}

/// The rest of [`scale`], placed behind the loop: results that are unsigned bytes, or of a narrower range.
macro_rules! others {
    () => {
        block! {
            "41:",
            "cmp r6, #2000",      // all unsigned bytes?
            "bne 42f",
            saturate!("usat"),
            "b 40b",
            "42:",
            between!("r0"),
            between!("r1"),
            between!("r2"),
            between!("r3"),
            "b 40b",
        }
    };
}

/// Adds the zero point to a rounded number, and keeps it between the smallest and the largest result.
macro_rules! between {
    ($x:literal) => {
        block! {
            concat!("qadd ", $x, ", ", $x, ", r4"),                // saturates at the largest result
            concat!("sub ", $x, ", ", $x, ", r5"),                 // the smallest result is 0 now
            concat!("bic ", $x, ", ", $x, ", ", $x, ", asr #31"),  // negative numbers become 0
            concat!("add ", $x, ", r6"),
        }
    };
}
pub(super) use {between, others, saturate, scale};
