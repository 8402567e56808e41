//! The kernels that `zantc` copies into the crates it emits.
//!
//! Files name each other only by relative paths, and every `mod.rs` holds only `pub mod` lines (`math` also names its
//! functions, for callers outside). So every subset of the files that is closed under the `needs` of `sources` builds
//! inside another crate.
#![no_std]

pub mod arch;
pub mod arena;
pub mod error;
pub mod kernels;
pub mod loops;
pub mod math;
pub mod once;
#[cfg(any(feature = "sources", test))]
pub mod sources;
pub mod stepping;
pub mod terms;

#[cfg(test)]
extern crate std;

/// Plans that must not compile, each next to one that does.
/// ```
/// use zant_runtime::arena::{Arena, Buffer, Read, Write};
/// let mut arena = Arena::<64>::new();
/// arena.views::<(Read<Buffer<f32, 0, 8>>, Write<Buffer<f32, 32, 8>>)>();
/// arena.views::<(Read<Buffer<f32, 0, 8>>, Read<Buffer<f32, 16, 8>>)>();
/// ```
/// Overlapping buffers, one of them written:
/// ```compile_fail
/// use zant_runtime::arena::{Arena, Buffer, Read, Write};
/// let mut arena = Arena::<64>::new();
/// arena.views::<(Read<Buffer<f32, 0, 8>>, Write<Buffer<f32, 28, 8>>)>();
/// ```
/// ```compile_fail
/// use zant_runtime::arena::{Arena, Buffer, Read, Write};
/// let mut arena = Arena::<64>::new();
/// arena.views::<(Write<Buffer<f32, 4, 8>>, Read<Buffer<f32, 0, 8>>)>();
/// ```
/// A buffer beyond the end:
/// ```compile_fail
/// use zant_runtime::arena::{Arena, Buffer};
/// Arena::<64>::new().get::<Buffer<f32, 36, 8>>();
/// ```
/// A buffer that is not aligned for its element:
/// ```compile_fail
/// use zant_runtime::arena::{Arena, Buffer};
/// Arena::<64>::new().get_mut::<Buffer<f32, 2, 8>>();
/// ```
/// A buffer larger than the address space:
/// ```compile_fail
/// use zant_runtime::arena::{Arena, Buffer};
/// Arena::<64>::new().get::<Buffer<f32, 0, { usize::MAX / 2 }>>();
/// ```
/// Memory for an arena that would have padding:
/// ```compile_fail
/// use zant_runtime::arena::Arena;
/// Arena::<65>::from_slice(&mut [0; 256]).ok();
/// ```
#[cfg(doctest)]
mod plans {}
