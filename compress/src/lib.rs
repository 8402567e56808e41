//! Accuracy of models on real data: examples with labels as people have them, metrics, and an evaluation on all cores with the very
//! kernels that are emitted.
//!
//! [`data::Data`] reads examples, [`evaluate`] asks a compiled model about them, [`Metric`] says what is measured.
#![forbid(unsafe_code)]

pub mod data;
mod evaluate;
pub mod gram;
pub mod layer;
pub mod linalg;
pub mod method;
mod metric;
pub mod net;
pub mod probe;
pub mod prune;

pub use evaluate::{Evaluation, evaluate};
pub use metric::{Metric, Score};

use zantc::diag::{Diagnostic, codes};

/// What a fallible operation gives, or all that is wrong.
pub type Outcome<T> = Result<T, Vec<Diagnostic>>;

/// A fault of the data.
fn bad(message: impl Into<String>) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::BAD_DATA, message)]
}

/// A fault of the data, with a way out.
fn bad_but(message: impl Into<String>, help: impl Into<String>) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::BAD_DATA, message).help(help)]
}
