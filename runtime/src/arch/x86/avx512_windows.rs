// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loop of depthwise convolutions with AVX-512: one register holds sixteen channels, and a tile has up to
//! twelve pixels.
//!
//! In assembly like the loops of `avx512`, and with the same bits as AVX2.
use super::super::super::terms::steps::Windows;
use super::avx512::clamp;
use core::arch::asm;
use core::mem::offset_of;

macro_rules! windows {
    ($name:ident, [$($at:literal: $a:literal;)+], [$($other_at:literal: $b:literal;)+]) => {
        /// Computes up to sixteen channels of the pixels.
        ///
        /// # Safety
        /// The CPU has AVX-512F; everything that [`Windows`] points to may be read, and the results written.
        unsafe fn $name(p: *const Windows) {
            // SAFETY: the caller's promise; every register that is written is declared, the vectors by the ABI's
            // clobbers.
            unsafe {
                asm!(
                    "mov eax, dword ptr [rdi + {mask}]",
                    "kmovw k1, eax",
                    "mov rcx, qword ptr [rdi + {bias}]",
                    "vmovups zmm24{{k1}}{{z}}, zmmword ptr [rcx]",
                    $(concat!("vmovaps zmm", $a, ", zmm24"),)+
                    $(concat!("vmovaps zmm", $b, ", zmm24"),)+
                    "mov r8, qword ptr [rdi + {x}]",
                    "mov r9, qword ptr [rdi + {x} + 8]",
                    "lea r10, [r9 + 2*r9]",
                    "lea r11, [r9 + 4*r9]",
                    "mov r12, qword ptr [rdi + {x} + 16]",
                    "add r12, r8",
                    "mov rsi, qword ptr [rdi + {w}]",
                    "mov r13, qword ptr [rdi + {column_inputs}]",
                    "mov r14, qword ptr [rdi + {column_weights}]",
                    "mov edx, dword ptr [rdi + {rows}]",
                    "2:",
                    "mov ecx, dword ptr [rdi + {columns}]",
                    "3:",
                    "vmovups zmm24{{k1}}{{z}}, zmmword ptr [rsi]",
                    "add rsi, r14",
                    $(concat!("vfmadd231ps zmm", $a, "{{k1}}, zmm24, zmmword ptr [", $at, "]"),)+
                    $(concat!("vfmadd231ps zmm", $b, "{{k1}}, zmm24, zmmword ptr [", $other_at, "]"),)+
                    "add r8, r13",
                    "add r12, r13",
                    "dec ecx",
                    "jnz 3b",
                    "add r8, qword ptr [rdi + {row_inputs}]",
                    "add r12, qword ptr [rdi + {row_inputs}]",
                    "add rsi, qword ptr [rdi + {row_weights}]",
                    "dec edx",
                    "jnz 2b",
                    "vbroadcastss zmm24, dword ptr [rdi + {bounds}]",
                    "vbroadcastss zmm25, dword ptr [rdi + {bounds} + 4]",
                    "vbroadcastss zmm26, dword ptr [rdi + {bounds} + 8]",
                    "mov rcx, qword ptr [rdi + {y}]",
                    "mov rax, rcx",
                    "mov rdx, qword ptr [rdi + {y} + 8]",
                    $(concat!(clamp!($a), "vmovups zmmword ptr [rcx]{{k1}}, zmm", $a, "\nadd rcx, rdx"),)+
                    "add rax, qword ptr [rdi + {y} + 16]",
                    $(concat!(clamp!($b), "vmovups zmmword ptr [rax]{{k1}}, zmm", $b, "\nadd rax, rdx"),)+
                    mask = const offset_of!(Windows, mask),
                    x = const offset_of!(Windows, x),
                    y = const offset_of!(Windows, y),
                    bias = const offset_of!(Windows, bias),
                    w = const offset_of!(Windows, w),
                    rows = const offset_of!(Windows, rows),
                    row_inputs = const offset_of!(Windows, row_inputs),
                    row_weights = const offset_of!(Windows, row_weights),
                    columns = const offset_of!(Windows, columns),
                    column_inputs = const offset_of!(Windows, column_inputs),
                    column_weights = const offset_of!(Windows, column_weights),
                    bounds = const offset_of!(Windows, bounds),
                    in("rdi") p, out("r12") _, out("r13") _, out("r14") _,
                    clobber_abi("sysv64"),
                    options(nostack),
                );
            }
        }
    };
}

windows!(pixels2, [
    "r8": "0";
], [
    "r12": "1";
]);
windows!(pixels4, [
    "r8": "0";
    "r8 + r9": "1";
], [
    "r12": "2";
    "r12 + r9": "3";
]);
windows!(pixels6, [
    "r8": "0";
    "r8 + r9": "1";
    "r8 + 2*r9": "2";
], [
    "r12": "3";
    "r12 + r9": "4";
    "r12 + 2*r9": "5";
]);
windows!(pixels8, [
    "r8": "0";
    "r8 + r9": "1";
    "r8 + 2*r9": "2";
    "r8 + r10": "3";
], [
    "r12": "4";
    "r12 + r9": "5";
    "r12 + 2*r9": "6";
    "r12 + r10": "7";
]);
windows!(pixels10, [
    "r8": "0";
    "r8 + r9": "1";
    "r8 + 2*r9": "2";
    "r8 + r10": "3";
    "r8 + 4*r9": "4";
], [
    "r12": "5";
    "r12 + r9": "6";
    "r12 + 2*r9": "7";
    "r12 + r10": "8";
    "r12 + 4*r9": "9";
]);
windows!(pixels12, [
    "r8": "0";
    "r8 + r9": "1";
    "r8 + 2*r9": "2";
    "r8 + r10": "3";
    "r8 + 4*r9": "4";
    "r8 + r11": "5";
], [
    "r12": "6";
    "r12 + r9": "7";
    "r12 + 2*r9": "8";
    "r12 + r10": "9";
    "r12 + 4*r9": "10";
    "r12 + r11": "11";
]);

/// Computes up to sixteen channels of `2 * half` pixels.
///
/// # Safety
/// The CPU has AVX-512F; everything that `p` points to may be read, and the results written.
#[inline(always)]
pub unsafe fn windows(half: usize, p: &Windows) {
    let run = match half {
        1 => pixels2,
        2 => pixels4,
        3 => pixels6,
        4 => pixels8,
        5 => pixels10,
        6 => pixels12,
        _ => return,
    };
    // SAFETY: the caller's promise.
    unsafe { run(p) }
}
