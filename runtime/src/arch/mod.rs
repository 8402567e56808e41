// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Instruction sets. [`isa::Isa`] is the interface for all kernels; `floats`, `bytes` and `dual` add loops for
//! products. Each family has a folder. [`host::Host`] chooses an instruction set in the first run.
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
pub mod arm;
pub mod byte;
pub mod bytes;
pub mod compact;
pub mod dual;
pub mod floats;
pub mod forward;
pub mod host;
pub mod isa;
pub mod portable;
pub mod portable_bytes;
pub mod room;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub mod x86;
