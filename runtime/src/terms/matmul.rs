// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters of matrix products of operands that lie by strides.
use super::epilogue::Epilogue;

/// Where the elements of an operand lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strides {
    /// Elements between neighbours along each batch dimension; 0 where the operand is broadcast.
    pub batch: [usize; 3],
    /// Elements between neighbouring rows.
    pub row: usize,
    /// Elements between neighbouring columns.
    pub col: usize,
}

/// `y[batch, m, n] = epilogue(bias + a[batch, m, k] * b[batch, k, n])`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatMul {
    /// Batch dimensions, outermost first; 1 where there are fewer.
    pub batch: [usize; 3],
    /// Rows of `a` and `y`.
    pub m: usize,
    /// Columns of `a`, rows of `b`.
    pub k: usize,
    /// Columns of `b` and `y`.
    pub n: usize,
    /// Where `a` lies.
    pub a: Strides,
    /// Where `b` lies.
    pub b: Strides,
    /// Where `y` lies.
    pub y: Strides,
    /// What is done with the sums. Integer products have none.
    pub epilogue: Epilogue,
}

impl Strides {
    /// Where the matrix of a batch begins.
    #[inline(always)]
    pub const fn matrix(&self, batch: [usize; 3]) -> usize {
        batch[0] * self.batch[0] + batch[1] * self.batch[1] + batch[2] * self.batch[2]
    }

    /// One past the last element of an operand.
    pub const fn end(&self, batch: [usize; 3], rows: usize, columns: usize) -> usize {
        if batch[0] * batch[1] * batch[2] * rows * columns == 0 {
            return 0;
        }
        let last = self.matrix([batch[0] - 1, batch[1] - 1, batch[2] - 1]);
        last + (rows - 1) * self.row + (columns - 1) * self.col + 1
    }
}
