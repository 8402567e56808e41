// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The inner loop of `taps` with AVX-512 VNNI. The bytes of four taps are transposed, so that each of sixteen lanes
//! holds the quad of one channel, whose products `vpdpbusd` adds.
//!
//! In assembly like the loops of `vnni`. Pixels are computed one by one: their loops are short and independent, so the
//! CPU overlaps them.
use super::super::super::terms::taps::Task;
use super::vnni::finish;
use core::arch::asm;
use core::mem::offset_of;

/// Transposes four by four: dwords across the 128-bit lanes, then bytes within each.
static TRANSPOSED: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

/// Computes the pixels.
///
/// # Safety
/// The CPU has AVX-512 F, BW, VL and VNNI; everything that [`Task`] points to may be read and written.
pub unsafe fn lanes(p: *mut Task) {
    // SAFETY: the caller's promise; every register that is written is declared, but for vectors 16 to 31, which the
    // compiler uses only in code with AVX-512 enabled, and no code here has it enabled.
    unsafe {
        asm!(
            "vbroadcasti32x4 zmm16, xmmword ptr [r15]",
            "vpmovzxbd zmm17, xmmword ptr [r15]",
            "vpbroadcastd zmm18, dword ptr [rdi + {flip}]",
            "vpbroadcastd zmm24, dword ptr [rdi + {zero}]",
            "vbroadcastss zmm25, dword ptr [rdi + {bounds}]",
            "vbroadcastss zmm26, dword ptr [rdi + {bounds} + 4]",
            "vbroadcastss zmm27, dword ptr [rdi + {round}]",
            "mov r11, qword ptr [rdi + {sums}]",
            "mov r13, qword ptr [rdi + {steps}]",
            "mov r14, qword ptr [rdi + {y_steps}]",
            "vpxord zmm19, zmm19, zmm19",
            "test r11, r11",
            "jz 2f",
            "vmovdqu32 zmm19, [r11]",
            "2:",
            "mov eax, dword ptr [rdi + {mask}]",
            "kmovw k1, eax",
            "mov rcx, qword ptr [rdi + {bias}]",
            "mov rdx, qword ptr [rdi + {multiplier}]",
            "7:",
            "mov r8, qword ptr [rdi + {x}]",
            "mov r12, qword ptr [rdi + {y}]",
            "mov r10, qword ptr [rdi + {count}]",
            "3:",
            "mov r9, qword ptr [rdi + {taps}]",
            "mov rsi, qword ptr [rdi + {w}]",
            "mov r15, qword ptr [rdi + {quads}]",
            "vmovdqa32 zmm0, zmm19",
            "4:",
            "mov rax, qword ptr [r9]",
            "vmovdqu xmm1, xmmword ptr [r8 + rax]",
            "mov rax, qword ptr [r9 + 8]",
            "vinserti128 ymm1, ymm1, xmmword ptr [r8 + rax], 1",
            "mov rax, qword ptr [r9 + 16]",
            "vinserti32x4 zmm1, zmm1, xmmword ptr [r8 + rax], 2",
            "mov rax, qword ptr [r9 + 24]",
            "vinserti32x4 zmm1, zmm1, xmmword ptr [r8 + rax], 3",
            "vpermd zmm1, zmm17, zmm1",
            "vpshufb zmm1, zmm1, zmm16",
            "vpxord zmm1, zmm1, zmm18",
            "vpdpbusd zmm0, zmm1, zmmword ptr [rsi]",
            "add rsi, 64",
            "add r9, 32",
            "dec r15",
            "jnz 4b",
            "test r11, r11",
            "jnz 5f",
            "mov rsi, r12",
            finish!("zmm": "0"),
            "add r8, r13",
            "add r12, r14",
            "dec r10",
            "jnz 3b",
            "mov rax, qword ptr [rdi + {steps} + 8]",
            "add qword ptr [rdi + {x}], rax",
            "mov rax, qword ptr [rdi + {y_steps} + 8]",
            "add qword ptr [rdi + {y}], rax",
            "dec qword ptr [rdi + {count} + 8]",
            "jnz 7b",
            "jmp 6f",
            "5:",
            "vmovdqu32 [r11], zmm0",
            "6:",
            x = const offset_of!(Task, x),
            steps = const offset_of!(Task, steps),
            taps = const offset_of!(Task, taps),
            quads = const offset_of!(Task, quads),
            w = const offset_of!(Task, w),
            count = const offset_of!(Task, count),
            sums = const offset_of!(Task, sums),
            y = const offset_of!(Task, y),
            y_steps = const offset_of!(Task, y_steps),
            bias = const offset_of!(Task, bias),
            multiplier = const offset_of!(Task, multiplier),
            mask = const offset_of!(Task, mask),
            bounds = const offset_of!(Task, bounds),
            round = const offset_of!(Task, round),
            zero = const offset_of!(Task, zero),
            flip = const offset_of!(Task, flip),
            in("rdi") p, out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("r8") _, out("r9") _, out("r10") _,
            out("r11") _, out("r12") _, out("r13") _, out("r14") _, inout("r15") TRANSPOSED.as_ptr() => _, out("xmm0") _, out("xmm1") _,
            options(nostack),
        );
    }
}
