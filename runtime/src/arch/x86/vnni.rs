// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loops of `dots` with AVX-512 VNNI. One register holds the sums of sixteen columns; to each lane `vpdpbusd`
//! adds four products of an unsigned and a signed byte, without saturation.
//!
//! In assembly, because the intrinsics are younger than the oldest supported compiler. Registers 0 to 23 hold sums, 24
//! to 27 weights and later constants, 28 inputs, and 29 the flip that makes them unsigned. The compiler itself uses
//! mask registers and vectors 16 to 31 only in code with AVX-512 enabled, and no code here has it enabled.
use super::super::super::terms::dots::Task;
use core::arch::asm;
use core::mem::offset_of;

/// Loads a quad of weights of each panel; `$z` is the kind of register. With eight panels, weights are memory operands.
macro_rules! weights {
    ($z:tt, 1) => {
        concat!("vmovdqu32 ", $z, "24, [rsi]\n")
    };
    ($z:tt, 2) => {
        concat!(weights!($z, 1), "vmovdqu32 ", $z, "25, [rsi + rdx]\n")
    };
    ($z:tt, 4) => {
        concat!(weights!($z, 2), "vmovdqu32 ", $z, "26, [rsi + 2*rdx]\n", "vmovdqu32 ", $z, "27, [rsi + r14]\n")
    };
    ($z:tt, 8) => {
        ""
    };
}

/// Loads a row's quad from `$row`, and makes signed bytes unsigned.
macro_rules! quad {
    (unsigned, $z:tt, $row:literal) => {
        concat!("vpbroadcastd ", $z, "28, dword ptr [", $row, " + rax]\n")
    };
    (signed, $z:tt, $row:literal) => {
        concat!("vpxord ", $z, "28, ", $z, "29, dword ptr [", $row, " + rax]", broadcast!($z), "\n")
    };
}

/// Adds the products with a row's quad at `$row`.
macro_rules! dot {
    ($sign:ident, $z:tt, $row:literal, $($sum:literal @ $w:expr),+) => {
        concat!(
            quad!($sign, $z, $row),
            $("vpdpbusd ", $z, $sum, ", ", $z, "28, ", $w, "\n",)+
        )
    };
    ($sign:ident, $z:tt, $row:literal: $a:literal) => {
        dot!($sign, $z, $row, $a @ concat!($z, "24"))
    };
    ($sign:ident, $z:tt, $row:literal: $a:literal, $b:literal) => {
        dot!($sign, $z, $row, $a @ "zmm24", $b @ "zmm25")
    };
    ($sign:ident, $z:tt, $row:literal: $a:literal, $b:literal, $c:literal, $d:literal) => {
        dot!($sign, $z, $row, $a @ "zmm24", $b @ "zmm25", $c @ "zmm26", $d @ "zmm27")
    };
    ($sign:ident, $z:tt, $row:literal: $a:literal, $b:literal, $c:literal, $d:literal, $e:literal, $f:literal, $g:literal, $h:literal) => {
        dot!(
            $sign, $z, $row, $a @ "[rsi]", $b @ "[rsi + rdx]", $c @ "[rsi + 2*rdx]", $d @ "[rsi + r14]", $e @ "[rsi + 4*rdx]",
            $f @ "[rsi + r9]", $g @ "[rsi + 2*r14]", $h @ "[rsi + r10]"
        )
    };
}

/// Broadcasts a dword to all lanes.
macro_rules! broadcast {
    ("ymm") => {
        "{{1to8}}"
    };
    ("zmm") => {
        "{{1to16}}"
    };
}

/// Requantizes the sums of a panel and stores them at `rsi + $y`. Bias and multipliers lie at `rcx + $at` and
/// `rdx + $at`; register 24 holds the zero point, 25 and 26 the bounds, 27 the rounding constant. `$mask` masks the
/// existing columns.
/// columns.
macro_rules! finish {
    ($z:tt, $sum:literal, $at:literal, $y:literal, $mask:literal) => {
        concat!(
            "vpaddd ",
            $z,
            $sum,
            $mask,
            ", ",
            $z,
            $sum,
            ", [rcx + ",
            $at,
            "]\n",
            "vcvtdq2ps ",
            $z,
            $sum,
            ", ",
            $z,
            $sum,
            "\n",
            "vmulps ",
            $z,
            $sum,
            $mask,
            ", ",
            $z,
            $sum,
            ", [rdx + ",
            $at,
            "]\n",
            // For two zeros and NaN the instruction returns its second operand, as `Isa::at_least` wants.
            "vmaxps ",
            $z,
            $sum,
            ", ",
            $z,
            "25, ",
            $z,
            $sum,
            "\n",
            "vminps ",
            $z,
            $sum,
            ", ",
            $z,
            "26, ",
            $z,
            $sum,
            "\n",
            "vaddps ",
            $z,
            $sum,
            ", ",
            $z,
            $sum,
            ", ",
            $z,
            "27\n",
            "vpaddd ",
            $z,
            $sum,
            ", ",
            $z,
            $sum,
            ", ",
            $z,
            "24\n",
            "vpmovdb [rsi + ",
            $y,
            "]",
            $mask,
            ", ",
            $z,
            $sum,
            "\n",
        )
    };
    ($z:tt: $a:literal) => {
        finish!($z, $a, "0", "0", "{{k1}}")
    };
    ($z:tt: $a:literal, $b:literal) => {
        concat!(finish!($z, $a, "0", "0", ""), finish!($z, $b, "64", "16", "{{k1}}"))
    };
    ($z:tt: $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            finish!($z, $a, "0", "0", ""),
            finish!($z, $b, "64", "16", ""),
            finish!($z, $c, "128", "32", ""),
            finish!($z, $d, "192", "48", "{{k1}}")
        )
    };
    ($z:tt: $a:literal, $b:literal, $c:literal, $d:literal, $e:literal, $f:literal, $g:literal, $h:literal) => {
        concat!(
            finish!($z, $a, "0", "0", ""),
            finish!($z, $b, "64", "16", ""),
            finish!($z, $c, "128", "32", ""),
            finish!($z, $d, "192", "48", ""),
            finish!($z, $e, "256", "64", ""),
            finish!($z, $f, "320", "80", ""),
            finish!($z, $g, "384", "96", ""),
            finish!($z, $h, "448", "112", "{{k1}}")
        )
    };
}
pub(super) use finish;

/// Moves a row's sums between `rcx` and registers, and advances `rcx` to the next row.
macro_rules! load {
    ($z:tt: $($sum:literal),+) => {
        concat!($("vmovdqu32 ", $z, $sum, ", [rcx]\n", "add rcx, 64\n",)+)
    };
}
macro_rules! store {
    ($z:tt: $($sum:literal),+) => {
        concat!($("vmovdqu32 [rcx], ", $z, $sum, "\n", "add rcx, 64\n",)+)
    };
}

macro_rules! dots {
    ($name:ident, $sign:tt, $z:tt, $step:literal, $panels:tt, [$($row:literal: $i:literal, ($($sum:literal),+);)+]) => {
        /// Computes the tiles.
        ///
        /// # Safety
        /// The CPU has AVX-512 F, BW, VL and VNNI; everything that [`Task`] points to may be read and written.
        unsafe fn $name(p: *mut Task) {
            // SAFETY: the caller's promise; every register that is written is declared.
            unsafe {
                asm!(
                    "mov rdx, qword ptr [rdi + {panel}]",
                    "lea r14, [rdx + 2*rdx]",
                    concat!("vpbroadcastd ", $z, "29, dword ptr [rdi + {flip}]"),
                    "2:",
                    $($(concat!("vpxord ", $z, $sum, ", ", $z, $sum, ", ", $z, $sum),)+)+
                    "mov rcx, qword ptr [rdi + {sums}]",
                    "test rcx, rcx",
                    "jz 3f",
                    $(load!($z: $($sum),+),)+
                    "3:",
                    $(concat!("mov ", $row, ", qword ptr [rdi + {rows} + 8*", $i, "]"),)+
                    eight!($panels),
                    "mov rsi, qword ptr [rdi + {w}]",
                    "mov r15, qword ptr [rdi + {outer}]",
                    "4:",
                    "mov rcx, qword ptr [rdi + {quads}]",
                    "xor eax, eax",
                    "5:",
                    weights!($z, $panels),
                    $(dot!($sign, $z, $row: $($sum),+),)+
                    concat!("add rsi, ", $step),
                    "add rax, 4",
                    "dec rcx",
                    "jnz 5b",
                    $(concat!("add ", $row, ", qword ptr [rdi + {outer_step}]"),)+
                    "dec r15",
                    "jnz 4b",
                    "mov rcx, qword ptr [rdi + {sums}]",
                    "test rcx, rcx",
                    "jz 6f",
                    $(store!($z: $($sum),+),)+
                    "jmp 7f",
                    "6:",
                    "mov eax, dword ptr [rdi + {mask}]",
                    "kmovw k1, eax",
                    "mov rcx, qword ptr [rdi + {bias}]",
                    "mov r15, rdx",
                    "mov rdx, qword ptr [rdi + {multiplier}]",
                    concat!("vpbroadcastd ", $z, "24, dword ptr [rdi + {zero}]"),
                    concat!("vbroadcastss ", $z, "25, dword ptr [rdi + {bounds}]"),
                    concat!("vbroadcastss ", $z, "26, dword ptr [rdi + {bounds} + 4]"),
                    concat!("vbroadcastss ", $z, "27, dword ptr [rdi + {round}]"),
                    "mov r8, qword ptr [rdi + {next}]",
                    "mov rax, qword ptr [rdi + {y_next}]",
                    $(
                        concat!("mov rsi, qword ptr [rdi + {y} + 8*", $i, "]"),
                        finish!($z: $($sum),+),
                        concat!("add qword ptr [rdi + {y} + 8*", $i, "], rax"),
                        concat!("add qword ptr [rdi + {rows} + 8*", $i, "], r8"),
                    )+
                    "mov rdx, r15",
                    "dec qword ptr [rdi + {tiles}]",
                    "jnz 2b",
                    "7:",
                    rows = const offset_of!(Task, rows),
                    y = const offset_of!(Task, y),
                    sums = const offset_of!(Task, sums),
                    w = const offset_of!(Task, w),
                    panel = const offset_of!(Task, panel),
                    quads = const offset_of!(Task, quads),
                    outer = const offset_of!(Task, outer),
                    outer_step = const offset_of!(Task, outer_step),
                    next = const offset_of!(Task, next),
                    y_next = const offset_of!(Task, y_next),
                    tiles = const offset_of!(Task, tiles),
                    bias = const offset_of!(Task, bias),
                    multiplier = const offset_of!(Task, multiplier),
                    mask = const offset_of!(Task, mask),
                    bounds = const offset_of!(Task, bounds),
                    round = const offset_of!(Task, round),
                    zero = const offset_of!(Task, zero),
                    flip = const offset_of!(Task, flip),
                    in("rdi") p, out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("r8") _, out("r9") _,
                    out("r10") _, out("r11") _, out("r12") _, out("r13") _, out("r14") _, out("r15") _,
                    out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                    out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                    out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
                    options(nostack),
                );
            }
        }
    };
}

/// Five or seven panel strides: only loops over eight panels use them, which have one row.
macro_rules! eight {
    (8) => {
        "lea r9, [rdx + 4*rdx]\nlea r10, [r14 + 4*rdx]"
    };
    ($panels:tt) => {
        ""
    };
}

/// Loops for unsigned bytes.
enum Unsigned {}
/// Loops for signed bytes.
enum Signed {}

/// Defines the loops for signed or unsigned bytes.
macro_rules! shapes {
    ($kind:ident, $sign:ident) => {
        impl $kind {
            dots!(half1, $sign, "ymm", "32", 1, [
                "r8": 0, ("0");
            ]);
            dots!(half6, $sign, "ymm", "32", 1, [
                "r8": 0, ("0");
                "r9": 1, ("1");
                "r10": 2, ("2");
                "r11": 3, ("3");
                "r12": 4, ("4");
                "r13": 5, ("5");
            ]);
            dots!(one1, $sign, "zmm", "64", 1, [
                "r8": 0, ("0");
            ]);
            dots!(one6, $sign, "zmm", "64", 1, [
                "r8": 0, ("0");
                "r9": 1, ("1");
                "r10": 2, ("2");
                "r11": 3, ("3");
                "r12": 4, ("4");
                "r13": 5, ("5");
            ]);
            dots!(two1, $sign, "zmm", "64", 2, [
                "r8": 0, ("0", "1");
            ]);
            dots!(two6, $sign, "zmm", "64", 2, [
                "r8": 0, ("0", "1");
                "r9": 1, ("2", "3");
                "r10": 2, ("4", "5");
                "r11": 3, ("6", "7");
                "r12": 4, ("8", "9");
                "r13": 5, ("10", "11");
            ]);
            dots!(four1, $sign, "zmm", "64", 4, [
                "r8": 0, ("0", "1", "2", "3");
            ]);
            dots!(four6, $sign, "zmm", "64", 4, [
                "r8": 0, ("0", "1", "2", "3");
                "r9": 1, ("4", "5", "6", "7");
                "r10": 2, ("8", "9", "10", "11");
                "r11": 3, ("12", "13", "14", "15");
                "r12": 4, ("16", "17", "18", "19");
                "r13": 5, ("20", "21", "22", "23");
            ]);
            dots!(eight1, $sign, "zmm", "64", 8, [
                "r8": 0, ("0", "1", "2", "3", "4", "5", "6", "7");
            ]);

            /// Computes tiles of `rows` rows (1 or 6) and `panels` panels (1, 2 or 4, for one row also 8), or of half a
            /// panel.
            ///
            /// # Safety
            /// The CPU has AVX-512 F, BW, VL and VNNI; everything that `p` points to may be read and written.
            #[inline(always)]
            unsafe fn dots([rows, panels]: [usize; 2], half: bool, p: &mut Task) {
                let run = match (panels, rows, half) {
                    (1, 1, true) => Self::half1,
                    (1, 6, true) => Self::half6,
                    (1, 1, false) => Self::one1,
                    (1, 6, false) => Self::one6,
                    (2, 1, false) => Self::two1,
                    (2, 6, false) => Self::two6,
                    (4, 1, false) => Self::four1,
                    (4, 6, false) => Self::four6,
                    (8, 1, false) => Self::eight1,
                    _ => return,
                };
                // SAFETY: the caller's promise.
                unsafe { run(p) }
            }
        }
    };
}

shapes!(Unsigned, unsigned);
shapes!(Signed, signed);

/// Computes tiles of `rows` rows (1 or 6) and `panels` panels (1, 2 or 4, for one row also 8), or of half a panel.
///
/// # Safety
/// The CPU has AVX-512 F, BW, VL and VNNI; everything that `p` points to may be read and written.
#[inline(always)]
pub unsafe fn dots(shape: [usize; 2], half: bool, p: &mut Task) {
    // SAFETY: the caller's promise.
    unsafe { if p.flip == 0 { Unsigned::dots(shape, half, p) } else { Signed::dots(shape, half, p) } }
}
