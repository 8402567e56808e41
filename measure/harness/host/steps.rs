//! The steps of a run, timed or counted, of a model that tells of them.

use super::{answer, inference, libc};

/// Two marks before the first step: what marking takes is between them.
const MARKS: usize = inference::STEPS + 2;

static mut TIMES: [u64; MARKS] = [0; MARKS];
static mut NEXT: usize = MARKS;
static mut COUNTS: bool = false;

/// Notes that a step is over.
#[inline(never)]
pub(crate) fn mark() {
    // SAFETY: there is one thread.
    unsafe {
        let next = NEXT;
        if COUNTS {
            dump();
        } else if let Some(time) = (&mut *(&raw mut TIMES)).get_mut(next) {
            *time = libc::now();
            NEXT = next + 1;
        }
    }
}

/// Answers with the nanoseconds of a mark and of each step of a run, of which each has a mark in it.
pub(crate) unsafe fn answer_times(input: *const u8) {
    // SAFETY: there is one thread.
    unsafe {
        NEXT = 0;
        mark();
        mark();
        inference::run(input);
        for pair in (&*(&raw const TIMES)).windows(2) {
            answer(pair[1].wrapping_sub(pair[0]));
        }
    }
}

/// Lets callgrind write what it counted up to now, up to a mark, and after each step of a run.
pub(crate) unsafe fn count(input: *const u8) {
    // SAFETY: there is one thread.
    unsafe {
        COUNTS = true;
        mark();
        mark();
        inference::run(input);
        COUNTS = false;
    }
    answer(0);
}

/// Asks callgrind for what it counted since the last time: CALLGRIND_DUMP_STATS of `callgrind.h`. Nothing outside valgrind, for the
/// instructions that ask leave everything as it was.
#[inline(always)]
fn dump() {
    const REQUEST: [u64; 6] = [0x4354_0000, 0, 0, 0, 0, 0];
    #[cfg(target_arch = "x86_64")]
    // SAFETY: rotations by 128 bits together, an exchange of a register with itself.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") REQUEST.as_ptr(), inout("rdx") 0u64 => _,
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: rotations by 128 bits together, a register combined with itself.
    unsafe {
        core::arch::asm!(
            "ror x12, x12, #3", "ror x12, x12, #13", "ror x12, x12, #51", "ror x12, x12, #61", "orr x10, x10, x10",
            in("x4") REQUEST.as_ptr(), inout("x3") 0u64 => _,
        );
    }
    core::hint::black_box(&REQUEST);
}
