//! The official ONNX operator cases: imported, run, compared with the outputs that came with them.
//!
//! A case counts only where all its inputs and outputs are tensors of static shape and of a numeric type or bool. What
//! runs the imported graph is a [`Runner`]: the naive reference, or the planned program. A panic is a bug whatever the case.

mod attempt;
mod case;
mod compare;
mod expected;
mod report;

use zantc::ir::{Graph, Tensor};

use crate::cases;

pub use case::Case;
pub use expected::{Complaint, Expected};
pub use report::Report;

/// Runs a graph on the values of its inputs, in order, and gives those of its outputs.
pub type Runner<'a> = dyn Fn(&Graph, &[Tensor]) -> Result<Vec<Tensor>, String> + 'a;

/// Which inputs of a case the import took as constants, because a static compiler must know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Constants {
    /// None.
    None,
    /// The integer inputs of rank 0 and 1: shapes, axes, bounds.
    SmallIntegers,
    /// All but the first.
    AllButFirst,
    /// All: the import computes the outputs.
    All,
}

impl Constants {
    /// From the strictest reading to the most lenient.
    pub const ALL: [Constants; 4] = [Constants::None, Constants::SmallIntegers, Constants::AllButFirst, Constants::All];
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The outputs are the expected ones.
    Pass(Constants),
    /// The outputs are other ones; where and how.
    Differ(String),
    /// The import refused the model.
    Refused {
        /// The diagnostic's code.
        code: &'static str,
        /// Its message.
        message: String,
    },
    /// The graph was imported but not run, or the case could not be read.
    Error(String),
    /// A bug.
    Panic(String),
}

impl Outcome {
    /// The outcome in one word, the first of its line in `expected_failures.txt`.
    pub const fn word(&self) -> &'static str {
        match self {
            Outcome::Pass(_) => "passes",
            Outcome::Differ(_) => "differs",
            Outcome::Refused { .. } => "refused",
            Outcome::Error(_) => "error",
            Outcome::Panic(_) => "panics",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Pass(_) => f.write_str(self.word()),
            Outcome::Differ(why) | Outcome::Error(why) | Outcome::Panic(why) => write!(f, "{}: {why}", self.word()),
            Outcome::Refused { code, message } => write!(f, "{}: {code} {message}", self.word()),
        }
    }
}

/// Runs all eligible ones of some cases; `progress` hears of each (done, of how many).
pub fn run(cases: &[cases::Case], runner: &Runner<'_>, progress: &mut dyn FnMut(usize, usize)) -> Report {
    let mut report = Report::default();
    for (i, place) in cases.iter().enumerate() {
        progress(i, cases.len());
        match case::read(place) {
            Ok(Some(case)) => {
                let outcome = attempt::attempt(&case, runner);
                report.add(&case, outcome);
            }
            Ok(None) => report.ineligible += 1,
            Err(why) => report.unreadable.push(format!("{}: {why}", place.name)),
        }
    }
    report
}
