//! How quantities went over several reports.

use serde::Serialize;

use crate::report::{Key, Metric, Report};

/// The quantities that are followed.
const FOLLOWED: [Metric; 5] =
    [Metric::Time, Metric::Instructions, Metric::Allocations, Metric::PeakMemory, Metric::Executable];

/// One quantity of one row in all reports.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// What the row is about.
    pub key: Key,
    /// Which quantity.
    pub metric: Metric,
    /// What each report says, the oldest first; none where it was not measured.
    pub numbers: Vec<Option<f64>>,
}

/// What differs from report to report, in the order of the newest.
pub(super) fn trends(reports: &[Report]) -> Vec<Trend> {
    let Some(newest) = reports.last() else { return Vec::new() };
    let all = newest.rows.iter().flat_map(|row| FOLLOWED.map(|metric| (&row.key, metric)));
    let trend = |(key, metric): (&Key, Metric)| {
        let numbers: Vec<Option<f64>> = reports.iter().map(|r| r.row(key)?.number(metric)).collect();
        let differs = numbers.windows(2).any(|w| w[0] != w[1]);
        differs.then(|| Trend { key: key.clone(), metric, numbers })
    };
    all.filter_map(trend).collect()
}
