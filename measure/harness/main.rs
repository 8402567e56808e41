//! Firmware around one model: reads vectors from the host, runs the model on each, writes what it counted and computed.
//!
//! All of this lies in the section `.harness`; `.text` is the model and what it calls.
#![no_std]
#![no_main]

mod inference;
mod machine;

use core::arch::{asm, global_asm};

// Vectors, the FPU's enabling, the memory that Rust expects; faults end the run with a code of their own.
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
    "ldr r0, =0xE000ED88",
    "ldr r1, [r0]",
    "orr r1, r1, #0xF00000",
    "str r1, [r0]",
    "dsb",
    "isb",
    "ldr r0, =__data_load",
    "ldr r1, =__data_start",
    "ldr r2, =__data_end",
    "1: cmp r1, r2",
    "bhs 2f",
    "ldr r3, [r0], #4",
    "str r3, [r1], #4",
    "b 1b",
    "2: ldr r1, =__bss_start",
    "ldr r2, =__bss_end",
    "movs r3, #0",
    "3: cmp r1, r2",
    "bhs 4f",
    "str r3, [r1], #4",
    "b 3b",
    "4: bl zant_main",
    ".thumb_func",
    "zant_fault:",
    "movs r0, #71",
    "b zant_exit",
);

/// What the host was asked for failed.
const FAILED: u32 = 70;
/// The model refused the data.
const REFUSED: u32 = 72;
/// The code panicked.
const PANICKED: u32 = 73;

/// Memory below the stack pointer holds this before a run.
const PAINT: u32 = 0xA5C3_5A3C;

unsafe extern "C" {
    static __stack_limit: u32;
}

/// A file of the host.
#[derive(Clone, Copy)]
struct File(u32);

/// Asks the host; the operations are those of Arm's semihosting.
#[unsafe(link_section = ".harness.host")]
#[inline(never)]
unsafe fn host(operation: u32, parameters: *const u32) -> u32 {
    let result;
    // SAFETY: the host reads the parameters and writes no memory but what they name.
    unsafe { asm!("bkpt #0xAB", inout("r0") operation => result, in("r1") parameters) };
    result
}

#[unsafe(link_section = ".harness.exit")]
#[unsafe(no_mangle)]
extern "C" fn zant_exit(code: u32) -> ! {
    // SYS_EXIT_EXTENDED, ADP_Stopped_ApplicationExit.
    let parameters = [0x20026, code];
    loop {
        // SAFETY: two words, as the operation wants them.
        unsafe { host(0x20, parameters.as_ptr()) };
    }
}

#[unsafe(link_section = ".harness.open")]
fn open(name: &'static [u8], mode: u32) -> File {
    let parameters = [name.as_ptr() as u32, mode, name.len() as u32 - 1];
    // SAFETY: SYS_OPEN reads the name, which ends with a zero.
    match unsafe { host(0x01, parameters.as_ptr()) } {
        u32::MAX => zant_exit(FAILED),
        handle => File(handle),
    }
}

/// Fills memory from a file.
#[unsafe(link_section = ".harness.read")]
#[inline(never)]
unsafe fn read(file: File, to: *mut u8, bytes: usize) {
    let parameters = [file.0, to as u32, bytes as u32];
    // SAFETY: SYS_READ writes so many bytes there; the caller owns them.
    if unsafe { host(0x06, parameters.as_ptr()) } != 0 {
        zant_exit(FAILED);
    }
}

/// Appends memory to a file.
#[unsafe(link_section = ".harness.write")]
#[inline(never)]
unsafe fn write(file: File, from: *const u8, bytes: usize) {
    let parameters = [file.0, from as u32, bytes as u32];
    // SAFETY: SYS_WRITE reads so many bytes there.
    if unsafe { host(0x05, parameters.as_ptr()) } != 0 {
        zant_exit(FAILED);
    }
}

/// What the timers and the stack pointer said before a run.
#[derive(Clone, Copy)]
struct Start {
    sp: u32,
    fine: u32,
    coarse: u32,
}

/// Paints the free stack and starts the timers. Both count down; the coarse one, for long runs, by 256 ticks.
#[inline(always)]
fn begin() -> Start {
    let (sp, fine, coarse);
    // SAFETY: the timers are this machine's; nobody uses the stack below its pointer.
    unsafe {
        asm!(
            "2: str {paint}, [{at}], #4",
            "cmp {at}, sp",
            "blo 2b",
            at = inout(reg) &raw const __stack_limit => _,
            paint = in(reg) PAINT,
        );
        (machine::FINE as *mut u32).write_volatile(0);
        (machine::FINE as *mut u32).add(2).write_volatile(u32::MAX);
        (machine::FINE as *mut u32).add(1).write_volatile(u32::MAX);
        (machine::COARSE as *mut u32).add(2).write_volatile(0);
        (machine::COARSE as *mut u32).write_volatile(u32::MAX);
        // Enabled, periodic, divided by 256, 32 bits.
        (machine::COARSE as *mut u32).add(2).write_volatile(0b1100_1010);
        (machine::FINE as *mut u32).write_volatile(1);
        asm!(
            "mov {sp}, sp",
            "ldr {coarse}, [{slow}, #4]",
            "ldr {fine}, [{fast}, #4]",
            fast = in(reg) machine::FINE,
            slow = in(reg) machine::COARSE,
            sp = out(reg) sp,
            fine = out(reg) fine,
            coarse = out(reg) coarse,
        );
    }
    Start { sp, fine, coarse }
}

/// Writes the ticks since the beginning, those of the coarse timer, and the bytes of stack that were used.
#[inline(always)]
fn end(output: File, start: Start) {
    let (fine, coarse): (u32, u32);
    let lowest: u32;
    // SAFETY: as for the beginning.
    unsafe {
        asm!(
            "ldr {fine}, [{fast}, #4]",
            "ldr {coarse}, [{slow}, #4]",
            fast = in(reg) machine::FINE,
            slow = in(reg) machine::COARSE,
            fine = out(reg) fine,
            coarse = out(reg) coarse,
        );
        asm!(
            "2: ldr {word}, [{at}]",
            "cmp {word}, {paint}",
            "bne 3f",
            "adds {at}, {at}, #4",
            "cmp {at}, sp",
            "blo 2b",
            "3:",
            at = inout(reg) &raw const __stack_limit => lowest,
            paint = in(reg) PAINT,
            word = out(reg) _,
        );
        let words = [start.fine.wrapping_sub(fine), start.coarse.wrapping_sub(coarse), start.sp.wrapping_sub(lowest)];
        write(output, words.as_ptr().cast(), 12);
    }
}

#[unsafe(link_section = ".harness.main")]
#[unsafe(no_mangle)]
extern "C" fn zant_main() -> ! {
    let input = open(b"input.bin\0", 1);
    let output = open(b"output.bin\0", 5);
    // What counting costs by itself.
    let start = begin();
    end(output, start);
    let mut runs = 0u32;
    // SAFETY: four bytes.
    unsafe { read(input, (&raw mut runs).cast(), 4) };
    for _ in 0..runs {
        // SAFETY: nobody else uses the model.
        unsafe { inference::run(input, output) };
    }
    zant_exit(0)
}

#[unsafe(link_section = ".harness.panic")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    zant_exit(PANICKED)
}
