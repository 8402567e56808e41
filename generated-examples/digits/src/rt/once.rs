// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Memory in statics that is lent once, for ever.
#![cfg(target_has_atomic = "8")]
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// Memory in a `static` that a [`Taken`] lends. It may lie in a section that start-up code does not clear.
#[repr(transparent)]
#[derive(Debug)]
pub struct Place<T>(UnsafeCell<T>);

// SAFETY: the memory is reached only through `Taken::lend`, whose caller promises that there is one reference; with
// `T: Send` any thread may have it.
unsafe impl<T: Send> Sync for Place<T> {}

impl<T> Place<T> {
    /// Memory that holds `value`, if its section is loaded or cleared at the start.
    pub const fn new(value: T) -> Self {
        Place(UnsafeCell::new(value))
    }
}

/// Whether a [`Place`] has been lent. It lies in `.bss`, so it is false after every reset.
#[derive(Debug)]
pub struct Taken(AtomicBool);

impl Default for Taken {
    fn default() -> Self {
        Self::new()
    }
}

impl Taken {
    /// Nothing has been lent.
    pub const fn new() -> Self {
        Taken(AtomicBool::new(false))
    }

    /// The memory of the place, the first time; `None` afterwards.
    ///
    /// # Safety
    /// No other `Taken` lends this place, and the bytes that it holds when the program starts are a value of `T`.
    #[allow(clippy::mut_from_ref, reason = "only the first call gives a reference")]
    pub unsafe fn lend<'a, T>(&self, place: &'a Place<T>) -> Option<&'a mut T> {
        if self.0.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: only the first caller gets here, and no other flag lends the place, so the reference is unique.
        Some(unsafe { &mut *place.0.get() })
    }
}

/// A value in a `static` that is lent once, for ever.
#[derive(Debug)]
pub struct Once<T> {
    taken: Taken,
    value: Place<T>,
}

impl<T> Once<T> {
    /// Holds `value` until it is taken.
    pub const fn new(value: T) -> Self {
        Once { taken: Taken::new(), value: Place::new(value) }
    }

    /// The value, the first time; `None` afterwards.
    #[allow(clippy::mut_from_ref, reason = "only the first call gives a reference")]
    pub fn take(&'static self) -> Option<&'static mut T> {
        // SAFETY: the flag and the value belong together, and the value was made by `new`.
        unsafe { self.taken.lend(&self.value) }
    }
}
