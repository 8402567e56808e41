//! A module around one model: the host gives it vectors, it runs the model on each and gives back what it computed.
//!
//! It has neither a counter of instructions nor a stack that could be painted: the ticks and the bytes of stack are zero.
#![no_std]
#![no_main]

mod inference;

/// What a run could not do; the host stops the module.
#[allow(dead_code, reason = "not every model can")]
const REFUSED: usize = 72;
/// The code panicked.
const PANICKED: usize = 73;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    fn host_read(to: *mut u8, bytes: usize);
    fn host_write(from: *const u8, bytes: usize);
    fn host_exit(code: usize);
}

/// The host's file of inputs, or that of outputs.
#[derive(Clone, Copy)]
struct File;

/// What a run begins with.
#[derive(Clone, Copy)]
struct Start;

/// Fills memory from the inputs.
unsafe fn read(_: File, to: *mut u8, bytes: usize) {
    // SAFETY: the host writes so many bytes there; the caller owns them.
    unsafe { host_read(to, bytes) };
}

/// Appends memory to the outputs.
unsafe fn write(_: File, from: *const u8, bytes: usize) {
    // SAFETY: the host reads so many bytes there.
    unsafe { host_write(from, bytes) };
}

fn zant_exit(code: usize) -> ! {
    // SAFETY: the host does not come back.
    unsafe { host_exit(code) };
    core::arch::wasm32::unreachable()
}

fn begin() -> Start {
    Start
}

fn end(output: File, _: Start) {
    // SAFETY: twelve bytes.
    unsafe { write(output, [0u32; 3].as_ptr().cast(), 12) };
}

/// Runs the model on all vectors.
#[unsafe(no_mangle)]
extern "C" fn zant_main() {
    let mut runs = 0u32;
    // SAFETY: four bytes.
    unsafe { read(File, (&raw mut runs).cast(), 4) };
    for _ in 0..runs {
        // SAFETY: nobody else uses the model.
        unsafe { inference::run(File, File) };
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    zant_exit(PANICKED)
}
