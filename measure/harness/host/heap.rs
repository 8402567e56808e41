//! The allocator: the system's, counted. Invariant: one thread allocates.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::libc;

struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static TOTAL: AtomicU64 = AtomicU64::new(0);
static LARGEST: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicU64 = AtomicU64::new(0);

/// Allocations, their bytes, those of the largest, the most bytes at a time, and the bytes that are allocated still.
pub(crate) fn counted() -> [u64; 5] {
    [&ALLOCATIONS, &TOTAL, &LARGEST, &PEAK, &LIVE].map(|n| n.load(Relaxed))
}

// SAFETY: memory is the system's, of the size and alignment that were asked for.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let bytes = layout.size() as u64;
        ALLOCATIONS.fetch_add(1, Relaxed);
        TOTAL.fetch_add(bytes, Relaxed);
        LARGEST.fetch_max(bytes, Relaxed);
        let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
        PEAK.fetch_max(live, Relaxed);
        let mut memory = null_mut();
        // SAFETY: the alignment is a power of two, and at least that of a pointer.
        match unsafe { libc::posix_memalign(&raw mut memory, layout.align().max(align_of::<usize>()), layout.size()) } {
            0 => memory.cast(),
            _ => null_mut(),
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as u64, Relaxed);
        // SAFETY: the memory came from `alloc`.
        unsafe { libc::free(memory.cast()) };
    }
}
