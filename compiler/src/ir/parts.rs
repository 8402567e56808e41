//! What operators are made of: windows, epilogues, index maps.

use super::Scalar;

/// Height and width of something, in that order.
pub type Hw = [usize; 2];

/// How a window moves over a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Taps of the window.
    pub kernel: Hw,
    /// Steps between windows.
    pub stride: Hw,
    /// Steps between taps.
    pub dilation: Hw,
    /// Padding before the first row and column.
    pub pad_begin: Hw,
    /// Padding after the last row and column.
    pub pad_end: Hw,
}

impl Window {
    /// A window of one tap that moves from pixel to pixel.
    pub const fn unit() -> Window {
        Window { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pad_begin: [0; 2], pad_end: [0; 2] }
    }

    /// Number of windows over a map of `input` rows or columns, along `axis` (0 height, 1 width); `None` where none fits.
    pub fn output_len(&self, axis: usize, input: usize) -> Option<usize> {
        let span = self.kernel[axis].checked_sub(1)?.checked_mul(self.dilation[axis])?.checked_add(1)?;
        let padded = input.checked_add(self.pad_begin[axis])?.checked_add(self.pad_end[axis])?;
        Some(padded.checked_sub(span)?.checked_div(self.stride[axis])? + 1)
    }

    /// A window of one tap that moves by one: every position once.
    pub fn is_pointwise(&self) -> bool {
        *self == Window { kernel: [1, 1], stride: [1, 1], dilation: self.dilation, pad_begin: [0, 0], pad_end: [0, 0] }
    }
}

/// What follows a sum before it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `min(max(x, lo), hi)`; a ReLU is 0 to infinity.
    Clamp {
        /// Lower bound.
        lo: f32,
        /// Upper bound.
        hi: f32,
    },
    /// `x < 0 ? x * alpha : x`.
    Leaky {
        /// Slope below zero.
        alpha: f32,
    },
}

/// What is done to the sums of a convolution or matrix product: bias, then residual, then activation.
///
/// The sum starts from the bias; the residual is added to the finished sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Epilogue {
    /// Whether a bias operand is there (one value per output channel or column).
    pub bias: bool,
    /// Whether a residual operand is there (the shape of the result).
    pub residual: bool,
    /// Applied last.
    pub activation: Activation,
}

/// What a pool computes of each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest value; padding does not take part; NaN propagates. A window of padding alone gives the least value of the type.
    Max,
    /// The sum from +0 in (row, column) order divided by the number of taps; padding adds nothing. Floats alone.
    Average {
        /// Whether padded taps count in the divisor.
        count_include_pad: bool,
    },
}

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ReduceKind {
    Sum,
    Prod,
    Max,
    Min,
}

/// How a scattered value meets the one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ScatterKind {
    Replace,
    Add,
    Mul,
    Max,
    Min,
}

/// Index maps: the result holds elements of the operand at other places, and perhaps a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// The same elements under another shape. Moves nothing.
    Reshape {
        /// Shape of the result.
        shape: Vec<usize>,
    },
    /// Dimension `i` of the result is dimension `perm[i]` of the operand.
    Transpose {
        /// A permutation of the dimensions.
        perm: Vec<usize>,
    },
    /// Per dimension `len` elements from `start`, `step` apart (negative: backwards).
    Slice {
        /// First index per dimension.
        start: Vec<usize>,
        /// Distance per dimension, not 0.
        step: Vec<isize>,
        /// Shape of the result.
        len: Vec<usize>,
    },
    /// Broadcast to a shape by numpy's rules.
    Expand {
        /// Shape of the result.
        shape: Vec<usize>,
    },
    /// The operand within a border of one value.
    Pad {
        /// Elements before, per dimension.
        before: Vec<usize>,
        /// Elements after, per dimension.
        after: Vec<usize>,
        /// The value, of the operand's type.
        value: Scalar,
    },
}
