// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Armv7E-M and Armv8-M with an FPU: the DSP extension and single precision.
pub mod bytes;
pub mod dsp;
pub mod dual;
pub mod finish;
pub mod floats;
pub mod fpu;
pub mod lines;
pub mod tiles;
