// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! One block of memory, and typed views of planned buffers in it, which the compiler proves to be disjoint.
//!
//! Invariants: every byte of an arena is initialised; every view lies inside its arena, is aligned for its element, and
//! a `Write` overlaps no other view of the same call. A plan that breaks this does not compile.
use core::fmt;
use core::marker::PhantomData;
use core::mem::{align_of, size_of};
use core::slice;

/// The alignment of an arena in bytes: a cache line, which is also as wide as the widest vector register.
pub const ALIGN: usize = 64;

/// `BYTES` bytes that hold every buffer of a model.
#[repr(C, align(64))]
pub struct Arena<const BYTES: usize>([u8; BYTES]);

/// A numeric type that a buffer may hold: every bit pattern is a value, and there is no padding.
pub trait Element: Copy + sealed::Element + 'static {}

/// A planned buffer: `LEN` elements of `T` from byte `OFFSET` of the arena.
pub struct Buffer<T, const OFFSET: usize, const LEN: usize>(PhantomData<T>);

/// A view for reading: `&[T; LEN]`.
pub struct Read<B>(PhantomData<B>);

/// A view for writing: `&mut [T; LEN]`.
pub struct Write<B>(PhantomData<B>);

/// Byte ranges of an arena that hold truth values.
pub trait Truths {
    /// The first byte of each range, and one past its last.
    const RANGES: &'static [(usize, usize)];
}

/// An arena after a run, for reading. The ranges of `T` hold zeros and ones.
pub struct Results<'a, T, const BYTES: usize>(&'a Arena<BYTES>, PhantomData<T>);

/// Why memory cannot become an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArenaError {
    /// The slice has `given` bytes, and the arena needs `needed`.
    TooSmall {
        /// Bytes of the arena.
        needed: usize,
        /// Bytes of the slice.
        given: usize,
    },
    /// The first byte is not at a multiple of `ALIGN`.
    Misaligned,
}

use sealed::Range;

mod sealed {
    /// The bytes that a view covers, and whether it writes them.
    #[derive(Clone, Copy)]
    pub struct Range {
        pub start: usize,
        pub end: usize,
        pub align: usize,
        pub written: bool,
    }

    pub trait Element {}

    /// A buffer of bytes.
    pub trait Bytes {
        type Bools: 'static;
    }

    /// A buffer's type and place.
    pub trait Planned {
        type Array: 'static;
        const RANGE: Range;
    }

    pub trait View {
        type Ref<'a>;
        const RANGE: Range;

        /// # Safety
        /// `RANGE` lies inside the memory at `base`, whose bytes are initialised and borrowed for `'a`, exclusively if
        /// the view writes. `base + RANGE.start` is aligned.
        unsafe fn view<'a>(base: *mut u8) -> Self::Ref<'a>;
    }

    pub trait Views {
        type Refs<'a>;
        const RANGES: &'static [Range];

        /// # Safety
        /// The conditions of [`View::view`] hold for each view, and no written range overlaps another.
        unsafe fn views<'a>(base: *mut u8) -> Self::Refs<'a>;
    }
}

/// A [`Buffer`].
pub trait Planned: sealed::Planned {}
/// A [`Buffer`] of bytes.
pub trait Bytes: Planned + sealed::Bytes {}
/// A [`Read`] or a [`Write`] of a [`Buffer`].
pub trait View: sealed::View {}
/// A tuple of one to twelve [`View`]s.
pub trait Views: sealed::Views {}

macro_rules! elements {
    ($($t:ty)+) => { $(
        impl sealed::Element for $t {}
        impl Element for $t {}
    )+ };
}
elements!(f32 f64 i8 i16 i32 i64 u8 u16 u32 u64);

impl<T: Element, const OFFSET: usize, const LEN: usize> sealed::Planned for Buffer<T, OFFSET, LEN> {
    type Array = [T; LEN];
    const RANGE: Range = Range {
        start: OFFSET,
        end: match size_of::<T>().checked_mul(LEN) {
            Some(bytes) => match OFFSET.checked_add(bytes) {
                Some(end) => end,
                None => panic!("the buffer ends beyond the address space"),
            },
            None => panic!("the buffer is larger than the address space"),
        },
        align: align_of::<T>(),
        written: false,
    };
}
impl<T: Element, const OFFSET: usize, const LEN: usize> Planned for Buffer<T, OFFSET, LEN> {}

impl<const OFFSET: usize, const LEN: usize> sealed::Bytes for Buffer<u8, OFFSET, LEN> {
    type Bools = [bool; LEN];
}
impl<const OFFSET: usize, const LEN: usize> Bytes for Buffer<u8, OFFSET, LEN> {}

impl<B: Planned> sealed::View for Read<B> {
    type Ref<'a> = &'a B::Array;
    const RANGE: Range = B::RANGE;

    #[inline(always)]
    unsafe fn view<'a>(base: *mut u8) -> Self::Ref<'a> {
        // SAFETY: the caller's promise; any bit pattern is a value of the elements.
        unsafe { &*base.add(Self::RANGE.start).cast::<B::Array>() }
    }
}
impl<B: Planned> View for Read<B> {}

impl<B: Planned> sealed::View for Write<B> {
    type Ref<'a> = &'a mut B::Array;
    const RANGE: Range = Range { written: true, ..B::RANGE };

    #[inline(always)]
    unsafe fn view<'a>(base: *mut u8) -> Self::Ref<'a> {
        // SAFETY: the caller's promise; any bit pattern is a value of the elements, and they have no padding, so the
        // bytes stay initialised.
        unsafe { &mut *base.add(Self::RANGE.start).cast::<B::Array>() }
    }
}
impl<B: Planned> View for Write<B> {}

macro_rules! views {
    ($($v:ident)+) => {
        impl<$($v: View),+> sealed::Views for ($($v,)+) {
            type Refs<'a> = ($($v::Ref<'a>,)+);
            const RANGES: &'static [Range] = &[$($v::RANGE),+];

            #[inline(always)]
            unsafe fn views<'a>(base: *mut u8) -> Self::Refs<'a> {
                // SAFETY: the caller's promise, for each view.
                unsafe { ($($v::view(base),)+) }
            }
        }
        impl<$($v: View),+> Views for ($($v,)+) {}
    };
}
views!(A);
views!(A B);
views!(A B C);
views!(A B C D);
views!(A B C D E);
views!(A B C D E F);
views!(A B C D E F G);
views!(A B C D E F G H);
views!(A B C D E F G H I);
views!(A B C D E F G H I J);
views!(A B C D E F G H I J K);
views!(A B C D E F G H I J K L);

/// Stops the compilation if a view leaves the arena, is misaligned, or overlaps a written one.
#[inline]
const fn prove(ranges: &[Range], bytes: usize) {
    let mut i = 0;
    while i < ranges.len() {
        let a = ranges[i];
        assert!(a.end <= bytes, "a buffer ends outside the arena");
        assert!(a.start.is_multiple_of(a.align), "a buffer is not aligned for its element");
        let mut j = 0;
        while j < i {
            let b = ranges[j];
            let disjoint = a.end <= b.start || b.end <= a.start;
            assert!(disjoint || !(a.written || b.written), "a written buffer overlaps another");
            j += 1;
        }
        i += 1;
    }
}

impl<const BYTES: usize> Arena<BYTES> {
    /// An arena of zeros; in a `static` it lies in `.bss`.
    pub const fn new() -> Self {
        Arena([0; BYTES])
    }

    /// The arena at the start of `memory`, whose bytes keep their values. `BYTES` must be a multiple of `ALIGN`, which
    /// is checked at compile time, so that an arena has no padding.
    ///
    /// # Errors
    /// If `memory` is shorter than `BYTES` or does not start at a multiple of `ALIGN`.
    pub fn from_slice(memory: &mut [u8]) -> Result<&mut Self, ArenaError> {
        const { assert!(BYTES.is_multiple_of(ALIGN), "the arena is not a multiple of 64 bytes") };
        if memory.len() < BYTES {
            return Err(ArenaError::TooSmall { needed: BYTES, given: memory.len() });
        }
        let arena = memory.as_mut_ptr().cast::<Self>();
        if !arena.is_aligned() {
            return Err(ArenaError::Misaligned);
        }
        // SAFETY: `arena` is aligned and at least `size_of::<Self>() == BYTES` bytes long, all initialised and borrowed
        // exclusively for as long as the result; an arena has no padding that could become uninitialised.
        Ok(unsafe { &mut *arena })
    }

    /// A buffer for reading.
    #[inline(always)]
    pub fn get<B: Planned>(&self) -> &B::Array {
        const { prove(&[B::RANGE], BYTES) };
        // SAFETY: the range is inside and aligned, as just proved (no element needs more than the arena's own
        // alignment); the view only reads, and borrows the arena.
        unsafe { <Read<B> as sealed::View>::view(self.0.as_ptr().cast_mut()) }
    }

    /// A buffer for writing.
    #[inline(always)]
    pub fn get_mut<B: Planned>(&mut self) -> &mut B::Array {
        const { prove(&[B::RANGE], BYTES) };
        // SAFETY: as for `get`, and the arena is borrowed exclusively.
        unsafe { <Write<B> as sealed::View>::view(self.0.as_mut_ptr()) }
    }

    /// Several buffers at once, `arena.views::<(Read<A>, Write<B>)>()`: a tuple of references in the same order.
    #[inline(always)]
    pub fn views<V: Views>(&mut self) -> V::Refs<'_> {
        const { prove(V::RANGES, BYTES) };
        // SAFETY: each range is inside and aligned, and no written one overlaps another, as just proved; the arena is
        // borrowed exclusively for as long as the views.
        unsafe { V::views(self.0.as_mut_ptr()) }
    }

    /// The arena for reading, after the bytes of `T` were made truth values as by `as_bools`.
    #[inline]
    pub fn results<T: Truths>(&mut self) -> Results<'_, T, BYTES> {
        for &(start, end) in T::RANGES {
            as_bools(self.0.get_mut(start..end).unwrap_or(&mut []));
        }
        Results(self, PhantomData)
    }

    /// All bytes.
    pub const fn bytes_mut(&mut self) -> &mut [u8; BYTES] {
        &mut self.0
    }
}

impl<'a, T: Truths, const BYTES: usize> Results<'a, T, BYTES> {
    /// A buffer for reading.
    #[inline(always)]
    pub fn get<B: Planned>(&self) -> &'a B::Array {
        self.0.get::<B>()
    }

    /// A buffer of truth values, which lies in range `NTH` of `T`.
    #[inline(always)]
    pub fn bools<B: Bytes, const NTH: usize>(&self) -> &'a B::Bools {
        const {
            prove(&[B::RANGE], BYTES);
            let (start, end) = T::RANGES[NTH];
            assert!(start <= B::RANGE.start && B::RANGE.end <= end && end <= BYTES, "not all bytes are truth values");
        }
        // SAFETY: the range lies inside the borrowed arena, and inside a range that `results` has processed: every byte
        // of it is 0 or 1, and none can have been written since. `bool` has the size and alignment of `u8`.
        unsafe { &*self.0.0.as_ptr().add(B::RANGE.start).cast::<B::Bools>() }
    }
}

impl<const BYTES: usize> fmt::Debug for Arena<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("bytes", &BYTES).finish_non_exhaustive()
    }
}

impl<const BYTES: usize> Default for Arena<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for ArenaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArenaError::TooSmall { needed, given } => {
                write!(f, "the arena needs {needed} bytes, the slice has {given}")
            }
            ArenaError::Misaligned => write!(f, "the arena must start at a multiple of {ALIGN} bytes"),
        }
    }
}

impl core::error::Error for ArenaError {}

/// Truth values from bytes. Each byte is first set to 0 or 1; anything but 0 is true.
#[inline]
pub fn as_bools(bytes: &mut [u8]) -> &[bool] {
    for byte in &mut *bytes {
        *byte = u8::from(*byte != 0);
    }
    // SAFETY: `bool` has the size and alignment of `u8`, and every byte is 0 or 1.
    unsafe { slice::from_raw_parts(bytes.as_ptr().cast::<bool>(), bytes.len()) }
}

/// [`as_bools`] for an array.
#[inline]
pub fn as_bool_array<const LEN: usize>(bytes: &mut [u8; LEN]) -> &[bool; LEN] {
    let bools = as_bools(bytes);
    // SAFETY: `bools` has `LEN` elements.
    unsafe { &*bools.as_ptr().cast::<[bool; LEN]>() }
}

/// Truth values as bytes 0 and 1.
#[inline]
pub const fn bools_as_bytes(bools: &[bool]) -> &[u8] {
    // SAFETY: `bool` has the size and alignment of `u8` and is initialised.
    unsafe { slice::from_raw_parts(bools.as_ptr().cast::<u8>(), bools.len()) }
}

/// An aligned piece of memory, for arenas on a heap.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Block([u8; ALIGN]);

impl Block {
    /// A block of zeros.
    pub const ZERO: Self = Block([0; ALIGN]);
}

impl<const BYTES: usize> Arena<BYTES> {
    /// The arena at the start of `blocks`, whose bytes keep their values.
    ///
    /// # Panics
    /// If there are fewer than `BYTES / ALIGN` blocks.
    pub fn from_blocks(blocks: &mut [Block]) -> &mut Self {
        const { assert!(BYTES.is_multiple_of(ALIGN), "the arena is not a multiple of 64 bytes") };
        assert!(blocks.len() >= BYTES / ALIGN, "there are too few blocks");
        // SAFETY: the blocks are aligned, at least `BYTES` bytes long, all initialised, without padding, and borrowed
        // exclusively for as long as the result.
        unsafe { &mut *blocks.as_mut_ptr().cast::<Self>() }
    }
}
