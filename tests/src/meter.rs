//! What a piece of work takes: an allocator that counts, each thread for itself. A test that measures makes it its own by
//! `#[global_allocator] static METER: Meter = Meter;`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted.
#[derive(Debug)]
pub struct Meter;

thread_local! {
    /// Bytes allocated and not freed by this thread; the work measured here stays on one thread.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    /// The most that `LIVE` has been.
    static PEAK: Cell<isize> = const { Cell::new(0) };
    /// Bytes ever allocated.
    static TOTAL: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    LIVE.with(|live| {
        live.set(live.get() + bytes);
        PEAK.with(|peak| peak.set(peak.get().max(live.get())));
    });
    TOTAL.with(|total| total.set(total.get() + bytes.max(0)));
}

// SAFETY: every call is passed on unchanged to the system's allocator. Counting touches only plain thread-local cells
// that are built at compile time and have no destructor: it neither allocates nor unwinds.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises about `layout` are those of this call.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: `pointer` came from `System` through this allocator, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What some work gives; the most bytes that it held at a time; the bytes that it allocated, all together.
pub fn metered<T>(work: impl FnOnce() -> T) -> (T, [usize; 2]) {
    let (before, all) = (LIVE.get(), TOTAL.get());
    PEAK.set(before);
    let result = work();
    (result, [(PEAK.get() - before).unsigned_abs(), (TOTAL.get() - all).unsigned_abs()])
}
