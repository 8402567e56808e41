// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Instruction sets: one trait ([`isa::Isa`]), one file per set, one choice in the first run ([`host::Host`]).
pub mod arm_bytes;
pub mod arm_dual;
pub mod arm_lines;
pub mod arm_tiles;
pub mod avx512;
pub mod avx512_channels;
pub mod channels;
pub mod columns;
pub mod compact;
pub mod dots;
pub mod dual;
pub mod fpu;
pub mod host;
pub mod isa;
pub mod lines;
pub mod portable;
pub mod products;
pub mod quad;
pub mod quads;
pub mod quads_avx2;
pub mod room;
pub mod taps;
pub mod taps_vnni;
pub mod vnni;
pub mod wide;
pub mod x86_64;
