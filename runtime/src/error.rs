// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Why a run may fail: data that no compiler can foresee.

/// What was wrong with the data of a run. The outputs hold unspecified values then, and the model may be run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataError {
    /// A run-time index lies outside the dimension that it points into.
    IndexOutOfRange,
    /// An integer was divided by zero.
    DivisionByZero,
}

impl core::fmt::Display for DataError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            DataError::IndexOutOfRange => "an index is outside the dimension it points into",
            DataError::DivisionByZero => "an integer was divided by zero",
        })
    }
}

impl core::error::Error for DataError {}
