//! The processor: RISC-V, 32 bits; and its counter of cycles, which the emulator drives by the time of the machine.

use core::arch::{asm, global_asm};

// The stack, the memory that Rust expects; traps end the run with a code of their own.
global_asm!(
    ".section .vectors, \"ax\"",
    ".global zant_reset",
    "zant_reset:",
    "la sp, __stack_top",
    "la t0, zant_fault",
    "csrw mtvec, t0",
    "la t0, __data_load",
    "la t1, __data_start",
    "la t2, __data_end",
    "1: bgeu t1, t2, 2f",
    "lw t3, 0(t0)",
    "sw t3, 0(t1)",
    "addi t0, t0, 4",
    "addi t1, t1, 4",
    "j 1b",
    "2: la t1, __bss_start",
    "la t2, __bss_end",
    "3: bgeu t1, t2, 4f",
    "sw zero, 0(t1)",
    "addi t1, t1, 4",
    "j 3b",
    "4: call zant_main",
    ".balign 4",
    "zant_fault:",
    "li a0, 71",
    "call zant_exit",
);

/// Asks the host; the operations are those of Arm's semihosting.
#[unsafe(link_section = ".harness.host")]
#[inline(never)]
pub(crate) unsafe fn host(operation: usize, parameters: *const usize) -> usize {
    let result;
    // SAFETY: the host reads the parameters and writes no memory but what they name. It knows its call by these three words.
    unsafe {
        asm!(
            ".balign 16",
            ".option push",
            ".option norvc",
            "slli zero, zero, 0x1f",
            "ebreak",
            "srai zero, zero, 7",
            ".option pop",
            inout("a0") operation => result,
            in("a1") parameters,
        );
    }
    result
}

/// Fills the memory from an address up to the stack pointer.
#[inline(always)]
pub(crate) unsafe fn paint(from: *const u32, paint: u32) {
    // SAFETY: nobody uses the stack below its pointer.
    unsafe {
        asm!(
            "2: sw {paint}, 0({at})",
            "addi {at}, {at}, 4",
            "bltu {at}, sp, 2b",
            at = inout(reg) from => _,
            paint = in(reg) paint,
        );
    }
}

/// The first address from `from` on that does not hold the paint.
#[inline(always)]
pub(crate) unsafe fn lowest(from: *const u32, paint: u32) -> usize {
    let lowest;
    // SAFETY: it is the stack's memory.
    unsafe {
        asm!(
            "2: lw {word}, 0({at})",
            "bne {word}, {paint}, 3f",
            "addi {at}, {at}, 4",
            "bltu {at}, sp, 2b",
            "3:",
            at = inout(reg) from => lowest,
            paint = in(reg) paint,
            word = out(reg) _,
        );
    }
    lowest
}

/// Takes as many instructions as `measure/src/qemu.rs` knows.
#[inline(always)]
pub(crate) fn known() {
    // SAFETY: it counts a register down.
    unsafe {
        asm!("li {n}, 16000", "2: addi {n}, {n}, -1", "bnez {n}, 2b", n = out(reg) _, options(nomem, nostack));
    }
}

/// The stack pointer, the counter's low word, and its 32 bits from the ninth on; both as if they counted down.
#[inline(always)]
pub(crate) fn start() -> (usize, u32, u32) {
    let sp;
    // SAFETY: it reads a register.
    unsafe { asm!("mv {sp}, sp", sp = out(reg) sp, options(nomem, nostack)) };
    let (fine, coarse) = stop();
    (sp, fine, coarse)
}

/// The same without the stack pointer.
#[inline(always)]
pub(crate) fn stop() -> (u32, u32) {
    let (low, high): (u32, u32);
    // SAFETY: the counter may be read in machine mode.
    unsafe {
        asm!("csrr {low}, mcycle", "csrr {high}, mcycleh", low = out(reg) low, high = out(reg) high, options(nomem, nostack));
    }
    (0u32.wrapping_sub(low), 0u32.wrapping_sub(high << 24 | low >> 8))
}

/// The counter's low word, as if it counted down.
#[allow(dead_code, reason = "models that tell of their steps read it")]
#[inline(always)]
pub(crate) fn mark() -> u32 {
    stop().0
}
