// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters of matrix products with strided operands.
use super::epilogue::Epilogue;

/// The layout of an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strides {
    /// Elements between neighbours along each batch dimension; 0 for broadcast ones.
    pub batch: [usize; 3],
    /// Elements between neighbouring rows.
    pub row: usize,
    /// Elements between neighbouring columns.
    pub col: usize,
}

/// `y[batch, m, n] = epilogue(bias + a[batch, m, k] * b[batch, k, n])`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatMul {
    /// Batch dimensions, outermost first; 1 for missing ones.
    pub batch: [usize; 3],
    /// Rows of `a` and `y`.
    pub m: usize,
    /// Columns of `a`, rows of `b`.
    pub k: usize,
    /// Columns of `b` and `y`.
    pub n: usize,
    /// The layout of `a`.
    pub a: Strides,
    /// The layout of `b`.
    pub b: Strides,
    /// The layout of `y`.
    pub y: Strides,
    /// What is done with the finished sums; integer products ignore it.
    pub epilogue: Epilogue,
}

impl Strides {
    /// The offset of a batch's matrix.
    #[inline(always)]
    pub const fn matrix(&self, batch: [usize; 3]) -> usize {
        batch[0] * self.batch[0] + batch[1] * self.batch[1] + batch[2] * self.batch[2]
    }

    /// One past the last element of an operand of this shape.
    pub const fn end(&self, batch: [usize; 3], rows: usize, columns: usize) -> usize {
        if batch[0] * batch[1] * batch[2] * rows * columns == 0 {
            return 0;
        }
        let last = self.matrix([batch[0] - 1, batch[1] - 1, batch[2] - 1]);
        last + (rows - 1) * self.row + (columns - 1) * self.col + 1
    }
}
