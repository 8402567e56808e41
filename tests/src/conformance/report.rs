//! What became of all cases: per operator, in total, and for the types that microcontrollers use.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Case, Constants, Outcome};

/// How many cases ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    /// By [`Constants`].
    pass: [usize; 4],
    differ: usize,
    refused: usize,
    error: usize,
    panic: usize,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Pass(constants) => &mut self.pass[*constants as usize],
            Outcome::Differ(_) => &mut self.differ,
            Outcome::Refused { .. } => &mut self.refused,
            Outcome::Error(_) => &mut self.error,
            Outcome::Panic(_) => &mut self.panic,
        } += 1;
    }

    fn passed(&self) -> usize {
        self.pass.iter().sum()
    }

    fn cases(&self) -> usize {
        self.passed() + self.differ + self.refused + self.error + self.panic
    }
}

/// The outcomes of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// By the case's name.
    pub outcomes: BTreeMap<String, Outcome>,
    /// Cases of other than static, numeric or bool tensors.
    pub ineligible: usize,
    /// Cases that could not be read, and why.
    pub unreadable: Vec<String>,
    by_operator: BTreeMap<String, Tally>,
    all: Tally,
    common: Tally,
}

impl Report {
    pub(super) fn add(&mut self, case: &Case, outcome: Outcome) {
        self.by_operator.entry(case.operator.clone()).or_default().add(&outcome);
        if case.of_operator {
            self.all.add(&outcome);
            if case.common {
                self.common.add(&outcome);
            }
        }
        self.outcomes.insert(case.name.clone(), outcome);
    }

    /// Number of cases that pass.
    pub fn passed(&self) -> usize {
        self.by_operator.values().map(Tally::passed).sum()
    }

    /// One line per operator, then totals.
    pub fn table(&self) -> String {
        let mut text = String::from("operator                          cases   pass  differ refused  error  panic\n");
        for (operator, t) in &self.by_operator {
            row(&mut text, operator, t);
        }
        row(&mut text, "all of operators", &self.all);
        row(&mut text, "only f32, bool, 8 to 64-bit ints", &self.common);
        for (name, t) in [("all of operators", &self.all), ("only f32, bool, 8 to 64-bit ints", &self.common)] {
            let [none, small, rest, everything] = t.pass;
            let _ = writeln!(
                text,
                "{name}: of {} passing, {none} with no input as a constant, {small} with integers of rank 0 and 1, \
                 {rest} with all but the first, {everything} with all",
                t.passed()
            );
        }
        let _ =
            writeln!(text, "not static numeric tensors: {}, not readable: {}", self.ineligible, self.unreadable.len());
        for line in &self.unreadable {
            let _ = writeln!(text, "  {line}");
        }
        text
    }

    /// How many cases failed for each reason, the most frequent first.
    pub fn reasons(&self) -> String {
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for outcome in self.outcomes.values() {
            match outcome {
                Outcome::Refused { code, message } => *reasons.entry(format!("{code} {message}")).or_default() += 1,
                Outcome::Pass(_) | Outcome::Differ(_) | Outcome::Error(_) | Outcome::Panic(_) => {}
            }
        }
        let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        reasons.iter().map(|(reason, n)| format!("{n:5}  {reason}\n")).collect()
    }
}

fn row(text: &mut String, name: &str, t: &Tally) {
    let _ = writeln!(
        text,
        "{name:<32} {:6} {:6} {:7} {:7} {:6} {:6}",
        t.cases(),
        t.passed(),
        t.differ,
        t.refused,
        t.error,
        t.panic
    );
}

/// The indices of `Tally::pass` are those of the variants.
const _: () = {
    assert!(Constants::None as usize == 0 && Constants::SmallIntegers as usize == 1);
    assert!(Constants::AllButFirst as usize == 2 && Constants::All as usize == 3);
};
