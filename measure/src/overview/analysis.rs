//! How rows of one report stand to each other.
//!
//! Invariant: every number here follows from two numbers of the report.

use crate::compare::percent;
use crate::report::{Key, Metric, Report, Row};

/// The times of other programs, and the least that the core needs.
pub(super) const PEERS: [Metric; 6] =
    [Metric::Onnxruntime, Metric::OnnxruntimeExact, Metric::Litert, Metric::Tract, Metric::Rten, Metric::Floor];

/// Two rows; the second is compared with the first.
pub(super) struct Versus<'a> {
    /// The one that is compared with.
    pub(super) base: &'a Row,
    /// The one that is compared.
    pub(super) other: &'a Row,
}

impl Versus<'_> {
    /// What the other has more or less, in percent of the base.
    pub(super) fn percent(&self, metric: Metric) -> Option<f64> {
        let (base, other) = self.numbers(metric)?;
        percent(base, other)
    }

    /// What the other has more or less.
    pub(super) fn delta(&self, metric: Metric) -> Option<f64> {
        self.numbers(metric).map(|(base, other)| other - base)
    }

    /// Both numbers; none of instructions of different sets.
    pub(super) fn numbers(&self, metric: Metric) -> Option<(f64, f64)> {
        let count = matches!(metric, Metric::Instructions | Metric::ProcessInstructions | Metric::InstructionsPerMac);
        let one_set = self.base.origin.isa == self.other.origin.isa;
        self.base.number(metric).zip(self.other.number(metric)).filter(|_| one_set || !count)
    }
}

/// All pairs of a row and the one whose key `other` makes of its key.
pub(super) fn between(report: &Report, other: impl Fn(&Key) -> Option<Key>) -> Vec<Versus<'_>> {
    let pair = |base| Some(Versus { base, other: report.row(&other(&base.key)?)? });
    report.rows.iter().filter_map(pair).collect()
}

/// The time of another program beside that of a row.
pub(super) struct Against<'a> {
    pub(super) row: &'a Row,
    pub(super) peer: Metric,
    /// Medians in microseconds.
    pub(super) ours: f64,
    pub(super) theirs: f64,
    /// How many times as fast the emitted crate is by minima.
    pub(super) minima: Option<f64>,
}

impl Against<'_> {
    /// How many times as fast the emitted crate is.
    pub(super) fn ratio(&self) -> f64 {
        self.theirs / self.ours
    }
}

/// All times of other programs; rows without a time of their own have nothing beside them.
pub(super) fn against_peers(report: &Report) -> Vec<Against<'_>> {
    let pairs = report.rows.iter().flat_map(|row| PEERS.map(|peer| (row, peer)));
    let against = pairs.filter_map(|(row, peer)| {
        let (ours, theirs) = row.number(Metric::Time).zip(row.number(peer))?;
        let minima = row.minimum(peer).zip(row.minimum(Metric::Time)).map(|(theirs, ours)| theirs / ours);
        (ours > 0.0).then_some(Against { row, peer, ours, theirs, minima })
    });
    against.collect()
}

#[cfg(test)]
mod tests {
    use super::{against_peers, between};
    use crate::report::{Key, Metric, Report, Value};

    fn report() -> Report {
        Report::from_json(include_str!("../../tests/data/bench.json")).unwrap()
    }

    fn small(key: &Key) -> Option<Key> {
        (key.profile == "fast").then(|| Key { profile: "small".into(), ..key.clone() })
    }

    #[test]
    fn percentages_follow_from_the_two_rows() {
        let report = report();
        let found = between(&report, small);
        assert_eq!(found.len(), 10);
        for v in &found {
            for metric in [Metric::Instructions, Metric::Time, Metric::Executable, Metric::PeakMemory] {
                let Some((base, other)) = v.numbers(metric) else { continue };
                assert!((base * (1.0 + v.percent(metric).unwrap() / 100.0) - other).abs() < 1e-9 * other);
                assert_eq!(v.delta(metric), Some(other - base));
            }
        }
        let v = found.iter().find(|v| v.base.key.subject == "mnist-8").unwrap();
        // 45,332 bytes and 37,952.
        assert!((v.percent(Metric::Executable).unwrap() + 16.279_890_585_017_207).abs() < 1e-9);
    }

    #[test]
    fn what_is_missing_or_zero_has_no_percentage() {
        let mut report = report();
        report.rows[0].values.insert(Metric::Instructions, Value::Count(0));
        report.rows[0].values.insert(Metric::Time, Value::Missing("no clock".into()));
        let found = between(&report, small);
        assert_eq!(found[0].percent(Metric::Instructions), None);
        assert_eq!((found[0].percent(Metric::Time), found[0].delta(Metric::Time)), (None, None));
        assert!(against_peers(&report).iter().all(|p| p.row.key != report.rows[0].key));
    }

    #[test]
    fn other_programs_stand_beside_the_same_row() {
        let report = report();
        let found = against_peers(&report);
        assert_eq!(found.len(), 4);
        assert!((found[0].ratio() - 68.6 / 49.0).abs() < 1e-12);
    }
}
