//! How much stack a run takes: it runs on a stack of its own that was painted, in a thread.

use core::ffi::c_void;
use core::hint::black_box;
use core::ptr::{null, null_mut};

use super::{FAILED, inference, libc, stop};

/// Bytes of the stack.
const BYTES: usize = 4 << 20;
const WORDS: usize = BYTES / 8;
/// What it holds before.
const PAINT: u64 = 0xA5C3_5A3C_0F96_69F0;

/// What the thread is told, and tells.
struct Run {
    input: *const u8,
    top: usize,
}

/// Bytes of stack below the caller's frame that a run wrote to.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
pub(crate) unsafe fn of_a_run(input: *const u8) -> u64 {
    let mut run = Run { input, top: 0 };
    // SAFETY: the stack is new memory of that size; attributes are smaller than what is given; the thread has ended before this
    // function does.
    unsafe {
        let stack = libc::anonymous(BYTES);
        let words = stack.cast::<u64>();
        (0..WORDS).for_each(|i| words.add(i).write_volatile(PAINT));
        let mut attributes = [0u64; 32];
        let attributes = (&raw mut attributes).cast::<c_void>();
        let mut thread = 0;
        let failed = libc::pthread_attr_init(attributes) != 0
            || libc::pthread_attr_setstack(attributes, stack, BYTES) != 0
            || libc::pthread_create(&raw mut thread, attributes, painted, (&raw mut run).cast()) != 0
            || libc::pthread_join(thread, null_mut()) != 0;
        if failed {
            stop(FAILED);
        }
        let lowest = (0..WORDS).find(|&i| words.add(i).read_volatile() != PAINT).unwrap_or(WORDS);
        run.top.saturating_sub(words.add(lowest).addr()) as u64
    }
}

#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
unsafe extern "C" fn painted(argument: *mut c_void) -> *mut c_void {
    let here = 0u8;
    let run = argument.cast::<Run>();
    // SAFETY: it is the caller's, which waits.
    unsafe {
        (*run).top = black_box(&raw const here).addr();
        inference::run((*run).input);
    }
    black_box(null::<u8>()).cast_mut().cast()
}
