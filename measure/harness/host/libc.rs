//! What the harness takes from the system's C library. Invariant: a failure ends the process.

use core::ffi::{c_char, c_int, c_long, c_uint, c_void};
use core::ptr::null_mut;

use super::{FAILED, stop};

/// A file descriptor.
#[derive(Clone, Copy)]
pub(crate) struct File(pub(crate) c_int);

#[repr(C)]
struct Time {
    seconds: c_long,
    nanoseconds: c_long,
}

#[link(name = "c")]
unsafe extern "C" {
    pub(crate) fn _exit(code: c_int) -> !;
    pub(crate) fn read(file: c_int, to: *mut c_void, bytes: usize) -> isize;
    fn write(file: c_int, from: *const c_void, bytes: usize) -> isize;
    fn open(path: *const c_char, flags: c_int, ...) -> c_int;
    #[cfg(feature = "session")]
    fn close(file: c_int) -> c_int;
    #[cfg(feature = "session")]
    fn pread(file: c_int, to: *mut c_void, bytes: usize, at: i64) -> isize;
    fn creat(path: *const c_char, mode: c_uint) -> c_int;
    fn mmap(at: *mut c_void, bytes: usize, access: c_int, flags: c_int, file: c_int, offset: i64) -> *mut c_void;
    fn clock_gettime(clock: c_int, time: *mut Time) -> c_int;
    pub(crate) fn posix_memalign(to: *mut *mut c_void, align: usize, bytes: usize) -> c_int;
    pub(crate) fn free(memory: *mut c_void);
}

#[link(name = "pthread")]
unsafe extern "C" {
    pub(crate) fn pthread_attr_init(attributes: *mut c_void) -> c_int;
    pub(crate) fn pthread_attr_setstack(attributes: *mut c_void, lowest: *mut c_void, bytes: usize) -> c_int;
    pub(crate) fn pthread_create(
        thread: *mut usize,
        attributes: *const c_void,
        run: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> c_int;
    pub(crate) fn pthread_join(thread: usize, result: *mut *mut c_void) -> c_int;
}

const READ: c_int = 1;
const WRITE: c_int = 2;
const PRIVATE: c_int = 2;
const ANONYMOUS: c_int = if cfg!(target_vendor = "apple") { 0x1000 } else { 0x20 };
const MONOTONIC: c_int = if cfg!(target_vendor = "apple") { 6 } else { 1 };

/// Memory with the content of a file.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
pub(crate) unsafe fn map(path: *const c_char, bytes: usize) -> *const u8 {
    // SAFETY: the path ends with a zero; nobody changes the file.
    let memory = unsafe {
        let file = open(path, 0);
        mmap(null_mut(), bytes.max(1), READ, PRIVATE, file, 0)
    };
    if memory.addr() == usize::MAX {
        stop(FAILED);
    }
    memory.cast()
}

/// Fills memory with bytes of a file, from a place in it.
#[cfg(feature = "session")]
pub(crate) unsafe fn fill(path: *const c_char, at: usize, memory: *mut u8, bytes: usize) {
    // SAFETY: the path ends with a zero; the caller owns so many bytes.
    unsafe {
        let file = open(path, 0);
        let mut done = 0;
        while done < bytes {
            match usize::try_from(pread(file, memory.add(done).cast(), bytes - done, (at + done) as i64)) {
                Ok(got) if got > 0 => done += got,
                _ => stop(FAILED),
            }
        }
        close(file);
    }
}

/// Memory of zeros.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
pub(crate) unsafe fn anonymous(bytes: usize) -> *mut c_void {
    // SAFETY: new memory.
    let memory = unsafe { mmap(null_mut(), bytes, READ | WRITE, PRIVATE | ANONYMOUS, -1, 0) };
    if memory.addr() == usize::MAX {
        stop(FAILED);
    }
    memory
}

/// A new file.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
pub(crate) unsafe fn create(path: *const c_char) -> File {
    // SAFETY: the path ends with a zero.
    let file = unsafe { creat(path, 0o644) };
    if file < 0 {
        stop(FAILED);
    }
    File(file)
}

/// Appends memory to a file.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
pub(crate) unsafe fn write_all(file: File, mut from: *const u8, mut bytes: usize) {
    while bytes > 0 {
        // SAFETY: the caller owns so many bytes.
        let wrote = unsafe { write(file.0, from.cast(), bytes) };
        let Ok(wrote) = usize::try_from(wrote) else { stop(FAILED) };
        // SAFETY: no more than was asked for.
        from = unsafe { from.add(wrote) };
        bytes -= wrote;
    }
}

/// Nanoseconds of the clock that always goes on.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".harness"))]
#[inline(never)]
pub(crate) fn now() -> u64 {
    let mut time = Time { seconds: 0, nanoseconds: 0 };
    // SAFETY: the time is there.
    unsafe { clock_gettime(MONOTONIC, &raw mut time) };
    time.seconds as u64 * 1_000_000_000 + time.nanoseconds as u64
}
