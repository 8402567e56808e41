// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Armv7E-M and Armv8-M with an FPU: the DSP extension and single precision.
pub mod asm;
pub mod byte_fives;
pub mod bytes;
pub mod coded;
pub mod copy;
pub mod cpu;
pub mod dsp;
pub mod dual;
pub mod dynamic;
pub mod finish;
pub mod fives;
pub mod floats;
pub mod fpu;
pub mod lines;
pub mod products;
pub mod quad;
pub mod residual;
pub mod scores;
pub mod spread;
pub mod tile_loops;
pub mod tiles;
pub mod unpack;
pub mod widen;
pub mod words;
