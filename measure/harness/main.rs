//! Firmware around one model: reads vectors from the host, runs the model on each, writes what it counted and computed.
//!
//! All of this lies in the section `.harness`; `.text` is the model and what it calls. `machine` is the processor with its clock.
#![no_std]
#![no_main]

mod inference;
mod machine;

/// What the host was asked for failed.
const FAILED: usize = 70;
/// The model refused the data.
#[allow(dead_code, reason = "not every model can")]
const REFUSED: usize = 72;
/// The code panicked.
const PANICKED: usize = 73;

/// Memory below the stack pointer holds this before a run.
const PAINT: u32 = 0xA5C3_5A3C;

unsafe extern "C" {
    static __stack_limit: u32;
}

/// A file of the host.
#[derive(Clone, Copy)]
struct File(usize);

#[unsafe(link_section = ".harness.exit")]
#[unsafe(no_mangle)]
extern "C" fn zant_exit(code: usize) -> ! {
    // SYS_EXIT_EXTENDED, ADP_Stopped_ApplicationExit.
    let parameters = [0x20026, code];
    loop {
        // SAFETY: two words, as the operation wants them.
        unsafe { machine::host(0x20, parameters.as_ptr()) };
    }
}

#[unsafe(link_section = ".harness.open")]
fn open(name: &'static [u8], mode: usize) -> File {
    let parameters = [name.as_ptr() as usize, mode, name.len() - 1];
    // SAFETY: SYS_OPEN reads the name, which ends with a zero.
    match unsafe { machine::host(0x01, parameters.as_ptr()) } {
        usize::MAX => zant_exit(FAILED),
        handle => File(handle),
    }
}

/// Fills memory from a file.
#[unsafe(link_section = ".harness.read")]
#[inline(never)]
unsafe fn read(file: File, to: *mut u8, bytes: usize) {
    let parameters = [file.0, to as usize, bytes];
    // SAFETY: SYS_READ writes so many bytes there; the caller owns them.
    if unsafe { machine::host(0x06, parameters.as_ptr()) } != 0 {
        zant_exit(FAILED);
    }
}

/// Appends memory to a file.
#[unsafe(link_section = ".harness.write")]
#[inline(never)]
unsafe fn write(file: File, from: *const u8, bytes: usize) {
    let parameters = [file.0, from as usize, bytes];
    // SAFETY: SYS_WRITE reads so many bytes there.
    if unsafe { machine::host(0x05, parameters.as_ptr()) } != 0 {
        zant_exit(FAILED);
    }
}

/// What the timers and the stack pointer said before a run.
#[derive(Clone, Copy)]
struct Start {
    sp: usize,
    fine: u32,
    coarse: u32,
}

/// Paints the free stack and starts the timers.
#[inline(always)]
fn begin() -> Start {
    // SAFETY: nobody uses the stack below its pointer.
    unsafe { machine::paint(&raw const __stack_limit, PAINT) };
    let (sp, fine, coarse) = machine::start();
    Start { sp, fine, coarse }
}

/// Writes the ticks since the beginning, those of the coarse timer, and the bytes of stack that were used.
#[inline(always)]
fn end(output: File, start: Start) {
    let (fine, coarse) = machine::stop();
    // SAFETY: as for the beginning.
    unsafe {
        let lowest = machine::lowest(&raw const __stack_limit, PAINT);
        let stack = start.sp.wrapping_sub(lowest) as u32;
        let words = [start.fine.wrapping_sub(fine), start.coarse.wrapping_sub(coarse), stack];
        write(output, words.as_ptr().cast(), 12);
    }
}

/// Says how a known number of instructions is counted.
#[unsafe(link_section = ".harness.calibrate")]
#[inline(never)]
fn calibrate(output: File) {
    let start = begin();
    machine::known();
    end(output, start);
}

#[unsafe(link_section = ".harness.main")]
#[unsafe(no_mangle)]
extern "C" fn zant_main() -> ! {
    let input = open(b"input.bin\0", 1);
    let output = open(b"output.bin\0", 5);
    // What counting costs by itself.
    let start = begin();
    end(output, start);
    calibrate(output);
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
