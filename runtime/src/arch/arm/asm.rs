// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Lays out assembly. Everywhere in this folder each instruction and each label has a line, and each loop a table of its
//! registers. A branch to `20b` goes backward to the label 20, one to `20f` forward.

/// Joins instructions to one text, a line for each.
macro_rules! block {
    ($($line:expr),* $(,)?) => { concat!($($line, "\n"),*) };
}
pub(super) use block;
