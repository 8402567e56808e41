//! The processor: Armv8-A, 64 bits; and its generic timer.

use core::arch::{asm, global_asm};

// The stack, the FPU's enabling, the memory that Rust expects; exceptions end the run with a code of their own.
global_asm!(
    ".section .vectors, \"ax\"",
    ".global zant_reset",
    "zant_reset:",
    "ldr x0, =__stack_top",
    "mov sp, x0",
    "ldr x0, =zant_vectors",
    "msr vbar_el1, x0",
    "mov x0, #0x300000",
    "msr cpacr_el1, x0",
    "isb",
    "ldr x0, =__data_load",
    "ldr x1, =__data_start",
    "ldr x2, =__data_end",
    "1: cmp x1, x2",
    "b.hs 2f",
    "ldr w3, [x0], #4",
    "str w3, [x1], #4",
    "b 1b",
    "2: ldr x1, =__bss_start",
    "ldr x2, =__bss_end",
    "3: cmp x1, x2",
    "b.hs 4f",
    "str wzr, [x1], #4",
    "b 3b",
    "4: bl zant_main",
    ".balign 2048",
    "zant_vectors:",
    ".rept 16",
    "mov w0, #71",
    "b zant_exit",
    ".balign 128",
    ".endr",
);

/// Asks the host; the operations are those of Arm's semihosting.
#[unsafe(link_section = ".harness.host")]
#[inline(never)]
pub(crate) unsafe fn host(operation: usize, parameters: *const usize) -> usize {
    let result;
    // SAFETY: the host reads the parameters and writes no memory but what they name.
    unsafe { asm!("hlt #0xF000", inout("x0") operation => result, in("x1") parameters) };
    result
}

/// Fills the memory from an address up to the stack pointer.
#[inline(always)]
pub(crate) unsafe fn paint(from: *const u32, paint: u32) {
    // SAFETY: nobody uses the stack below its pointer.
    unsafe {
        asm!(
            "mov {sp}, sp",
            "2: str {paint:w}, [{at}], #4",
            "cmp {at}, {sp}",
            "b.lo 2b",
            at = inout(reg) from => _,
            paint = in(reg) paint,
            sp = out(reg) _,
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
            "mov {sp}, sp",
            "2: ldr {word:w}, [{at}]",
            "cmp {word:w}, {paint:w}",
            "b.ne 3f",
            "add {at}, {at}, #4",
            "cmp {at}, {sp}",
            "b.lo 2b",
            "3:",
            at = inout(reg) from => lowest,
            paint = in(reg) paint,
            word = out(reg) _,
            sp = out(reg) _,
        );
    }
    lowest
}

/// Takes as many instructions as `measure/src/qemu.rs` knows.
#[inline(always)]
pub(crate) fn known() {
    // SAFETY: it counts a register down.
    unsafe { asm!("mov {n}, #16000", "nop", "2: subs {n}, {n}, #1", "b.ne 2b", n = out(reg) _, options(nomem, nostack)) };
}

/// The stack pointer, the timer's low word, and its 32 bits from the ninth on; both as if they counted down.
#[inline(always)]
pub(crate) fn start() -> (usize, u32, u32) {
    let sp;
    // SAFETY: it reads a register.
    unsafe { asm!("mov {sp}, sp", sp = out(reg) sp, options(nomem, nostack)) };
    let (fine, coarse) = stop();
    (sp, fine, coarse)
}

/// The same without the stack pointer.
#[inline(always)]
pub(crate) fn stop() -> (u32, u32) {
    let ticks: u64;
    // SAFETY: the timer may be read.
    unsafe { asm!("mrs {ticks}, cntvct_el0", ticks = out(reg) ticks, options(nomem, nostack)) };
    (0u32.wrapping_sub(ticks as u32), 0u32.wrapping_sub((ticks >> 8) as u32))
}

/// The timer's low word, as if it counted down.
#[allow(dead_code, reason = "models that tell of their steps read it")]
#[inline(always)]
pub(crate) fn mark() -> u32 {
    stop().0
}
