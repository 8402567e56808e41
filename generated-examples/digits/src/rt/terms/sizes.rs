// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Sizes that weight layouts, loops and kernels share.

/// Lanes of a vector of `f32`.
pub const LANES: usize = 8;

/// Columns, or output channels, of a panel of weights: two vectors.
pub const PANEL: usize = 2 * LANES;
