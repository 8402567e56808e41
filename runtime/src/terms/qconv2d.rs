// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters of quantized convolutions and matrix products.
use super::conv2d::Conv2d;
use super::dots::Scaling;
use super::quant::Finish;

/// A quantized convolution. A matrix product is one of a map of one row, by a kernel of one tap.
///
/// The depth is in the order of kernel row, kernel column, input channel, where each kernel row is filled up to a multiple
/// of four by weights of 0. Weights are packed group by group in panels of 16 output channels, `[depth / 4][16][4]`; the last
/// panel has eight if no more are left, and is filled up with zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QConv2d {
    /// The maps and the window.
    pub map: Conv2d,
    /// The input byte that stands for 0.
    pub zero: i32,
    /// Whether the absolute values of the first two weights of every four add up to at most 128, and those of the last two:
    /// their products with unsigned bytes then fit 16 bits.
    pub pairs: bool,
    /// How sums become bytes.
    pub finish: Finish,
}

impl QConv2d {
    /// A convolution from its parts.
    pub const fn new(map: Conv2d, zero: i32, finish: Finish) -> Self {
        QConv2d { map, zero, pairs: false, finish }
    }

    /// The same with weights whose products fit 16 bits in pairs.
    pub const fn pairs(self) -> Self {
        QConv2d { pairs: true, ..self }
    }

    /// The bounds of the sums' bytes, and their zero point, for the channels that the slices begin with.
    #[inline(always)]
    pub fn scaling<'a>(&self, bias: &'a [i32], multiplier: &'a [f32]) -> Scaling<'a> {
        Scaling { bias, multiplier, bounds: self.finish.bounds(), zero: self.finish.range.zero }
    }
}
