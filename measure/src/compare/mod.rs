//! Compares two reports: what became of each quantity of each row, and a verdict.
//!
//! Invariants: each row of either report appears once; the verdict follows from the rows that both have and from nothing else,
//! and what only one has is listed; reports that have nothing in common are an error, not "unchanged".

mod change;
mod page;
mod pair;
mod sizes;
mod summary;

use std::fmt;

use serde::Serialize;

use crate::page::{html, markdown};
use crate::report::{Key, Kind, MachineInfo, Metric, Report, Row, word};

pub(crate) use change::percent;
pub use change::{Change, Rules, Status};
pub use sizes::Ratio;
pub(crate) use summary::mean_ratio;
pub use summary::{Count, Summary, Total};

/// How two reports compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Which command wrote both.
    pub kind: Kind,
    /// The older report.
    pub old: Side,
    /// The newer report.
    pub new: Side,
    /// By what changes are judged.
    pub rules: Rules,
    /// What it comes to.
    pub verdict: Verdict,
    /// The totals.
    pub summary: Summary,
    /// How models and builds of different sizes stand to each other.
    pub sizes: Vec<Ratio>,
    /// The rows, in the order of the new report; vanished ones at the end.
    pub rows: Vec<RowChange>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// Where a report comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The version of `zantc`.
    pub zantc: String,
    /// Where it was measured.
    pub machine: MachineInfo,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowChange {
    /// What the row is about, in the newer report that has it.
    #[serde(flatten)]
    pub key: Key,
    /// What became of it: improved and regressed beyond the threshold.
    pub status: Verdict,
    /// Whether both reports have it.
    pub presence: Presence,
    /// Its quantities, in the order of columns.
    pub changes: Vec<Change>,
}

/// Which reports have a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Both.
    Both,
    /// The new one.
    New,
    /// The old one.
    Vanished,
}

/// What a comparison comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Something is better beyond the threshold, nothing is worse.
    Improved,
    /// Something is worse beyond the threshold, nothing is better.
    Regressed,
    /// Nothing is better or worse beyond the threshold.
    Unchanged,
    /// Some is better and some is worse.
    Mixed,
}

/// Why reports cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incomparable {
    /// Different commands wrote them.
    Kinds(Kind, Kind),
    /// No row is in both.
    NothingInCommon,
}

impl Verdict {
    /// Whether something is worse beyond the threshold.
    pub fn regressed(self) -> bool {
        matches!(self, Verdict::Regressed | Verdict::Mixed)
    }

    /// The word for it.
    pub fn word(self) -> String {
        word(&self)
    }

    fn of<'a>(changes: impl Iterator<Item = &'a Change>) -> Verdict {
        let (mut better, mut worse) = (false, false);
        for change in changes.filter(|c| c.beyond) {
            better |= change.status == Status::Improved;
            worse |= change.status == Status::Regressed;
        }
        match (better, worse) {
            (true, true) => Verdict::Mixed,
            (true, false) => Verdict::Improved,
            (false, true) => Verdict::Regressed,
            (false, false) => Verdict::Unchanged,
        }
    }
}

impl RowChange {
    /// What became of a quantity; none where neither report has it.
    pub fn change(&self, metric: Metric) -> Option<&Change> {
        self.changes.iter().find(|c| c.metric == metric)
    }

    /// Both numbers of a quantity.
    fn numbers(&self, metric: Metric) -> Option<(f64, f64)> {
        let change = self.change(metric)?;
        change.old.as_ref()?.number().zip(change.new.as_ref()?.number())
    }
}

impl Comparison {
    /// Compares; changes of up to `threshold_percent` decide nothing.
    ///
    /// # Errors
    /// Reports by different commands, and such that have no row in common.
    pub fn of(old: &Report, new: &Report, threshold_percent: f64) -> Result<Comparison, Incomparable> {
        if old.kind != new.kind {
            return Err(Incomparable::Kinds(old.kind, new.kind));
        }
        let pairs = pair::pair(old, new);
        let same_machine = old.machine.cpu == new.machine.cpu;
        let noise_percent = pairs.iter().filter(|pair| pair.same_code()).filter_map(time_moved).fold(0.0, f64::max);
        let rules = Rules { threshold_percent, same_machine, noise_percent };
        let rows: Vec<RowChange> = pairs.iter().map(|pair| row(pair, &rules)).collect();
        if rows.iter().all(|row| row.presence != Presence::Both) {
            return Err(Incomparable::NothingInCommon);
        }
        let side = |report: &Report| Side { zantc: report.zantc.clone(), machine: report.machine.clone() };
        Ok(Comparison {
            kind: new.kind,
            old: side(old),
            new: side(new),
            rules,
            verdict: Verdict::of(rows.iter().flat_map(|row| &row.changes)),
            summary: Summary::of(&rows),
            sizes: sizes::ratios(new.kind, &rows),
            notes: notes(old, new, &rules),
            rows,
        })
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain data");
        text.push('\n');
        text
    }

    /// As Markdown, fit for a pull request.
    pub fn to_markdown(&self) -> String {
        markdown(&page::page(self))
    }

    /// As a page of HTML.
    pub fn to_html(&self) -> String {
        html(&page::page(self))
    }
}

/// By how many percent a row's time moved, whichever way.
fn time_moved(pair: &pair::Pair<'_>) -> Option<f64> {
    let time = |row: Option<&Row>| row?.number(Metric::Time);
    percent(time(pair.old)?, time(pair.new)?).map(f64::abs)
}

fn row(pair: &pair::Pair<'_>, rules: &Rules) -> RowChange {
    let value = |row: Option<&Row>, metric| row.and_then(|r| r.values.get(&metric)).cloned();
    let changes = Metric::ALL.into_iter().filter_map(|metric| {
        let (old, new) = (value(pair.old, metric), value(pair.new, metric));
        let change = || Change::of(metric, old.as_ref(), new.as_ref(), rules, pair.same_code());
        (old.is_some() || new.is_some()).then(change)
    });
    let changes: Vec<Change> = changes.collect();
    let presence = match (pair.old, pair.new) {
        (Some(_), None) => Presence::Vanished,
        (None, _) => Presence::New,
        (Some(_), Some(_)) => Presence::Both,
    };
    let key = pair.new.or(pair.old).map(|r| r.key.clone()).unwrap_or_default();
    RowChange { key, status: Verdict::of(changes.iter()), presence, changes }
}

/// What differs between the places of measurement.
fn notes(old: &Report, new: &Report, rules: &Rules) -> Vec<String> {
    let mut notes = Vec::new();
    if !rules.same_machine {
        notes.push(format!(
            "The reports are of different processors ({} and {}): times are shown, and not judged.",
            old.machine.cpu, new.machine.cpu
        ));
    }
    if rules.same_machine && rules.noise_percent > rules.threshold_percent {
        notes.push(format!(
            "Times of code with equal counts of instructions moved by up to {:.0} %: the machine did other things. Only times that \
             moved further are judged.",
            rules.noise_percent
        ));
    }
    for (tool, version) in &new.machine.tools {
        match old.machine.tools.get(tool) {
            Some(before) if before != version => notes.push(format!("{tool} changed: {before} to {version}.")),
            Some(_) | None => {}
        }
    }
    notes
}

impl fmt::Display for Incomparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Incomparable::Kinds(old, new) => {
                write!(f, "the old report is of `zantc {}`, the new one of `zantc {}`", old.command(), new.command())
            }
            Incomparable::NothingInCommon => f.write_str("the reports have no row in common"),
        }
    }
}

impl std::error::Error for Incomparable {}
