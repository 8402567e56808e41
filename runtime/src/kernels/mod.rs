// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The kernels, one operator family per file.
pub mod arg;
pub mod copy;
pub mod cumulative;
pub mod gather;
pub mod index;
pub mod map;
pub mod number;
pub mod scatter;
pub mod topk;
