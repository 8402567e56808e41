//! Accuracy of models on real data: examples with labels as people have them, metrics, and an evaluation on all cores with the very
//! kernels that are emitted.
//!
//! [`data::Data`] reads examples, [`evaluate`] asks a compiled model about them, [`Metric`] says what is measured.
#![forbid(unsafe_code)]

mod count;
pub mod data;
mod evaluate;
pub mod fit;
pub mod gram;
pub mod layer;
pub mod linalg;
pub mod method;
mod metric;
pub mod net;
pub mod part;
pub mod probe;
pub mod prune;
pub mod quantize;
mod ternary;

pub use count::parameters;
pub use evaluate::{Evaluation, check, evaluate};
pub use metric::{Metric, Score};
pub use ternary::ternarize;

use std::num::NonZeroUsize;

use zantc::diag::{Diagnostic, codes};

/// What a fallible operation gives, or all that is wrong.
pub type Outcome<T> = Result<T, Vec<Diagnostic>>;

/// Runs what computes here on so many threads; where none is said, on all cores. They change no bit of the result.
///
/// # Errors
/// Those of the work; the system has no more threads.
pub fn on_threads<T: Send>(threads: Option<NonZeroUsize>, work: impl FnOnce() -> Outcome<T> + Send) -> Outcome<T> {
    let Some(threads) = threads else { return work() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build();
    pool.map_err(|e| vec![Diagnostic::error(codes::RUN_FAILED, format!("no {threads} threads: {e}"))])?.install(work)
}

/// A fault of the data.
fn bad(message: impl Into<String>) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::BAD_DATA, message)]
}

/// A fault of the data, with a way out.
fn bad_but(message: impl Into<String>, help: impl Into<String>) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::BAD_DATA, message).help(help)]
}
