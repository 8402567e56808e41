// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! x86-64: AVX2, AVX-512, VNNI.
pub mod avx2;
pub mod avx2_fives;
pub mod avx2_quads;
pub mod avx512;
pub mod avx512_windows;
pub mod bytes;
pub mod coded;
pub mod codes;
pub mod fives;
pub mod floats;
pub mod found;
pub mod host;
pub mod unpack;
pub mod vnni;
pub mod vnni_lanes;
pub mod words;
