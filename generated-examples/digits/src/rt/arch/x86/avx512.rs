// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loops of `products` with AVX-512: one register holds a panel's sixteen columns, and twice as many rows
//! fit.
//!
//! In assembly, because the intrinsics are younger than the oldest supported compiler. Each lane computes the same as
//! with AVX2: the bits are the same.
use super::super::super::terms::steps::Steps;
use core::arch::asm;
use core::mem::offset_of;

/// One step of a row, whose input lies at `$at`.
macro_rules! fma {
    ($at:literal, $a:literal) => {
        concat!("vfmadd231ps zmm", $a, ", zmm24, dword ptr [", $at, "]{{1to16}}\n")
    };
    ($at:literal, $a:literal, $b:literal) => {
        concat!(
            "vbroadcastss zmm26, dword ptr [",
            $at,
            "]\n",
            "vfmadd231ps zmm",
            $a,
            ", zmm26, zmm24\n",
            "vfmadd231ps zmm",
            $b,
            ", zmm26, zmm25\n",
        )
    };
}

/// Loads the start of a row's sums.
macro_rules! start {
    ($a:literal $(, $b:literal)?) => {
        concat!(
            "vmovups zmm", $a, "{{k1}}{{z}}, zmmword ptr [rcx]\n",
            $("vmovups zmm", $b, ", zmmword ptr [rcx + 64]\n",)?
            "add rcx, rdx\n",
        )
    };
}

/// Clamps a sum. For NaNs and two zeros the instructions return their second operand, as `Isa::at_least` wants.
macro_rules! clamp {
    ($a:literal) => {
        concat!(
            "vmaxps zmm",
            $a,
            ", zmm24, zmm",
            $a,
            "\n",
            "vaddps zmm",
            $a,
            ", zmm25, zmm",
            $a,
            "\n",
            "vminps zmm",
            $a,
            ", zmm26, zmm",
            $a,
            "\n",
        )
    };
}

/// Stores a row's sums.
macro_rules! finish {
    ($a:literal $(, $b:literal)?) => {
        concat!(
            clamp!($a),
            "vmovups zmmword ptr [rcx]{{k1}}, zmm", $a, "\n",
            $(clamp!($b), "vmovups zmmword ptr [rcx + 64], zmm", $b, "\n",)?
            "add rcx, rdx\n",
        )
    };
}

macro_rules! products {
    ($name:ident, $panel:literal, [$($at:literal: ($($a:literal),+);)+], [$($other_at:literal: ($($b:literal),+);)+]) => {
        /// Computes the rows of a tile.
        ///
        /// # Safety
        /// The CPU has AVX-512F; everything that [`Steps`] points to may be read, and the results written.
        unsafe fn $name(p: *mut Steps) {
            // SAFETY: the caller's promise; every register that is written is declared, the vectors by the ABI's
            // clobbers.
            unsafe {
                asm!(
                    "mov eax, dword ptr [rdi + {mask}]",
                    "kmovw k1, eax",
                    "mov rcx, qword ptr [rdi + {start}]",
                    "mov rdx, qword ptr [rdi + {start} + 8]",
                    $(start!($($a),+),)+
                    "mov rcx, qword ptr [rdi + {start}]",
                    "add rcx, qword ptr [rdi + {start} + 16]",
                    $(start!($($b),+),)+
                    "mov r8, qword ptr [rdi + {x}]",
                    "mov r9, qword ptr [rdi + {x} + 8]",
                    "lea r10, [r9 + 2*r9]",
                    "lea r11, [r9 + 4*r9]",
                    "mov r12, qword ptr [rdi + {x} + 16]",
                    "add r12, r8",
                    "mov rsi, qword ptr [rdi + {w}]",
                    "mov r13, qword ptr [rdi + {panel}]",
                    "mov r14, qword ptr [rdi + {step}]",
                    "2:",
                    "mov rcx, qword ptr [rdi + {depth}]",
                    "3:",
                    "prefetcht0 byte ptr [rsi + 1024]",
                    "vmovups zmm24{{k1}}{{z}}, zmmword ptr [rsi]",
                    $panel,
                    "add rsi, r14",
                    $(fma!($at, $($a),+),)+
                    $(fma!($other_at, $($b),+),)+
                    "add r8, 4",
                    "add r12, 4",
                    "dec rcx",
                    "jnz 3b",
                    "add r8, qword ptr [rdi + {outer_step}]",
                    "add r12, qword ptr [rdi + {outer_step}]",
                    "add rsi, qword ptr [rdi + {gap}]",
                    "dec qword ptr [rdi + {outer}]",
                    "jnz 2b",
                    "vbroadcastss zmm24, dword ptr [rdi + {bounds}]",
                    "vbroadcastss zmm25, dword ptr [rdi + {bounds} + 4]",
                    "vbroadcastss zmm26, dword ptr [rdi + {bounds} + 8]",
                    "mov rcx, qword ptr [rdi + {y}]",
                    "mov rdx, qword ptr [rdi + {y} + 8]",
                    $(finish!($($a),+),)+
                    "mov rcx, qword ptr [rdi + {y}]",
                    "add rcx, qword ptr [rdi + {y} + 16]",
                    $(finish!($($b),+),)+
                    mask = const offset_of!(Steps, mask),
                    x = const offset_of!(Steps, x),
                    start = const offset_of!(Steps, start),
                    w = const offset_of!(Steps, w),
                    panel = const offset_of!(Steps, panel),
                    step = const offset_of!(Steps, step),
                    depth = const offset_of!(Steps, depth),
                    outer = const offset_of!(Steps, outer),
                    outer_step = const offset_of!(Steps, outer_step),
                    gap = const offset_of!(Steps, gap),
                    bounds = const offset_of!(Steps, bounds),
                    y = const offset_of!(Steps, y),
                    inout("rdi") p => _, out("r12") _, out("r13") _, out("r14") _,
                    clobber_abi("sysv64"),
                    options(nostack),
                );
            }
        }
    };
}

products!(one2, "", [
    "r8": ("0");
], [
    "r12": ("1");
]);
products!(one4, "", [
    "r8": ("0");
    "r8 + r9": ("1");
], [
    "r12": ("2");
    "r12 + r9": ("3");
]);
products!(one6, "", [
    "r8": ("0");
    "r8 + r9": ("1");
    "r8 + 2*r9": ("2");
], [
    "r12": ("3");
    "r12 + r9": ("4");
    "r12 + 2*r9": ("5");
]);
products!(one8, "", [
    "r8": ("0");
    "r8 + r9": ("1");
    "r8 + 2*r9": ("2");
    "r8 + r10": ("3");
], [
    "r12": ("4");
    "r12 + r9": ("5");
    "r12 + 2*r9": ("6");
    "r12 + r10": ("7");
]);
products!(one10, "", [
    "r8": ("0");
    "r8 + r9": ("1");
    "r8 + 2*r9": ("2");
    "r8 + r10": ("3");
    "r8 + 4*r9": ("4");
], [
    "r12": ("5");
    "r12 + r9": ("6");
    "r12 + 2*r9": ("7");
    "r12 + r10": ("8");
    "r12 + 4*r9": ("9");
]);
products!(one12, "", [
    "r8": ("0");
    "r8 + r9": ("1");
    "r8 + 2*r9": ("2");
    "r8 + r10": ("3");
    "r8 + 4*r9": ("4");
    "r8 + r11": ("5");
], [
    "r12": ("6");
    "r12 + r9": ("7");
    "r12 + 2*r9": ("8");
    "r12 + r10": ("9");
    "r12 + 4*r9": ("10");
    "r12 + r11": ("11");
]);
products!(two2, "prefetcht0 byte ptr [rsi + r13 + 1024]\nvmovups zmm25, zmmword ptr [rsi + r13]", [
    "r8": ("0", "1");
], [
    "r12": ("2", "3");
]);
products!(two4, "prefetcht0 byte ptr [rsi + r13 + 1024]\nvmovups zmm25, zmmword ptr [rsi + r13]", [
    "r8": ("0", "1");
    "r8 + r9": ("2", "3");
], [
    "r12": ("4", "5");
    "r12 + r9": ("6", "7");
]);
products!(two6, "prefetcht0 byte ptr [rsi + r13 + 1024]\nvmovups zmm25, zmmword ptr [rsi + r13]", [
    "r8": ("0", "1");
    "r8 + r9": ("2", "3");
    "r8 + 2*r9": ("4", "5");
], [
    "r12": ("6", "7");
    "r12 + r9": ("8", "9");
    "r12 + 2*r9": ("10", "11");
]);
products!(two8, "prefetcht0 byte ptr [rsi + r13 + 1024]\nvmovups zmm25, zmmword ptr [rsi + r13]", [
    "r8": ("0", "1");
    "r8 + r9": ("2", "3");
    "r8 + 2*r9": ("4", "5");
    "r8 + r10": ("6", "7");
], [
    "r12": ("8", "9");
    "r12 + r9": ("10", "11");
    "r12 + 2*r9": ("12", "13");
    "r12 + r10": ("14", "15");
]);
products!(two10, "prefetcht0 byte ptr [rsi + r13 + 1024]\nvmovups zmm25, zmmword ptr [rsi + r13]", [
    "r8": ("0", "1");
    "r8 + r9": ("2", "3");
    "r8 + 2*r9": ("4", "5");
    "r8 + r10": ("6", "7");
    "r8 + 4*r9": ("8", "9");
], [
    "r12": ("10", "11");
    "r12 + r9": ("12", "13");
    "r12 + 2*r9": ("14", "15");
    "r12 + r10": ("16", "17");
    "r12 + 4*r9": ("18", "19");
]);
products!(two12, "prefetcht0 byte ptr [rsi + r13 + 1024]\nvmovups zmm25, zmmword ptr [rsi + r13]", [
    "r8": ("0", "1");
    "r8 + r9": ("2", "3");
    "r8 + 2*r9": ("4", "5");
    "r8 + r10": ("6", "7");
    "r8 + 4*r9": ("8", "9");
    "r8 + r11": ("10", "11");
], [
    "r12": ("12", "13");
    "r12 + r9": ("14", "15");
    "r12 + 2*r9": ("16", "17");
    "r12 + r10": ("18", "19");
    "r12 + 4*r9": ("20", "21");
    "r12 + r11": ("22", "23");
]);

/// One row. Inputs are not shared, so many panels at once hide the latency of the sums.
macro_rules! row {
    ($name:ident, [$($base:literal + $at:literal: $column:literal, $a:literal;)+]) => {
        /// Computes one row.
        ///
        /// # Safety
        /// The CPU has AVX-512F; everything that [`Steps`] points to may be read, and the results written.
        unsafe fn $name(p: *mut Steps) {
            // SAFETY: the caller's promise; every register that is written is declared, the vectors by the ABI's
            // clobbers.
            unsafe {
                asm!(
                    "mov rcx, qword ptr [rdi + {start}]",
                    $(concat!("vmovups zmm", $a, ", zmmword ptr [rcx + ", $column, "]"),)+
                    "mov r8, qword ptr [rdi + {x}]",
                    "mov rsi, qword ptr [rdi + {w}]",
                    "mov r9, qword ptr [rdi + {panel}]",
                    "lea r10, [r9 + 2*r9]",
                    "lea r11, [rsi + 4*r9]",
                    "mov rcx, qword ptr [rdi + {depth}]",
                    "2:",
                    "vbroadcastss zmm8, dword ptr [r8]",
                    $(concat!("prefetcht0 byte ptr [", $base, " + ", $at, " + 512]"),)+
                    $(concat!("vfmadd231ps zmm", $a, ", zmm8, zmmword ptr [", $base, " + ", $at, "]"),)+
                    "add r8, 4",
                    "add rsi, 64",
                    "add r11, 64",
                    "dec rcx",
                    "jnz 2b",
                    "vbroadcastss zmm24, dword ptr [rdi + {bounds}]",
                    "vbroadcastss zmm25, dword ptr [rdi + {bounds} + 4]",
                    "vbroadcastss zmm26, dword ptr [rdi + {bounds} + 8]",
                    "mov rcx, qword ptr [rdi + {y}]",
                    $(concat!(clamp!($a), "vmovups zmmword ptr [rcx + ", $column, "], zmm", $a),)+
                    x = const offset_of!(Steps, x),
                    start = const offset_of!(Steps, start),
                    w = const offset_of!(Steps, w),
                    panel = const offset_of!(Steps, panel),
                    depth = const offset_of!(Steps, depth),
                    bounds = const offset_of!(Steps, bounds),
                    y = const offset_of!(Steps, y),
                    inout("rdi") p => _,
                    clobber_abi("sysv64"),
                    options(nostack),
                );
            }
        }
    };
}

row!(row4, [
    "rsi" + "0": 0, "0";
    "rsi" + "r9": 64, "1";
    "rsi" + "2*r9": 128, "2";
    "rsi" + "r10": 192, "3";
]);
row!(row8, [
    "rsi" + "0": 0, "0";
    "rsi" + "r9": 64, "1";
    "rsi" + "2*r9": 128, "2";
    "rsi" + "r10": 192, "3";
    "r11" + "0": 256, "4";
    "r11" + "r9": 320, "5";
    "r11" + "2*r9": 384, "6";
    "r11" + "r10": 448, "7";
]);

/// Computes `2 * half` rows of 1 or 2 panels, or one row of 4 or 8 panels whose inputs are a single run.
///
/// # Safety
/// The CPU has AVX-512F; everything that `p` points to may be read, and the results written.
#[inline(always)]
pub unsafe fn products(half: usize, panels: usize, p: &mut Steps) {
    let run = match (panels, half) {
        (8, 1) => row8,
        (4, 1) => row4,
        (1, 1) => one2,
        (1, 2) => one4,
        (1, 3) => one6,
        (1, 4) => one8,
        (1, 5) => one10,
        (1, 6) => one12,
        (2, 1) => two2,
        (2, 2) => two4,
        (2, 3) => two6,
        (2, 4) => two8,
        (2, 5) => two10,
        (2, 6) => two12,
        _ => return,
    };
    // SAFETY: the caller's promise.
    unsafe { run(p) }
}
