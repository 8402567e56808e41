// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loop of `products` for full panels with AVX-512: a panel's sixteen columns are one register.
//!
//! In assembly, because the intrinsics are younger than the oldest supported compiler. Each lane does what its lane of
//! two AVX2 registers does: the bits are the same.
#![cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use super::products::Steps;
use core::arch::asm;
use core::mem::offset_of;

/// One row's part of the loop over `P` panels: `$row` points to its inputs.
macro_rules! fma {
    ($row:literal, $a:literal) => {
        concat!("vfmadd231ps zmm", $a, ", zmm12, dword ptr [", $row, " + 4*rax]{{1to16}}\n")
    };
    ($row:literal, $a:literal, $b:literal) => {
        concat!(
            "vbroadcastss zmm14, dword ptr [",
            $row,
            " + 4*rax]\n",
            "vfmadd231ps zmm",
            $a,
            ", zmm14, zmm12\n",
            "vfmadd231ps zmm",
            $b,
            ", zmm14, zmm13\n",
        )
    };
}

macro_rules! products {
    ($name:ident, $second:literal, [$($row:literal: $i:literal, ($($acc:literal @ $at:literal),+);)+]) => {
        /// Computes the rows.
        ///
        /// # Safety
        /// The CPU has AVX-512F; all elements that [`Steps`] speaks of may be read, and the results written.
        unsafe fn $name(p: *mut Steps) {
            // SAFETY: the caller's promise; every register that is written is named.
            unsafe {
                asm!(
                    $(
                        concat!("mov ", $row, ", qword ptr [rdi + {rows} + 8*", $i, "]"),
                        concat!("mov rcx, qword ptr [rdi + {start} + 8*", $i, "]"),
                        $(concat!("vmovups zmm", $acc, ", zmmword ptr [rcx + ", $at, "]"),)+
                    )+
                    "mov rsi, qword ptr [rdi + {w}]",
                    "mov rdx, qword ptr [rdi + {panel}]",
                    "2:",
                    "mov rcx, qword ptr [rdi + {depth}]",
                    "xor eax, eax",
                    "3:",
                    "vmovups zmm12, zmmword ptr [rsi]",
                    $second,
                    "add rsi, 64",
                    $(fma!($row, $($acc),+),)+
                    "inc rax",
                    "cmp rax, rcx",
                    "jb 3b",
                    $(concat!("add ", $row, ", qword ptr [rdi + {outer_step}]"),)+
                    "add rsi, qword ptr [rdi + {gap}]",
                    "dec qword ptr [rdi + {outer}]",
                    "jnz 2b",
                    "vbroadcastss zmm12, dword ptr [rdi + {bounds}]",
                    "vbroadcastss zmm13, dword ptr [rdi + {bounds} + 4]",
                    "vbroadcastss zmm14, dword ptr [rdi + {bounds} + 8]",
                    $(
                        concat!("mov rcx, qword ptr [rdi + {y} + 8*", $i, "]"),
                        $(concat!(
                            // The second operand where neither is larger (or smaller), as `Isa::at_least` says.
                            "vmaxps zmm", $acc, ", zmm12, zmm", $acc, "\n",
                            "vaddps zmm", $acc, ", zmm13, zmm", $acc, "\n",
                            "vminps zmm", $acc, ", zmm14, zmm", $acc, "\n",
                            "vmovups zmmword ptr [rcx + ", $at, "], zmm", $acc,
                        ),)+
                    )+
                    rows = const offset_of!(Steps, rows),
                    start = const offset_of!(Steps, start),
                    w = const offset_of!(Steps, w),
                    panel = const offset_of!(Steps, panel),
                    depth = const offset_of!(Steps, depth),
                    outer = const offset_of!(Steps, outer),
                    outer_step = const offset_of!(Steps, outer_step),
                    gap = const offset_of!(Steps, gap),
                    bounds = const offset_of!(Steps, bounds),
                    y = const offset_of!(Steps, y),
                    inout("rdi") p => _, out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _,
                    out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _, out("r13") _,
                    out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                    out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                    out("xmm12") _, out("xmm13") _, out("xmm14") _,
                    options(nostack),
                );
            }
        }
    };
}

products!(one1, "", [
    "r8": 0, ("0" @ 0);
]);
products!(one2, "", [
    "r8": 0, ("0" @ 0);
    "r9": 1, ("1" @ 0);
]);
products!(one3, "", [
    "r8": 0, ("0" @ 0);
    "r9": 1, ("1" @ 0);
    "r10": 2, ("2" @ 0);
]);
products!(one4, "", [
    "r8": 0, ("0" @ 0);
    "r9": 1, ("1" @ 0);
    "r10": 2, ("2" @ 0);
    "r11": 3, ("3" @ 0);
]);
products!(one5, "", [
    "r8": 0, ("0" @ 0);
    "r9": 1, ("1" @ 0);
    "r10": 2, ("2" @ 0);
    "r11": 3, ("3" @ 0);
    "r12": 4, ("4" @ 0);
]);
products!(one6, "", [
    "r8": 0, ("0" @ 0);
    "r9": 1, ("1" @ 0);
    "r10": 2, ("2" @ 0);
    "r11": 3, ("3" @ 0);
    "r12": 4, ("4" @ 0);
    "r13": 5, ("5" @ 0);
]);
products!(two1, "vmovups zmm13, zmmword ptr [rsi + rdx]", [
    "r8": 0, ("0" @ 0, "1" @ 64);
]);
products!(two2, "vmovups zmm13, zmmword ptr [rsi + rdx]", [
    "r8": 0, ("0" @ 0, "1" @ 64);
    "r9": 1, ("2" @ 0, "3" @ 64);
]);
products!(two3, "vmovups zmm13, zmmword ptr [rsi + rdx]", [
    "r8": 0, ("0" @ 0, "1" @ 64);
    "r9": 1, ("2" @ 0, "3" @ 64);
    "r10": 2, ("4" @ 0, "5" @ 64);
]);
products!(two4, "vmovups zmm13, zmmword ptr [rsi + rdx]", [
    "r8": 0, ("0" @ 0, "1" @ 64);
    "r9": 1, ("2" @ 0, "3" @ 64);
    "r10": 2, ("4" @ 0, "5" @ 64);
    "r11": 3, ("6" @ 0, "7" @ 64);
]);
products!(two5, "vmovups zmm13, zmmword ptr [rsi + rdx]", [
    "r8": 0, ("0" @ 0, "1" @ 64);
    "r9": 1, ("2" @ 0, "3" @ 64);
    "r10": 2, ("4" @ 0, "5" @ 64);
    "r11": 3, ("6" @ 0, "7" @ 64);
    "r12": 4, ("8" @ 0, "9" @ 64);
]);
products!(two6, "vmovups zmm13, zmmword ptr [rsi + rdx]", [
    "r8": 0, ("0" @ 0, "1" @ 64);
    "r9": 1, ("2" @ 0, "3" @ 64);
    "r10": 2, ("4" @ 0, "5" @ 64);
    "r11": 3, ("6" @ 0, "7" @ 64);
    "r12": 4, ("8" @ 0, "9" @ 64);
    "r13": 5, ("10" @ 0, "11" @ 64);
]);

/// Computes `rows` rows of `panels` panels, one or two.
///
/// # Safety
/// The CPU has AVX-512F; all elements that `p` speaks of may be read, and the results written.
#[inline(always)]
pub unsafe fn products(rows: usize, panels: usize, p: &mut Steps) {
    let run = match (panels, rows) {
        (1, 1) => one1,
        (1, 2) => one2,
        (1, 3) => one3,
        (1, 4) => one4,
        (1, 5) => one5,
        (1, 6) => one6,
        (2, 1) => two1,
        (2, 2) => two2,
        (2, 3) => two3,
        (2, 4) => two4,
        (2, 5) => two5,
        (2, 6) => two6,
        _ => return,
    };
    // SAFETY: the caller's promise.
    unsafe { run(p) }
}
