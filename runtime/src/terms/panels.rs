// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters of a product of one row and all panels of a matrix, for small code.

/// `y = start + x * w`.
#[derive(Debug)]
pub struct Panels<'a> {
    /// The row.
    pub x: &'a [f32],
    /// The weights: panels of sixteen columns, `[depth][16]`, the last one as narrow as what is left.
    pub w: &'a [f32],
    /// What the sums start from; if none, from the output.
    pub bias: Option<&'a [f32]>,
    /// The outputs, one for each column.
    pub y: &'a mut [f32],
}
