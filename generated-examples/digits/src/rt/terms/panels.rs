// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! The parameters of a product of one row and all panels of a matrix, for small code.

use super::epilogue::Plan;

/// `y = bounds(start + x * w)`.
#[derive(Debug)]
pub struct Panels<'a> {
    /// The row.
    pub x: &'a [f32],
    /// The weights: panels of sixteen columns, `[depth][16]`, the last one as narrow as what is left.
    pub w: &'a [f32],
    /// What the sums start from, 0 where it is empty; if none, from the output.
    pub bias: Option<&'a [f32]>,
    /// The epilogue: the residual is added if it is in the output, then the bounds are applied.
    pub plan: Plan,
    /// The outputs, one for each column.
    pub y: &'a mut [f32],
}
