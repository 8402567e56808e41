//! One function for each promise that code can break, and some that break none.
#![no_std]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::hint::black_box;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Gives memory away and never takes it back.
struct Bump;

static NEXT: AtomicUsize = AtomicUsize::new(0x6000_0000);

unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size().next_multiple_of(64);
        match NEXT.fetch_add(size, Ordering::Relaxed) {
            at if at + size < 0x6010_0000 => at as *mut u8,
            _ => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static HEAP: Bump = Bump;

macro_rules! roots {
    ($($name:ident $body:expr;)*) => {
        $(#[inline(never)]
        #[unsafe(no_mangle)]
        pub fn $name(a: &[u32], b: &mut [u32], i: usize) -> u32 {
            let f: fn(&[u32], &mut [u32], usize) -> u32 = $body;
            f(a, b, i)
        })*

        pub fn all(a: &[u32], b: &mut [u32], i: usize) -> u32 {
            let mut sum = 0u32;
            $(sum = sum.wrapping_add($name(black_box(a), black_box(b), black_box(i)));)*
            sum
        }
    };
}

roots! {
    sound_sum |a, _, _| a.iter().fold(0, |s, x| s.wrapping_add(*x));
    sound_float |a, _, i| ((i as f32) * 1.5 + a.len() as f32) as u32;
    sound_table |a, b, i| match i {
        0 => black_box(7),
        1 => sound_sum(a, b, 2).wrapping_mul(3),
        2 => sound_float(a, b, 4) ^ 5,
        3 => black_box(i as u32) << 3,
        4 => sound_sum(a, b, i) & 9,
        5 => sound_float(a, b, i) | 1,
        6 => black_box(1) ^ 1,
        _ => 5,
    };
    breaks_bounds |a, _, i| a[i];
    breaks_lengths |a, b, i| { b[..2].copy_from_slice(a); i as u32 };
    breaks_unwrap |a, _, _| *a.iter().find(|x| **x > 5).unwrap();
    breaks_division |a, _, i| a.len() as u32 / i as u32;
    breaks_overflow |a, _, i| a.iter().fold(i as u32, |s, x| s + x);
    breaks_allocation |_, _, i| black_box(alloc::boxed::Box::new(i as u32)).wrapping_add(1);
    breaks_float |_, b, i| black_box((i as f64) * black_box(b.len() as f64)) as u32;
    breaks_recursion |a, _, i| ackermann(a.len() as u32, i as u32);
    breaks_indirect |a, _, i| black_box(if i == 0 { sound_sum } else { sound_float })(a, &mut [], i);
    breaks_endless |_, _, i| { while black_box(i) > 3 {} loop { black_box(i); } };
}

#[inline(never)]
fn ackermann(m: u32, n: u32) -> u32 {
    match (m, n) {
        (0, n) => n.wrapping_add(1),
        (m, 0) => ackermann(m - 1, 1),
        (m, n) => ackermann(m - 1, ackermann(m, n - 1)),
    }
}
