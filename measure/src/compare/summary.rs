//! Totals of a comparison.
//!
//! Invariants: a total is of the rows that have the quantity in both reports; whole models count where there are some, so that
//! no step counts twice; percentages are of the sums that stand beside them; a mean is judged over the rows that are judged
//! themselves, by a threshold that is smaller by the root of their number: what moves all rows a little is seen.

use std::collections::BTreeMap;

use serde::Serialize;

use super::change::{limit, percent};
use super::{Change, Presence, RowChange, Rules, Status};
use crate::report::Metric;

/// The quantities that have totals.
const TOTALS: [Metric; 7] = [
    Metric::Time,
    Metric::Instructions,
    Metric::Allocations,
    Metric::HeapTotal,
    Metric::PeakMemory,
    Metric::Arena,
    Metric::Executable,
];

/// The totals.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Rows in both reports, in the new one alone, in the old one alone.
    pub compared: usize,
    /// Rows that only the new report has.
    pub new: usize,
    /// Rows that only the old report has.
    pub vanished: usize,
    /// Of the rows in both: how many quantities became what.
    pub quantities: Count,
    /// Sums.
    pub totals: Vec<Total>,
}

/// How many became what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Better, and by how many of them beyond the threshold.
    pub improved: usize,
    /// Of these beyond the threshold.
    pub improved_beyond: usize,
    /// Worse.
    pub regressed: usize,
    /// Of these beyond the threshold.
    pub regressed_beyond: usize,
    /// Different and not judged.
    pub changed: usize,
    /// The same.
    pub unchanged: usize,
    /// Without a number in one of the reports.
    pub not_measured: usize,
}

/// Sums of one quantity on one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Total {
    /// Which quantity.
    pub metric: Metric,
    /// On which target.
    pub target: String,
    /// Over how many rows.
    pub rows: usize,
    /// The sum in the old report.
    pub old: f64,
    /// The sum in the new report.
    pub new: f64,
    /// The change of the sum in percent; none from zero.
    pub percent: Option<f64>,
    /// The geometric mean of new by old, over the rows in which both are greater than zero.
    pub mean_ratio: Option<f64>,
    /// Whether the mean, of two rows and more, improved or regressed beyond its threshold: that of a row by the root of their number.
    pub status: Status,
}

impl Summary {
    /// Of all rows of a comparison.
    pub(super) fn of(rows: &[RowChange], rules: &Rules) -> Summary {
        let having = |presence| rows.iter().filter(|r| r.presence == presence).count();
        let both = || rows.iter().filter(|r| r.presence == Presence::Both);
        let mut quantities = Count::default();
        both().flat_map(|r| &r.changes).for_each(|c| quantities.add(c));
        Summary {
            compared: having(Presence::Both),
            new: having(Presence::New),
            vanished: having(Presence::Vanished),
            quantities,
            totals: totals(&both().collect::<Vec<_>>(), rules),
        }
    }
}

impl Count {
    fn add(&mut self, change: &Change) {
        let beyond = usize::from(change.beyond);
        match change.status {
            Status::Improved => {
                self.improved += 1;
                self.improved_beyond += beyond;
            }
            Status::Regressed => {
                self.regressed += 1;
                self.regressed_beyond += beyond;
            }
            Status::Unchanged => self.unchanged += 1,
            Status::NotMeasured => self.not_measured += 1,
            Status::Changed | Status::New | Status::Vanished => self.changed += 1,
        }
    }
}

fn totals(rows: &[&RowChange], rules: &Rules) -> Vec<Total> {
    let whole = rows.iter().any(|r| r.key.step.is_none());
    let mut found: BTreeMap<(usize, &str), Vec<&RowChange>> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.key.step.is_none() == whole) {
        for (i, metric) in TOTALS.into_iter().enumerate() {
            if row.numbers(metric).is_some() {
                found.entry((i, &row.key.target)).or_default().push(row);
            }
        }
    }
    found.into_iter().map(|((metric, target), rows)| total(TOTALS[metric], target, &rows, rules)).collect()
}

fn total(metric: Metric, target: &str, rows: &[&RowChange], rules: &Rules) -> Total {
    let pairs: Vec<(f64, f64)> = rows.iter().filter_map(|row| row.numbers(metric)).collect();
    let (old, new) = pairs.iter().fold((0.0, 0.0), |(old, new), (o, n)| (old + o, new + n));
    let mean_ratio = mean_ratio(pairs.iter().copied());
    let status = mean_status(metric, rows, rules);
    Total { metric, target: target.into(), rows: pairs.len(), old, new, percent: percent(old, new), mean_ratio, status }
}

/// What became of the mean over the rows that are judged.
fn mean_status(metric: Metric, rows: &[&RowChange], rules: &Rules) -> Status {
    let judged = rows.iter().filter(|row| is_judged(metric, row, rules));
    // A time of code that is the same is the machine's.
    let machines = |row: &RowChange| metric == Metric::Time && row.alike.code;
    let log = |(row, (old, new)): (&RowChange, (f64, f64))| if machines(row) { 0.0 } else { (new / old).ln() };
    let logs: Vec<f64> = judged
        .filter_map(|row| Some((*row, row.numbers(metric)?)))
        .filter(|(_, (old, new))| *old > 0.0 && *new > 0.0)
        .map(log)
        .collect();
    if logs.len() < 2 {
        return Status::Unchanged;
    }
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let noise = if metric == Metric::Time { limit(rules.noise_percent) } else { 0.0 };
    let least = limit(rules.threshold_percent).max(noise) / (logs.len() as f64).sqrt();
    match mean {
        mean if mean > least => Status::Regressed,
        mean if mean < -least => Status::Improved,
        _ => Status::Unchanged,
    }
}

/// Whether a row's own change would be judged. All totals are the better the lower.
fn is_judged(metric: Metric, row: &RowChange, rules: &Rules) -> bool {
    let Some(change) = row.change(metric) else { return false };
    match metric {
        Metric::Instructions => !row.alike.other_isa,
        Metric::Time => rules.same_machine && change.has_spreads(),
        _ => true,
    }
}

/// The geometric mean of second by first, over the pairs of which both are greater than zero.
pub(crate) fn mean_ratio(pairs: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let logs: Vec<f64> = pairs.filter(|(a, b)| *a > 0.0 && *b > 0.0).map(|(a, b)| (b / a).ln()).collect();
    (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert, proptest};

    use super::super::{Alike, Change, Presence, RowChange, Rules, Status, Verdict};
    use super::{mean_ratio, total};
    use crate::report::{Key, Metric, Value};

    const RULES: Rules = Rules { threshold_percent: 5.0, same_machine: true, noise_percent: 0.0 };

    fn row(old: u32, new: u32) -> RowChange {
        let [old, new] = [old, new].map(|n| Value::Count(n.into()));
        let change = Change::of(Metric::Instructions, Some(&old), Some(&new), &RULES, Alike::default());
        let (status, presence, alike) = (Verdict::Unchanged, Presence::Both, Alike::default());
        RowChange { key: Key::default(), status, presence, alike, changes: vec![change] }
    }

    proptest! {
        #[test]
        fn totals_follow_from_what_they_are_of(pairs in vec((1u32.., 1u32..), 1..20)) {
            let rows: Vec<RowChange> = pairs.iter().map(|(a, b)| row(*a, *b)).collect();
            let total = total(Metric::Instructions, "host", &rows.iter().collect::<Vec<_>>(), &RULES);
            let pairs: Vec<(f64, f64)> = pairs.into_iter().map(|(a, b)| (a.into(), b.into())).collect();
            let ratios: Vec<f64> = pairs.iter().map(|(a, b)| b / a).collect();
            let (least, most) = ratios.iter().fold((f64::INFINITY, 0.0f64), |(l, m), r| (l.min(*r), m.max(*r)));
            let mean = total.mean_ratio.unwrap();
            prop_assert!(mean >= least * (1.0 - 1e-9) && mean <= most * (1.0 + 1e-9));
            let by_percent = total.old * (1.0 + total.percent.unwrap() / 100.0);
            prop_assert!((by_percent - total.new).abs() <= 1e-9 * total.old.max(total.new));
            let back = mean_ratio(pairs.iter().map(|(a, b)| (*b, *a))).unwrap();
            prop_assert!((mean * back - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn what_moves_all_rows_a_little_moves_the_mean() {
        let status =
            |rows: &[RowChange]| total(Metric::Instructions, "host", &rows.iter().collect::<Vec<_>>(), &RULES).status;
        let worse: Vec<RowChange> = (0..24).map(|_| row(1000, 1049)).collect();
        assert_eq!(status(&worse), Status::Regressed);
        let better: Vec<RowChange> = (0..24).map(|_| row(1049, 1000)).collect();
        assert_eq!(status(&better), Status::Improved);
        // One row has no mean, and one of many moves it little.
        assert_eq!(status(&worse[..1]), Status::Unchanged);
        let one: Vec<RowChange> = (0..24).map(|i| if i == 0 { row(1000, 1049) } else { row(1000, 1000) }).collect();
        assert_eq!(status(&one), Status::Unchanged);
    }

    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(mean_ratio([(0.0, 1.0), (1.0, 0.0)].into_iter()), None);
    }
}
