// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Matrix products with constant weights of -1, 0 and 1 times a scale.
use super::epilogue::{Epilogue, Residual};
use super::fives::{Table, WordTable};

/// `y[m, n] = epilogue(sum(x[m, k] * w[k, n]) * (rows[m] * scale[n]) + bias[n])`, the last by one multiply-add.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TernaryMatMul {
    /// Rows of `x` and `y`.
    pub m: usize,
    /// Columns of `x`, rows of `w`.
    pub k: usize,
    /// Columns of `w` and `y`.
    pub n: usize,
    /// Elements between the starts of neighbouring rows of `y`.
    pub y_pitch: usize,
    /// What is done with the finished sums.
    pub epilogue: Epilogue,
}

/// Tables of sums of bytes: of so many groups of inputs at once.
pub const TABLES: usize = 4;

/// Columns from which on a table of all sums of five inputs, 252 additions, takes less time than to add two partial sums for each column.
const TABLE_COLUMNS: usize = 40;

impl TernaryMatMul {
    /// Whether the sums of five inputs are in a table.
    pub const fn has_table(&self) -> bool {
        self.n >= TABLE_COLUMNS
    }

    /// Elements of scratch of a product of floats: the table, and the sums of a row where the result holds a residual.
    pub const fn scratch(&self) -> usize {
        let table = if self.has_table() { size_of::<Table>() / size_of::<f32>() } else { 0 };
        let sums = match self.epilogue.residual {
            Residual::None => 0,
            Residual::Accumulate => self.n,
        };
        table + sums
    }

    /// Words of the tables of a product of bytes; beside them it needs the sums of a row.
    pub const fn tables(&self) -> usize {
        if self.has_table() { TABLES * size_of::<WordTable>() / size_of::<u32>() } else { 0 }
    }
}

/// What sums are multiplied by, and what is added.
#[derive(Clone, Copy, Debug)]
pub struct Scales<'a> {
    /// Of the weights: one number, or one for each column.
    pub scale: &'a [f32],
    /// Of the inputs: one number for each row, or nothing.
    pub rows: &'a [f32],
    /// What is added to each column, or nothing.
    pub bias: &'a [f32],
}

/// A row of inputs.
#[inline(always)]
pub fn inputs<'a, T>(p: &TernaryMatMul, x: &'a [T], row: usize) -> &'a [T] {
    x.get(row * p.k..).and_then(|x| x.get(..p.k)).unwrap_or(&[])
}

/// A row of results.
#[inline(always)]
pub fn results<'a>(p: &TernaryMatMul, y: &'a mut [f32], row: usize) -> &'a mut [f32] {
    y.get_mut(row * p.y_pitch..).and_then(|y| y.get_mut(..p.n)).unwrap_or(&mut [])
}
