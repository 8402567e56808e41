// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `Host`: the CPU that the code runs on, with the best instruction set that it was found to have.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub use super::portable::Portable as Host;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub use super::x86::host::Host;
