// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loops of `dots` with AVX-512 VNNI: sixteen columns are one register, to each of whose lanes `vpdpbusd` adds
//! four products of an unsigned and a signed byte, without saturation.
//!
//! In assembly, because the intrinsics are younger than the oldest supported compiler. Registers 0 to 23 hold sums, 24
//! to 27 weights, the others inputs and constants; the upper sixteen and masks are the compiler's only where AVX-512 is
//! enabled, which it is nowhere.
#![cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use super::dots::Tile;
use core::arch::asm;
use core::mem::offset_of;

/// Loads a quad of weights of each panel: `$z` is the kind of register.
macro_rules! weights {
    ($z:literal, $a:literal) => {
        concat!("vmovdqu32 ", $z, "24, [rsi]\n")
    };
    ($z:literal, $a:literal, $b:literal) => {
        concat!(weights!($z, $a), "vmovdqu32 ", $z, "25, [rsi + rdx]\n")
    };
    ($z:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(weights!($z, $a, $b), "vmovdqu32 ", $z, "26, [rsi + 2*rdx]\n", "vmovdqu32 ", $z, "27, [rsi + r14]\n")
    };
}

/// Adds the products of a row's quad at `$row`.
macro_rules! dot {
    ($z:literal, $row:literal, $($sum:literal @ $w:literal),+) => {
        concat!(
            "vpbroadcastd ", $z, "28, dword ptr [", $row, " + rax]\n",
            $("vpdpbusd ", $z, $sum, ", ", $z, "28, ", $z, $w, "\n",)+
        )
    };
    ($z:literal, $row:literal: $a:literal) => {
        dot!($z, $row, $a @ "24")
    };
    ($z:literal, $row:literal: $a:literal, $b:literal) => {
        dot!($z, $row, $a @ "24", $b @ "25")
    };
    ($z:literal, $row:literal: $a:literal, $b:literal, $c:literal, $d:literal) => {
        dot!($z, $row, $a @ "24", $b @ "25", $c @ "26", $d @ "27")
    };
}

/// Makes sums bytes at `rsi + $y`: bias and multipliers lie at `$at` from `rcx` and `rdx` on. `$mask` is of the columns
/// that are there.
macro_rules! finish {
    ($z:literal, $sum:literal, $at:literal, $y:literal, $mask:literal) => {
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
            // The second operand where neither is larger (or smaller), as `Isa::at_least` says.
            "vmaxps ",
            $z,
            $sum,
            ", ",
            $z,
            "29, ",
            $z,
            $sum,
            "\n",
            "vminps ",
            $z,
            $sum,
            ", ",
            $z,
            "30, ",
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
            "31\n",
            "vpaddd ",
            $z,
            $sum,
            ", ",
            $z,
            $sum,
            ", ",
            $z,
            "28\n",
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
    ($z:literal: $a:literal) => {
        finish!($z, $a, "0", "0", "{{k1}}")
    };
    ($z:literal: $a:literal, $b:literal) => {
        concat!(finish!($z, $a, "0", "0", ""), finish!($z, $b, "64", "16", "{{k1}}"))
    };
    ($z:literal: $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            finish!($z, $a, "0", "0", ""),
            finish!($z, $b, "64", "16", ""),
            finish!($z, $c, "128", "32", ""),
            finish!($z, $d, "192", "48", "{{k1}}")
        )
    };
}

/// Moves the sums of one panel between memory at `rcx` and their register; those of several are never asked for.
macro_rules! load {
    ($z:literal: $a:literal) => {
        concat!("vmovdqu32 ", $z, $a, ", [rcx]")
    };
    ($z:literal: $a:literal, $($more:literal),+) => {
        ""
    };
}
macro_rules! store {
    ($z:literal: $a:literal) => {
        concat!("vmovdqu32 [rcx], ", $z, $a)
    };
    ($z:literal: $a:literal, $($more:literal),+) => {
        ""
    };
}

macro_rules! dots {
    ($name:ident, $z:literal, $step:literal, ($($panel:literal),+), [$($row:literal: $i:literal, ($($sum:literal),+);)+]) => {
        /// Computes the rows.
        ///
        /// # Safety
        /// The CPU has AVX-512 F, BW, VL and VNNI; all that [`Tile`] speaks of may be read and written. Sums are given for
        /// one panel alone.
        unsafe fn $name(p: *mut Tile) {
            // SAFETY: the caller's promise; every register that is written is named.
            unsafe {
                asm!(
                    $(concat!("mov ", $row, ", qword ptr [rdi + {rows} + 8*", $i, "]"),)+
                    $($(concat!("vpxord ", $z, $sum, ", ", $z, $sum, ", ", $z, $sum),)+)+
                    "cmp qword ptr [rdi + {sums}], 0",
                    "je 2f",
                    $(
                        concat!("mov rcx, qword ptr [rdi + {sums} + 8*", $i, "]"),
                        load!($z: $($sum),+),
                    )+
                    "2:",
                    "mov rsi, qword ptr [rdi + {w}]",
                    "mov rdx, qword ptr [rdi + {panel}]",
                    "lea r14, [rdx + 2*rdx]",
                    "3:",
                    "mov rcx, qword ptr [rdi + {quads}]",
                    "xor eax, eax",
                    "4:",
                    weights!($z, $($panel),+),
                    concat!("add rsi, ", $step),
                    $(dot!($z, $row: $($sum),+),)+
                    "add rax, 4",
                    "dec rcx",
                    "jnz 4b",
                    $(concat!("add ", $row, ", qword ptr [rdi + {outer_step}]"),)+
                    "dec qword ptr [rdi + {outer}]",
                    "jnz 3b",
                    "cmp qword ptr [rdi + {sums}], 0",
                    "je 5f",
                    $(
                        concat!("mov rcx, qword ptr [rdi + {sums} + 8*", $i, "]"),
                        store!($z: $($sum),+),
                    )+
                    "jmp 6f",
                    "5:",
                    "mov eax, dword ptr [rdi + {mask}]",
                    "kmovw k1, eax",
                    "mov rcx, qword ptr [rdi + {bias}]",
                    "mov rdx, qword ptr [rdi + {multiplier}]",
                    concat!("vpbroadcastd ", $z, "28, dword ptr [rdi + {zero}]"),
                    concat!("vbroadcastss ", $z, "29, dword ptr [rdi + {bounds}]"),
                    concat!("vbroadcastss ", $z, "30, dword ptr [rdi + {bounds} + 4]"),
                    concat!("vbroadcastss ", $z, "31, dword ptr [rdi + {round}]"),
                    $(
                        concat!("mov rsi, qword ptr [rdi + {y} + 8*", $i, "]"),
                        finish!($z: $($sum),+),
                    )+
                    "6:",
                    rows = const offset_of!(Tile, rows),
                    y = const offset_of!(Tile, y),
                    sums = const offset_of!(Tile, sums),
                    w = const offset_of!(Tile, w),
                    panel = const offset_of!(Tile, panel),
                    quads = const offset_of!(Tile, quads),
                    outer = const offset_of!(Tile, outer),
                    outer_step = const offset_of!(Tile, outer_step),
                    bias = const offset_of!(Tile, bias),
                    multiplier = const offset_of!(Tile, multiplier),
                    mask = const offset_of!(Tile, mask),
                    bounds = const offset_of!(Tile, bounds),
                    round = const offset_of!(Tile, round),
                    zero = const offset_of!(Tile, zero),
                    inout("rdi") p => _, out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _,
                    out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _, out("r13") _, out("r14") _,
                    out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                    out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                    out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
                    options(nostack),
                );
            }
        }
    };
}

dots!(half1, "ymm", "32", ("24"), [
    "r8": 0, ("0");
]);
dots!(half6, "ymm", "32", ("24"), [
    "r8": 0, ("0");
    "r9": 1, ("1");
    "r10": 2, ("2");
    "r11": 3, ("3");
    "r12": 4, ("4");
    "r13": 5, ("5");
]);
dots!(one1, "zmm", "64", ("24"), [
    "r8": 0, ("0");
]);
dots!(one6, "zmm", "64", ("24"), [
    "r8": 0, ("0");
    "r9": 1, ("1");
    "r10": 2, ("2");
    "r11": 3, ("3");
    "r12": 4, ("4");
    "r13": 5, ("5");
]);
dots!(two1, "zmm", "64", ("24", "25"), [
    "r8": 0, ("0", "1");
]);
dots!(two6, "zmm", "64", ("24", "25"), [
    "r8": 0, ("0", "1");
    "r9": 1, ("2", "3");
    "r10": 2, ("4", "5");
    "r11": 3, ("6", "7");
    "r12": 4, ("8", "9");
    "r13": 5, ("10", "11");
]);
dots!(four1, "zmm", "64", ("24", "25", "26", "27"), [
    "r8": 0, ("0", "1", "2", "3");
]);
dots!(four6, "zmm", "64", ("24", "25", "26", "27"), [
    "r8": 0, ("0", "1", "2", "3");
    "r9": 1, ("4", "5", "6", "7");
    "r10": 2, ("8", "9", "10", "11");
    "r11": 3, ("12", "13", "14", "15");
    "r12": 4, ("16", "17", "18", "19");
    "r13": 5, ("20", "21", "22", "23");
]);

/// Computes `rows` rows, one or six, of `panels` panels, one, two or four, or of half a panel.
///
/// # Safety
/// The CPU has AVX-512 F, BW, VL and VNNI; all that `p` speaks of may be read and written. Sums are given for one panel alone.
#[inline(always)]
pub unsafe fn dots([rows, panels]: [usize; 2], half: bool, p: &mut Tile) {
    let run = match (panels, rows, half) {
        (1, 1, true) => half1,
        (1, 6, true) => half6,
        (1, 1, false) => one1,
        (1, 6, false) => one6,
        (2, 1, false) => two1,
        (2, 6, false) => two6,
        (4, 1, false) => four1,
        (4, 6, false) => four6,
        _ => return,
    };
    // SAFETY: the caller's promise.
    unsafe { run(p) }
}
