// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of numbers that are quantized as they come.
use super::quant::ROUND;
use super::sizes::QUAD;
use super::window::div_ceil;

/// `y[m, n] = f32((q[m, k] - zero) * (w[k, n] + offset)) * (scale * multiplier[n]) + bias[n]`, where `scale`, `zero` and the
/// bytes `q` follow from all of `x[m, k]`.
///
/// Weights are packed as those of `qconv2d`, or of `qconv2d_dual_one`, a row of the product being a window of one tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DynamicMatMul {
    /// Rows.
    pub m: usize,
    /// Depth.
    pub k: usize,
    /// Columns.
    pub n: usize,
    /// Elements between the rows of `y`.
    pub y_pitch: usize,
    /// Added to all weights.
    pub offset: i32,
    /// As in `QConv2d`.
    pub pairs: bool,
}

impl DynamicMatMul {
    /// The depth, rounded up to a multiple of four.
    #[inline(always)]
    pub const fn depth(&self) -> usize {
        div_ceil(self.k, QUAD) * QUAD
    }

    /// Bytes of scratch.
    pub const fn scratch(&self) -> usize {
        self.m * self.depth()
    }
}

/// Constants of the columns.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// The sum of each one's weights.
    pub sums: &'a [i32],
    /// The scale of each one's weights.
    pub multiplier: &'a [f32],
    /// What is added at the end, or nothing.
    pub bias: &'a [f32],
}

/// The scale of numbers, and the byte that stands for 0.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The distance of neighbouring bytes.
    pub scale: f32,
    /// The zero point.
    pub zero: u8,
}

impl Scale {
    /// Of numbers with a least and a greatest one, 0 among them.
    #[inline(always)]
    pub fn of([least, most]: [f32; 2]) -> Scale {
        let scale = (most - least) / 255.0;
        Scale { scale, zero: byte(0.0 - least / scale) }
    }
}

/// The number rounded to a byte, ties to even; NaN gives 0.
#[inline(always)]
fn byte(v: f32) -> u8 {
    let v = if v > 0.0 { v } else { 0.0 };
    let v = if v < 255.0 { v } else { 255.0 };
    (v + ROUND).to_bits() as u8
}

/// The operands of the columns of one row, for instructions that multiply two pairs of 16-bit numbers.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The bytes of the row, widened: `[quads][2]`, two numbers in a word.
    pub patch: &'a [u32],
    /// Weights `[columns / 4][quads][4][4]`.
    pub w: &'a [i8],
    /// Quads in the depth.
    pub quads: usize,
    /// The columns.
    pub columns: Columns<'a>,
    /// The scale of the row's bytes.
    pub scale: Scale,
    /// What the offset of the weights adds to each sum.
    pub more: i32,
}
