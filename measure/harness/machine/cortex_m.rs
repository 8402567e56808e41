//! The processor: Armv6-M, Armv7-M and Armv8-M Mainline, in instructions that all of them have.

use core::arch::{asm, global_asm};

// Vectors, the memory that Rust expects; faults end the run with a code of their own.
global_asm!(
    ".section .vectors, \"a\"",
    ".word __stack_top",
    ".word zant_reset",
    ".rept 62",
    ".word zant_fault",
    ".endr",
    ".section .harness.start, \"ax\"",
    ".global zant_reset",
    ".thumb_func",
    "zant_reset:",
    "@ An FPU is enabled here.",
    "ldr r0, =__data_load",
    "ldr r1, =__data_start",
    "ldr r2, =__data_end",
    "1: cmp r1, r2",
    "bhs 2f",
    "ldm r0!, {{r3}}",
    "stm r1!, {{r3}}",
    "b 1b",
    "2: ldr r1, =__bss_start",
    "ldr r2, =__bss_end",
    "movs r3, #0",
    "3: cmp r1, r2",
    "bhs 4f",
    "stm r1!, {{r3}}",
    "b 3b",
    "4: bl zant_main",
    ".thumb_func",
    "zant_fault:",
    "movs r0, #71",
    "bl zant_exit",
);

/// Asks the host; the operations are those of Arm's semihosting.
#[unsafe(link_section = ".harness.host")]
#[inline(never)]
pub(crate) unsafe fn host(operation: usize, parameters: *const usize) -> usize {
    let result;
    // SAFETY: the host reads the parameters and writes no memory but what they name.
    unsafe { asm!("bkpt #0xAB", inout("r0") operation => result, in("r1") parameters) };
    result
}

/// Fills the memory from an address up to the stack pointer.
#[inline(always)]
pub(crate) unsafe fn paint(from: *const u32, paint: u32) {
    // SAFETY: nobody uses the stack below its pointer.
    unsafe {
        asm!(
            "2: str {paint}, [{at}]",
            "adds {at}, {at}, #4",
            "cmp {at}, sp",
            "blo 2b",
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
            "2: ldr {word}, [{at}]",
            "cmp {word}, {paint}",
            "bne 3f",
            "adds {at}, {at}, #4",
            "cmp {at}, sp",
            "blo 2b",
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
        asm!(
            "movs {n}, #250",
            "lsls {n}, {n}, #6",
            "2: subs {n}, #1",
            "bne 2b",
            n = out(reg) _,
            options(nomem, nostack)
        );
    }
}
