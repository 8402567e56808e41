// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0
//! Errors of a run, caused by its data.

/// What was wrong with the data of a run. The outputs then hold unspecified values, and the model may run again.
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
