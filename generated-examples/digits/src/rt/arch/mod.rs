// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Instruction sets.
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
pub mod arm;
pub mod floats;
pub mod host;
pub mod isa;
#[cfg(all(target_arch = "aarch64", target_feature = "neon", not(miri)))]
pub mod neon;
pub mod portable;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub mod x86;
