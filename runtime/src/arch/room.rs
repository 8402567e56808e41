// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Bytes on the stack. Only those that are used are cleared.
use core::mem::MaybeUninit;
use core::slice;

/// Room for `N` bytes.
#[derive(Debug)]
pub struct Room<const N: usize>(MaybeUninit<[u8; N]>);

impl<const N: usize> Room<N> {
    /// Uninitialized room.
    #[inline(always)]
    pub const fn new() -> Self {
        Room(MaybeUninit::uninit())
    }

    /// Clears and lends the first `len` bytes, or all if there are fewer.
    #[inline(always)]
    pub fn cleared(&mut self, len: usize) -> &mut [u8] {
        let len = if len < N { len } else { N };
        let first: *mut u8 = self.0.as_mut_ptr().cast();
        // SAFETY: there are `len` bytes, and they are written before they are lent.
        unsafe {
            first.write_bytes(0, len);
            slice::from_raw_parts_mut(first, len)
        }
    }
}

impl<const N: usize> Default for Room<N> {
    fn default() -> Self {
        Self::new()
    }
}
