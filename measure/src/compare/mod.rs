//! Compares two reports: what became of each quantity of each row, and a verdict.
//!
//! Invariants: each row of either report appears once; what the old report has and the new one lacks is a fault, not nothing, unless
//! the user allows it; else the verdict follows from the rows that both have, each and in their mean; reports that have nothing in
//! common are an error, not "unchanged".

mod change;
mod fault;
mod page;
mod pair;
mod sizes;
mod summary;
mod trend;

use std::fmt;

use serde::Serialize;

use crate::page::{html, markdown};
use crate::report::{Key, Kind, MachineInfo, Metric, Report, Row, Run, word};

pub(crate) use change::percent;
pub use change::{Alike, Change, Rules, Status};
pub use fault::Fault;
pub use sizes::Ratio;
pub(crate) use summary::mean_ratio;
pub use summary::{Count, Summary, Total};
pub use trend::Trend;

/// What the user says of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// Changes of up to so many percent decide nothing.
    pub threshold_percent: f64,
    /// Whether rows and quantities may be gone.
    pub allow_vanished: bool,
    /// Whether a name may stand for another model than before.
    pub allow_other_models: bool,
}

impl Default for Asked {
    /// 5 %, and nothing is allowed.
    fn default() -> Asked {
        Asked { threshold_percent: 5.0, allow_vanished: false, allow_other_models: false }
    }
}

/// How two reports compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Which command wrote both.
    pub kind: Kind,
    /// The older report.
    pub old: Side,
    /// The newer report.
    pub new: Side,
    /// What the user said.
    pub asked: Asked,
    /// By what changes are judged.
    pub rules: Rules,
    /// What it comes to.
    pub verdict: Verdict,
    /// What the new report lacks, or has of another model, as far as that is not allowed.
    pub faults: Vec<Fault>,
    /// The totals.
    pub summary: Summary,
    /// How models and builds of different sizes stand to each other.
    pub sizes: Vec<Ratio>,
    /// The rows, in the order of the new report; vanished ones at the end.
    pub rows: Vec<RowChange>,
    /// Where there are more than two reports: quantities that differ, from the oldest to the newest.
    pub trends: Vec<Trend>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// Where a report comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// The version of `zantc`.
    pub zantc: String,
    /// Where it was measured.
    pub machine: MachineInfo,
    /// When, by which command, of which commit.
    pub runs: Vec<Run>,
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
    /// What both rows have in common.
    #[serde(skip)]
    pub alike: Alike,
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
    /// The new report lacks what the old one has, or is of other models: there are faults. Regressions are told beside them.
    Incomplete,
}

/// Why reports cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incomparable {
    /// Different commands wrote them.
    Kinds(Kind, Kind),
    /// No row is in both.
    NothingInCommon,
    /// There are less than two.
    Few,
}

impl Verdict {
    /// Whether something is worse beyond the threshold, or gone.
    pub fn fails(self) -> bool {
        matches!(self, Verdict::Regressed | Verdict::Mixed | Verdict::Incomplete)
    }

    /// The word for it.
    pub fn word(self) -> String {
        word(&self)
    }

    /// Of what became of quantities beyond the threshold.
    fn of(beyond: impl Iterator<Item = Status>) -> Verdict {
        let (mut better, mut worse) = (false, false);
        for status in beyond {
            better |= status == Status::Improved;
            worse |= status == Status::Regressed;
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
    /// Compares two reports.
    ///
    /// # Errors
    /// Reports by different commands, and such that have no row in common.
    pub fn of(old: &Report, new: &Report, asked: Asked) -> Result<Comparison, Incomparable> {
        if old.kind != new.kind {
            return Err(Incomparable::Kinds(old.kind, new.kind));
        }
        let pairs = pair::pair(old, new);
        let alike = |pair: &pair::Pair<'_>| pair.alike(&old.machine.isa, &new.machine.isa);
        let same_machine = old.machine.cpu == new.machine.cpu;
        let moved = pairs.iter().filter(|pair| alike(pair).code).filter_map(time_moved);
        let noise_percent = change::noise(moved.collect());
        let rules = Rules { threshold_percent: asked.threshold_percent, same_machine, noise_percent };
        let rows: Vec<RowChange> = pairs.iter().map(|pair| row(pair, &rules, alike(pair))).collect();
        if rows.iter().all(|row| row.presence != Presence::Both) {
            return Err(Incomparable::NothingInCommon);
        }
        let side = |report: &Report| {
            let Report { zantc, machine, runs, .. } = report.clone();
            Side { zantc, machine, runs }
        };
        let summary = Summary::of(&rows, &rules);
        let faults = fault::faults(&pairs, (old, new), asked);
        let single = rows.iter().flat_map(|row| &row.changes).filter(|c| c.beyond).map(|c| c.status);
        let judged = Verdict::of(single.chain(summary.totals.iter().map(|total| total.status)));
        Ok(Comparison {
            kind: new.kind,
            old: side(old),
            new: side(new),
            asked,
            rules,
            verdict: if faults.is_empty() { judged } else { Verdict::Incomplete },
            faults,
            summary,
            sizes: sizes::ratios(new.kind, &rows),
            trends: Vec::new(),
            notes: notes(old, new, &rules),
            rows,
        })
    }

    /// Compares the last of several reports with the first, and tells how those between them lead there.
    ///
    /// # Errors
    /// As [`Comparison::of`], for any of them; less than two.
    pub fn of_many(reports: &[Report], asked: Asked) -> Result<Comparison, Incomparable> {
        let [old, between @ .., new] = reports else { return Err(Incomparable::Few) };
        if let Some(other) = between.iter().find(|report| report.kind != new.kind) {
            return Err(Incomparable::Kinds(other.kind, new.kind));
        }
        let comparison = Comparison::of(old, new, asked)?;
        let trends = if between.is_empty() { Vec::new() } else { trend::trends(reports) };
        Ok(Comparison { trends, ..comparison })
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

/// How far a row's time moved, whichever way.
fn time_moved(pair: &pair::Pair<'_>) -> Option<f64> {
    let time = |row: Option<&Row>| row?.number(Metric::Time);
    Some(change::distance(time(pair.old)?, time(pair.new)?)).filter(|d| d.is_finite())
}

fn row(pair: &pair::Pair<'_>, rules: &Rules, alike: Alike) -> RowChange {
    let value = |row: Option<&Row>, metric| row.and_then(|r| r.values.get(&metric)).cloned();
    let changes = Metric::ALL.into_iter().filter_map(|metric| {
        let (old, new) = (value(pair.old, metric), value(pair.new, metric));
        let change = || Change::of(metric, old.as_ref(), new.as_ref(), rules, alike);
        (old.is_some() || new.is_some()).then(change)
    });
    let changes: Vec<Change> = changes.collect();
    let presence = match (pair.old, pair.new) {
        (Some(_), None) => Presence::Vanished,
        (None, _) => Presence::New,
        (Some(_), Some(_)) => Presence::Both,
    };
    let key = pair.new.or(pair.old).map(|r| r.key.clone()).unwrap_or_default();
    let status = Verdict::of(changes.iter().filter(|c| c.beyond).map(|c| c.status));
    RowChange { key, status, presence, alike, changes }
}

/// A load above what the measured process and the one that measures it are.
pub(crate) const BUSY: f64 = 1.5;

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
            "Times of code with equal counts of instructions moved as well: the machine did other things. Only times that moved by \
             more than {:.0} % are judged.",
            rules.noise_percent
        ));
    }
    for (which, report) in [("old", old), ("new", new)] {
        let loads = report.runs.iter().filter_map(|run| run.load).flatten();
        if let Some(load) = loads.max_by(f64::total_cmp).filter(|load| *load > BUSY) {
            notes.push(format!("The machine of the {which} report was busy: a load of {load:.1}."));
        }
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
            Incomparable::Few => f.write_str("a comparison needs two reports"),
        }
    }
}

impl std::error::Error for Incomparable {}
