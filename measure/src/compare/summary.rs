//! Totals of a comparison.
//!
//! Invariants: a total is of the rows that have the quantity in both reports; whole models count where there are some, so that
//! no step counts twice; percentages are of the sums that stand beside them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::change::percent;
use super::{Change, Presence, RowChange, Status};
use crate::report::Metric;

/// The quantities that have totals.
const TOTALS: [Metric; 6] =
    [Metric::Time, Metric::Instructions, Metric::Allocations, Metric::PeakMemory, Metric::Arena, Metric::Executable];

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
}

impl Summary {
    /// Of all rows of a comparison.
    pub(super) fn of(rows: &[RowChange]) -> Summary {
        let having = |presence| rows.iter().filter(|r| r.presence == presence).count();
        let both = || rows.iter().filter(|r| r.presence == Presence::Both);
        let mut quantities = Count::default();
        both().flat_map(|r| &r.changes).for_each(|c| quantities.add(c));
        Summary {
            compared: having(Presence::Both),
            new: having(Presence::New),
            vanished: having(Presence::Vanished),
            quantities,
            totals: totals(&both().collect::<Vec<_>>()),
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

fn totals(rows: &[&RowChange]) -> Vec<Total> {
    let whole = rows.iter().any(|r| r.key.step.is_none());
    let mut pairs: BTreeMap<(usize, &str), Vec<(f64, f64)>> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.key.step.is_none() == whole) {
        for (i, metric) in TOTALS.into_iter().enumerate() {
            if let Some(numbers) = row.numbers(metric) {
                pairs.entry((i, &row.key.target)).or_default().push(numbers);
            }
        }
    }
    pairs.into_iter().map(|((metric, target), pairs)| total(TOTALS[metric], target, &pairs)).collect()
}

fn total(metric: Metric, target: &str, pairs: &[(f64, f64)]) -> Total {
    let (old, new) = pairs.iter().fold((0.0, 0.0), |(old, new), (o, n)| (old + o, new + n));
    let mean_ratio = mean_ratio(pairs.iter().copied());
    Total { metric, target: target.into(), rows: pairs.len(), old, new, percent: percent(old, new), mean_ratio }
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

    use super::{mean_ratio, total};
    use crate::report::Metric;

    proptest! {
        #[test]
        fn totals_follow_from_what_they_are_of(pairs in vec((1u32.., 1u32..), 1..20)) {
            let pairs: Vec<(f64, f64)> = pairs.into_iter().map(|(a, b)| (a.into(), b.into())).collect();
            let total = total(Metric::Instructions, "host", &pairs);
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
    fn nothing_has_no_mean() {
        assert_eq!(mean_ratio([(0.0, 1.0), (1.0, 0.0)].into_iter()), None);
    }
}
