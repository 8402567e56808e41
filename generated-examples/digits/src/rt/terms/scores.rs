// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Products of one row with columns that are dense: the scores of an attention of one token.

/// To each element of `y` the products of `x` with one column are added: `y[j] += x[k] * w[j * pitch + k]`, `k` ascending.
#[derive(Debug)]
pub struct Scores<'a> {
    /// The row.
    pub x: &'a [f32],
    /// The columns, each of as many elements as the row.
    pub w: &'a [f32],
    /// From a column to the next.
    pub pitch: usize,
    /// The sums, one for each column.
    pub y: &'a mut [f32],
}
