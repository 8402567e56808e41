// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `Narrow`: the CPU that the code runs on, for small code. It has no loops for larger vectors than kernels are written for, since
//! each instruction set is code of its own.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub use super::portable::Portable as Narrow;

/// The CPU with loops for AVX2 and for nothing larger.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub type Narrow<N> = super::x86::host::Host<N, false>;
