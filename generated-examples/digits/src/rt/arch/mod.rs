// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The instruction sets.
pub mod arm_tiles;
pub mod avx512;
pub mod avx512_channels;
pub mod columns;
pub mod dots;
pub mod fpu;
pub mod host;
pub mod isa;
pub mod portable;
pub mod products;
pub mod quad;
pub mod quads;
pub mod quads_avx2;
pub mod taps;
pub mod taps_vnni;
pub mod vnni;
pub mod wide;
pub mod x86_64;
