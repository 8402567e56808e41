// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! `Host`: this machine's CPU, with the best instruction set that it was found to have. `Narrow`: the same for small
//! code, without the AVX-512 loops for floats and bytes.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub use super::portable::{Portable as Host, Portable as Narrow};
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub use super::x86::host::{Host, Narrow};
