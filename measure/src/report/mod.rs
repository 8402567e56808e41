//! Reports: what was measured, as data that is written and read again.
//!
//! Invariants: a row says by itself what it is about (subject, target, profile, memory, step), and no two rows of a report say
//! the same; a quantity has one definition, [`Metric`], whatever writes or reads it; what was not measured says why and is
//! never a number.

mod metric;
mod other;
mod read;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use metric::{Better, Definition, Holds, Judge, Metric, Unit};
pub use other::Other;

/// What stands in the field `format` of each report.
pub const FORMAT: &str = "zantc-report";
/// The version of the format; other versions are refused.
pub const VERSION: u32 = 1;
/// What stands there in the output of `zantc inspect --json`, which has a report in its field `report`.
pub const INSPECTION: &str = "zantc-inspection";

/// What steps of operators begin with.
pub const OPERATOR: &str = "operator ";

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Which command wrote it.
    pub kind: Kind,
    /// The version of `zantc`.
    pub zantc: String,
    /// Where it was measured.
    pub machine: MachineInfo,
    /// The runs of the command that measured it; rows say which of them they are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// The measurements, in the order in which they are shown.
    pub rows: Vec<Row>,
    /// Figures of others, beside which ours stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
    /// What else a reader must know: what is missing, and the command that brings it.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A run of the command that measured. Nothing that names a person or a place of the file system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// When it began: `2026-03-01T12:00:00Z`.
    pub date: String,
    /// The commit of the folder that it ran in, with `-dirty` where files differ from it; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// Its arguments, of paths the last part.
    pub command: String,
    /// Processes that ran or waited to run, the mean over a minute, at its begin and at its end, where the system says so. The command
    /// and what it starts are 1 of them at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<[f64; 2]>,
}

/// Which command wrote a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `zantc bench`: whole models.
    Bench,
    /// `zantc profile`: the steps of a model.
    Profile,
    /// `zantc bench ops`: single operators.
    Ops,
    /// `zantc inspect --json`: what is known without running.
    Inspect,
    /// `zantc ladder`: methods of compression.
    Ladder,
    /// `zantc bench session`: sessions of decoders.
    Session,
}

/// Where a report was made. Nothing that names a person or a place of the file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineInfo {
    /// The processor, as it calls itself.
    pub cpu: String,
    /// Its instruction sets that emitted code uses.
    pub isa: String,
    /// System and architecture: `linux x86_64`.
    pub os: String,
    /// The first line of each tool's `--version`, by the tool's name.
    #[serde(deserialize_with = "read::unique")]
    pub tools: BTreeMap<String, String>,
}

/// What was measured of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "read::Flat")]
pub struct Row {
    /// What it is about.
    #[serde(flatten)]
    pub key: Key,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// What was measured.
    pub values: BTreeMap<Metric, Value>,
}

/// Where a row comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Which of the report's runs measured it.
    #[serde(skip_serializing_if = "is_zero")]
    pub run: usize,
    /// The SHA-256 of the model's file and of what it refers to; empty where there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// The instruction sets that the measured code used: of those that it chooses from at run time, or the core; empty where it is not
    /// known, or nothing ran.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub isa: String,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// What a row is about; two reports are compared row by row, by this.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// The model, or the operator with its size.
    pub subject: String,
    /// A step of the model's plan, where it is one: `12 conv2d /layer1/conv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// `host`, or a target's name.
    pub target: String,
    /// `fast` (level 3) or `small` (level "z"); empty where nothing was built.
    pub profile: String,
    /// Where the arena lies: `static` or `heap`; empty where nothing was built.
    pub alloc: String,
}

/// A quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Value {
    /// Exact: the same in every run of the same build.
    Count(u64),
    /// Computed from others.
    Real(f64),
    /// Measured many times.
    Times(Spread),
    /// Not measured, and why: `needs valgrind (apt-get install valgrind)`.
    Missing(String),
}

/// Times of many runs, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The shortest.
    pub min: f64,
    /// Half of the runs took less.
    pub median: f64,
    /// 95 % of the runs took less.
    pub p95: f64,
    /// How many there were.
    pub runs: u64,
}

/// Why a report cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

impl Spread {
    /// Of samples in microseconds; `None` where there are none or one is not a number.
    pub fn of(samples: &[f64]) -> Option<Spread> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |part: f64| sorted[(last as f64 * part).round() as usize];
        let spread = Spread { min: sorted[0], median: at(0.5), p95: at(0.95), runs: sorted.len() as u64 };
        sorted.iter().all(|s| s.is_finite()).then_some(spread)
    }
}

impl Value {
    /// The number that stands for it in tables and comparisons: the median of times.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Count(n) => Some(*n as f64),
            Value::Real(v) => Some(*v),
            Value::Times(s) => Some(s.median),
            Value::Missing(_) => None,
        }
    }
}

impl Kind {
    /// The command, without `zantc`.
    pub fn command(self) -> &'static str {
        match self {
            Kind::Bench => "bench",
            Kind::Profile => "profile",
            Kind::Ops => "bench ops",
            Kind::Inspect => "inspect",
            Kind::Ladder => "ladder",
            Kind::Session => "bench session",
        }
    }
}

impl Row {
    /// A row whose origin is not known.
    pub fn new(key: Key, values: BTreeMap<Metric, Value>) -> Row {
        Row { key, origin: Origin::default(), values }
    }

    /// The number of a quantity; none where it was not measured.
    pub fn number(&self, metric: Metric) -> Option<f64> {
        self.values.get(&metric)?.number()
    }

    /// The least of a quantity: the shortest of times.
    pub fn minimum(&self, metric: Metric) -> Option<f64> {
        match self.values.get(&metric)? {
            Value::Times(s) => Some(s.min),
            other => other.number(),
        }
    }
}

impl Report {
    /// The row that is about something.
    pub fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == *key)
    }

    /// A report without rows.
    pub fn new(kind: Kind, zantc: &str, machine: MachineInfo) -> Report {
        Report {
            format: FORMAT.into(),
            version: VERSION,
            kind,
            zantc: zantc.into(),
            machine,
            runs: Vec::new(),
            rows: Vec::new(),
            others: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The text of `report.json`.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain data");
        text.push('\n');
        text
    }
}

/// The name of a step in a row's key: its number in the plan, its kernel, and the node that it computes last.
pub fn step_name(number: usize, kernel: &str, node: &str) -> String {
    format!("{number} {kernel} {node}").trim_end().to_string()
}

/// The words for a plain value: its name in JSON.
pub(crate) fn word(value: &impl Serialize) -> String {
    let name = serde_json::to_value(value).expect("plain data");
    name.as_str().unwrap_or_default().replace('_', " ")
}

/// Words that are there, with commas between.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    words.into_iter().filter(|w| !w.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject)?;
        for part in self.step.iter().chain([&self.target, &self.profile, &self.alloc]).filter(|p| !p.is_empty()) {
            write!(f, " / {part}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Key, Kind, MachineInfo, Metric, Report, Row, Spread, Value};

    pub(crate) fn report() -> Report {
        let mut report = Report::new(Kind::Bench, "0.1.0", MachineInfo::default());
        let key = Key { subject: "mnist-8".into(), target: "host".into(), profile: "fast".into(), ..Key::default() };
        let spread = Spread::of(&[3.0, 1.0, 2.0]).unwrap();
        let values = [
            (Metric::Instructions, Value::Count(1 << 60)),
            (Metric::Time, Value::Times(spread)),
            (Metric::InstructionsPerMac, Value::Real(0.5)),
            (Metric::PeakRss, Value::Missing("needs time (apt-get install time)".into())),
        ];
        report.rows.push(Row::new(key, values.into()));
        report
    }

    #[test]
    fn what_is_written_is_read() {
        let report = report();
        assert_eq!(Report::from_json(&report.to_json()), Ok(report));
    }

    #[test]
    fn spreads_are_ordered() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[f64::NAN]), None);
        let spread = Spread::of(&(0..=100).rev().map(f64::from).collect::<Vec<_>>()).unwrap();
        assert_eq!((spread.min, spread.median, spread.p95, spread.runs), (0.0, 50.0, 95.0, 101));
    }
}
