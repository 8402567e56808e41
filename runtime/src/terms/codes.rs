// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Weights of two bits for products of bytes: a code is a weight plus 1.
//!
//! A block has the weights of sixteen inputs and a panel of sixteen columns. Each column has four bytes, and the codes of input
//! `4 * s + i` are at bit `2 * s` of byte `i`: a shift and a mask give the quads that dot products take.
use super::sizes::{PANEL, QUAD};

/// Inputs of a block.
pub const BLOCK: usize = 16;

/// Bytes of a block.
pub const BLOCK_BYTES: usize = PANEL * QUAD;

/// Where the codes of the quads of a block are.
pub const SHIFTS: [u32; BLOCK / QUAD] = [0, 2, 4, 6];

/// The bits of a code.
pub const MASK: u8 = 3;

/// Inputs, rounded up to whole blocks.
#[inline(always)]
pub const fn blocks(inputs: usize) -> usize {
    inputs.div_ceil(BLOCK)
}
