//! A session with a decoder: it is made, then computes one token after the other from inputs that the file has then.

use core::ffi::c_char;
use core::ptr::null_mut;

use super::{answer, heap, inference, libc};

/// The inputs of the next run.
static mut INPUTS: *mut u8 = null_mut();

/// Makes the model anew, its states those of the file; answers with the nanoseconds, the allocations and their bytes.
pub(crate) unsafe fn begin(input: *const u8) {
    let (start, before) = (libc::now(), heap::counted());
    // SAFETY: there is one thread.
    unsafe {
        inference::stop();
        inference::start();
        inference::reset(input);
    }
    answer(libc::now().wrapping_sub(start));
    allocated(before);
}

/// Reads the inputs from the file, computes, and takes the most likely token. Answers with the nanoseconds of computing, of both, the token,
/// the allocations and their bytes.
pub(crate) unsafe fn token(path: *const c_char) {
    // SAFETY: there is one thread; memory is made once, of the inputs' bytes, and aligned as pages are.
    unsafe {
        if INPUTS.is_null() {
            INPUTS = libc::anonymous(inference::HEAD_BYTES.max(1)).cast();
        }
        libc::fill(path, 0, INPUTS, inference::HEAD_BYTES);
        timed(|| inference::token(INPUTS));
    }
}

/// The same of a prompt of so many tokens, which is read at once.
#[cfg(feature = "prompt")]
pub(crate) unsafe fn prompt(path: *const c_char, length: usize) {
    static mut PROMPT: *mut u8 = null_mut();
    let [at, bytes] = inference::PROMPT;
    // SAFETY: as for `token`.
    unsafe {
        if PROMPT.is_null() {
            PROMPT = libc::anonymous(bytes.max(1)).cast();
        }
        libc::fill(path, at, PROMPT, bytes);
        timed(|| inference::prompt(PROMPT, length));
    }
}

/// Answers with what a run takes, and its token.
fn timed(run: impl FnOnce() -> (u64, usize)) {
    let (start, before) = (libc::now(), heap::counted());
    let (done, token) = run();
    let end = libc::now();
    answer(done.wrapping_sub(start));
    answer(end.wrapping_sub(start));
    answer(core::hint::black_box(token) as u64);
    allocated(before);
}

/// Answers with the allocations and their bytes since a count.
fn allocated(before: [u64; 5]) {
    let now = heap::counted();
    answer(now[0].wrapping_sub(before[0]));
    answer(now[1].wrapping_sub(before[1]));
}
