//! `expected_failures.txt`: one line per case that does not pass, with its outcome and reason.

use std::collections::BTreeMap;

use super::{Outcome, Report};

const HEADER: &str = "\
# Official ONNX cases that do not pass, and why: CASE  OUTCOME: REASON. Written by `cargo xtask conformance --bless`.
# The check fails where a listed case passes or fails in another way, and where a case that is not listed fails.
";

/// The failures that are known.
#[derive(Debug, Default)]
pub struct Expected {
    /// Outcome and reason by the case's name.
    lines: BTreeMap<String, String>,
}

/// What the list and a run disagree about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Complaint {
    /// A listed case passes, or is not a case: the list is stale.
    Stale(String),
    /// A case that is not listed fails.
    New(String),
    /// A listed case fails in another way than it says.
    Changed(String),
    /// A panic, listed or not.
    Bug(String),
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Complaint::Stale(what) => write!(f, "listed as a failure, but: {what}"),
            Complaint::New(what) => write!(f, "fails, but is not listed: {what}"),
            Complaint::Changed(what) => write!(f, "fails in another way than is listed: {what}"),
            Complaint::Bug(what) => write!(f, "panics: {what}"),
        }
    }
}

impl Expected {
    /// Reads the list.
    ///
    /// # Errors
    /// A line that has no reason.
    pub fn parse(text: &str) -> Result<Expected, String> {
        let mut lines = BTreeMap::new();
        for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (name, reason) = line.split_once("  ").ok_or(format!("`{line}` has no reason"))?;
            lines.insert(name.to_string(), reason.to_string());
        }
        Ok(Expected { lines })
    }

    /// The list that a run calls for. Panics are not listed: they are mended.
    pub fn of(report: &Report) -> Expected {
        let failures = report.outcomes.iter().filter(|(_, o)| !matches!(o, Outcome::Pass(_) | Outcome::Panic(_)));
        Expected { lines: failures.map(|(name, o)| (name.clone(), one_line(o))).collect() }
    }

    /// The list as text.
    pub fn text(&self) -> String {
        let lines: String = self.lines.iter().map(|(name, reason)| format!("{name}  {reason}\n")).collect();
        format!("{HEADER}{lines}")
    }

    /// Where a run and the list disagree. `whole`: all cases were run, so what is listed and not run does not exist.
    pub fn check(&self, report: &Report, whole: bool) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (name, outcome) in &report.outcomes {
            let got = format!("{name} {}", one_line(outcome));
            match (outcome, self.lines.get(name)) {
                (Outcome::Panic(_), _) => complaints.push(Complaint::Bug(got)),
                (Outcome::Pass(_), Some(_)) => complaints.push(Complaint::Stale(got)),
                (Outcome::Pass(_), None) => {}
                (_, None) => complaints.push(Complaint::New(got)),
                (_, Some(reason)) if !reason.starts_with(outcome.word()) => complaints.push(Complaint::Changed(got)),
                (_, Some(_)) => {}
            }
        }
        let unknown = self.lines.keys().filter(|name| whole && !report.outcomes.contains_key(*name));
        complaints.extend(unknown.map(|name| Complaint::Stale(format!("{name} is not a case"))));
        complaints.sort();
        complaints
    }
}

/// An outcome without line breaks; names in messages come from models.
fn one_line(outcome: &Outcome) -> String {
    outcome.to_string().replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Constants;

    fn report(outcomes: &[(&str, Outcome)]) -> Report {
        let mut report = Report::default();
        report.outcomes = outcomes.iter().map(|(name, o)| (name.to_string(), o.clone())).collect();
        report
    }

    fn refused() -> Outcome {
        Outcome::Refused { code: "ZA0201", message: "Foo: operator `Foo` is not supported".to_string() }
    }

    #[test]
    fn a_blessed_list_has_no_complaint() {
        let r = report(&[("a", refused()), ("b", Outcome::Pass(Constants::None)), ("c", Outcome::Differ("x".into()))]);
        let text = Expected::of(&r).text();
        assert!(text.ends_with("a  refused: ZA0201 Foo: operator `Foo` is not supported\nc  differs: x\n"), "{text}");
        assert_eq!(Expected::parse(&text).unwrap().check(&r, true), []);
    }

    #[test]
    fn every_disagreement_is_a_complaint() {
        let list = Expected::parse("a  refused: ZA0201 x\nb  refused: y\ngone  error: z\n").unwrap();
        let r = report(&[
            ("a", Outcome::Pass(Constants::None)),
            ("b", Outcome::Differ("other".into())),
            ("c", refused()),
            ("d", Outcome::Panic("oh".into())),
        ]);
        let kinds: Vec<&str> = list
            .check(&r, true)
            .iter()
            .map(|c| match c {
                Complaint::Stale(_) => "stale",
                Complaint::New(_) => "new",
                Complaint::Changed(_) => "changed",
                Complaint::Bug(_) => "bug",
            })
            .collect();
        assert_eq!(kinds, ["stale", "stale", "new", "changed", "bug"]);
        assert_eq!(list.check(&r, false).len(), 4);
    }

    #[test]
    fn a_line_without_a_reason_is_refused() {
        assert!(Expected::parse("test_abs\n").is_err());
    }
}
