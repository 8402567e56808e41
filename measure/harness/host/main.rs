//! A process around one model: it answers a count on a line with the nanoseconds that so many runs took.
//!
//! Started with the file of inputs and the file for outputs. Other lines: `stack` answers with the bytes of stack that a run took,
//! `outputs` resets the states, runs once and writes the outputs; where the model tells of its steps, `times` answers with the
//! nanoseconds of each and `count` lets callgrind count each; of a decoder, `new` begins a session, `p8` reads a prompt of 8 tokens at once, where
//! the model can, and `k` computes a token. When its input ends, the model goes and the process answers
//! with the bytes of the model and what the allocator counted. Beside libc there is nothing, so that what is counted is the
//! model. Answers have a fixed width: what is printed does not change how many instructions printing takes.
#![no_std]
#![no_main]

mod heap;
mod inference;
mod libc;
mod stack;
#[cfg(feature = "session")]
mod session;
#[cfg(feature = "steps")]
mod steps;

use core::ffi::{c_char, c_int};

use libc::File;

/// The arguments make no sense.
const USAGE: c_int = 64;
/// What the system was asked for failed.
const FAILED: c_int = 70;
/// The model refused the data.
const REFUSED: c_int = 72;
/// The code panicked.
const PANICKED: c_int = 73;

/// Ends the process.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
fn stop(code: c_int) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// Lines of the standard input.
struct Lines {
    bytes: [u8; 4096],
    next: usize,
    end: usize,
}

impl Lines {
    /// The next byte; `None` at the end.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
    #[inline(never)]
    fn byte(&mut self) -> Option<u8> {
        if self.next == self.end {
            // SAFETY: the buffer has so many bytes.
            let got = unsafe { libc::read(0, self.bytes.as_mut_ptr().cast(), self.bytes.len()) };
            let Ok(got) = usize::try_from(got) else { stop(FAILED) };
            (self.next, self.end) = (0, got);
        }
        let byte = *self.bytes.get(self.next)?;
        (self.next < self.end).then(|| {
            self.next += 1;
            byte
        })
    }

    /// The first letter of the next line, and the number that its digits are; `None` at the end.
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
    #[inline(never)]
    fn next(&mut self) -> Option<(u8, u64)> {
        let (mut letter, mut number) = (0, 0u64);
        loop {
            match self.byte()? {
                b'\n' => return Some((letter, number)),
                digit @ b'0'..=b'9' => number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')),
                other if letter == 0 => letter = other,
                _ => {}
            }
        }
    }
}

/// Writes a number on a line.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
fn answer(mut number: u64) {
    let mut line = [b'\n'; 21];
    for digit in line.iter_mut().take(20).rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    // SAFETY: the line has so many bytes.
    unsafe { libc::write_all(File(1), line.as_ptr(), line.len()) };
}

#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    if argc != 3 {
        stop(USAGE);
    }
    // SAFETY: there are two arguments; there is one thread that uses the model.
    unsafe {
        let input = libc::map(*argv.add(1), inference::INPUT_BYTES);
        inference::start();
        inference::reset(input);
        serve(input, *argv.add(1), *argv.add(2));
        inference::stop();
    }
    answer(inference::MODEL_BYTES as u64);
    for number in heap::counted() {
        answer(number);
    }
    0
}

/// Answers line after line.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
unsafe fn serve(input: *const u8, path: *const c_char, output: *const c_char) {
    // Sessions alone read the file again.
    let _ = path;
    let mut lines = Lines { bytes: [0; 4096], next: 0, end: 0 };
    while let Some((letter, number)) = lines.next() {
        // SAFETY: as for `main`.
        unsafe {
            match letter {
                0 => {
                    let start = libc::now();
                    for _ in 0..number {
                        inference::run(input);
                    }
                    answer(libc::now().wrapping_sub(start));
                }
                b's' => answer(stack::of_a_run(input)),
                #[cfg(feature = "steps")]
                b't' => steps::answer_times(input),
                #[cfg(feature = "steps")]
                b'c' => steps::count(input),
                #[cfg(feature = "session")]
                b'n' => session::begin(input),
                #[cfg(feature = "session")]
                b'k' => session::token(path),
                #[cfg(feature = "prompt")]
                b'p' => session::prompt(path, number as usize),
                b'o' => {
                    inference::reset(input);
                    let file = libc::create(output);
                    inference::write(input, file);
                    answer(0);
                }
                _ => stop(USAGE),
            }
        }
    }
}

#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    stop(PANICKED)
}
