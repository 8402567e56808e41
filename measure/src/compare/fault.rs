//! What a comparison must not pass over: what the new report lacks, and names that stand for another model.
//!
//! Invariant: what the user allows is no fault. Steps of a plan may go, for passes fuse them, as long as those that are left add up to
//! the whole.

use std::fmt;

use serde::Serialize;

use super::Asked;
use super::pair::Pair;
use crate::report::{Better, Key, Kind, Metric, OPERATOR, Report, Row, Value};

/// What is wrong with a report, beside an older one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// A row is gone.
    Vanished {
        /// Which.
        key: Key,
        /// What the new report says of it.
        why: Option<String>,
    },
    /// A quantity of a row has no number any more.
    Missing {
        /// Which row.
        key: Key,
        /// Which quantity.
        metric: Metric,
        /// What the new report says of it.
        why: Option<String>,
    },
    /// The row is of another model under the same name: its multiply-adds differ.
    OtherModel {
        /// Which.
        key: Key,
        /// Multiply-adds in both reports.
        macs: [u64; 2],
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let because = |why: &Option<String>| why.as_ref().map_or(String::new(), |why| format!(": {why}"));
        match self {
            Fault::Vanished { key, why } => write!(f, "{key} is gone{}", because(why)),
            Fault::Missing { key, metric, why } => {
                write!(f, "{} of {key} is not measured any more{}", metric.definition().title, because(why))
            }
            Fault::OtherModel { key, macs: [old, new] } => {
                write!(f, "{key} is another model: {old} multiply-adds before, {new} now")
            }
        }
    }
}

/// The faults of the new report, in the order of the pairs.
pub(super) fn faults(pairs: &[Pair<'_>], (old, new): (&Report, &Report), asked: Asked) -> Vec<Fault> {
    let mut faults = Vec::new();
    for pair in pairs {
        match (pair.old, pair.new) {
            (Some(row), None) if !asked.allow_vanished && counts(row, (old, new)) => {
                let why = new.notes.iter().find(|note| note.contains(&row.key.to_string())).cloned();
                faults.push(Fault::Vanished { key: row.key.clone(), why });
            }
            (Some(before), Some(now)) => {
                if !asked.allow_vanished {
                    faults.extend(missing(before, now));
                }
                if !asked.allow_other_models && new.kind != Kind::Ladder {
                    faults.extend(other_model(before, now));
                }
            }
            (None, _) | (Some(_), None) => {}
        }
    }
    faults
}

/// Whether a row may not be gone. A step may, where the steps that are left do all of the work, and so may an operator of a session.
fn counts(row: &Row, (old, new): (&Report, &Report)) -> bool {
    let Some(step) = &row.key.step else { return true };
    let operator = old.kind == Kind::Session && step.starts_with(OPERATOR);
    !(operator || (adds_up(old, &row.key) && adds_up(new, &row.key)))
}

/// Whether the steps of a model have all of its multiply-adds and instructions. Steps of which neither is known add up to nothing.
fn adds_up(report: &Report, key: &Key) -> bool {
    let Some(whole) = report.row(&Key { step: None, ..key.clone() }) else { return false };
    let of_it = |row: &&Row| row.key.step.is_some() && Key { step: None, ..row.key.clone() } == whole.key;
    let sum = |metric| report.rows.iter().filter(of_it).filter_map(|row| row.number(metric)).sum::<f64>();
    let known = [Metric::Macs, Metric::Instructions].map(|m| whole.number(m).map(|n| sum(m) >= n));
    known.contains(&Some(true)) && !known.contains(&Some(false))
}

/// Quantities that had a number and have none. Those of other programs are the user's choice.
fn missing(before: &Row, now: &Row) -> Vec<Fault> {
    let kept = before.values.iter().filter(|(metric, value)| {
        metric.definition().better != Better::Neither && value.number().is_some() && now.number(**metric).is_none()
    });
    let why = |metric| match now.values.get(metric) {
        Some(Value::Missing(why)) => Some(why.clone()),
        Some(Value::Count(_) | Value::Real(_) | Value::Times(_)) | None => None,
    };
    kept.map(|(metric, _)| Fault::Missing { key: now.key.clone(), metric: *metric, why: why(metric) }).collect()
}

/// Other multiply-adds under the same name are another model, unless the file is known to be the same: then the compiler leaves
/// work out.
fn other_model(before: &Row, now: &Row) -> Option<Fault> {
    let macs = |row: &Row| match row.values.get(&Metric::Macs)? {
        Value::Count(n) => Some(*n),
        Value::Real(_) | Value::Times(_) | Value::Missing(_) => None,
    };
    let [old, new] = [macs(before)?, macs(now)?];
    let same_file = !now.origin.model.is_empty() && before.origin.model == now.origin.model;
    let other = now.key.step.is_none() && old != new && !same_file;
    other.then(|| Fault::OtherModel { key: now.key.clone(), macs: [old, new] })
}
