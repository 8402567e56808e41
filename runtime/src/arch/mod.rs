// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Instruction sets: one trait ([`isa::Isa`]) with one more for products of floats and one for bytes, one folder per family, one choice in the first run ([`host::Host`]).
#[cfg(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))]
pub mod arm;
pub mod byte;
pub mod bytes;
pub mod coded;
pub mod codes;
pub mod compact;
pub mod dual;
pub mod dynamic;
pub mod fives;
pub mod floats;
pub mod forward;
pub mod host;
pub mod isa;
pub mod narrow;
#[cfg(all(target_arch = "aarch64", target_feature = "neon", not(miri)))]
pub mod neon;
pub mod portable;
pub mod portable_bytes;
pub mod room;
pub mod unpack;
pub mod words;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub mod x86;
