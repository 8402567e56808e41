//! How models of different sizes, and builds for speed and for size, stand to each other in both reports.
//!
//! Invariant: a ratio is of the larger by the smaller model, or of the small by the fast build, of two rows that differ in nothing
//! else; it is there only where both reports have both rows.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Presence, RowChange};
use crate::report::{Key, Kind, Metric};

/// Words for the size of a model, from small to large.
const WORDS: [&str; 9] = ["nano", "tiny", "mini", "small", "medium", "base", "large", "xl", "xxl"];
/// The quantities whose ratios are told.
const METRICS: [Metric; 4] = [Metric::Instructions, Metric::Time, Metric::PeakMemory, Metric::Executable];

/// How two rows stand to each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// The row that is divided.
    pub of: Key,
    /// The row by which it is divided.
    pub by: Key,
    /// Which quantity.
    pub metric: Metric,
    /// In the old report.
    pub old: f64,
    /// In the new report.
    pub new: f64,
}

/// All ratios: models of one family first, then builds.
pub(super) fn ratios(kind: Kind, rows: &[RowChange]) -> Vec<Ratio> {
    let rows: Vec<&RowChange> = rows.iter().filter(|r| r.presence == Presence::Both && r.key.step.is_none()).collect();
    let mut families: BTreeMap<Key, Vec<(u64, &RowChange)>> = BTreeMap::new();
    for row in &rows {
        if let Some((subject, rank)) = family(&row.key.subject, kind) {
            families.entry(Key { subject, ..row.key.clone() }).or_default().push((rank, row));
        }
    }
    let mut ratios = Vec::new();
    for family in families.values_mut() {
        family.sort_by_key(|(rank, _)| *rank);
        family.windows(2).filter(|w| w[0].0 < w[1].0).for_each(|w| push(&mut ratios, w[1].1, w[0].1));
    }
    for fast in rows.iter().filter(|r| r.key.profile == "fast") {
        let wanted = Key { profile: "small".into(), ..fast.key.clone() };
        if let Some(small) = rows.iter().find(|r| r.key == wanted) {
            push(&mut ratios, small, fast);
        }
    }
    ratios
}

fn push(ratios: &mut Vec<Ratio>, of: &RowChange, by: &RowChange) {
    for metric in METRICS {
        if let (Some((old, new)), Some((old_by, new_by))) = (of.numbers(metric), by.numbers(metric))
            && old_by > 0.0
            && new_by > 0.0
        {
            ratios.push(Ratio { of: of.key.clone(), by: by.key.clone(), metric, old: old / old_by, new: new / new_by });
        }
    }
}

/// The name without its size, and the size: a word of it, or of operators the number.
fn family(subject: &str, kind: Kind) -> Option<(String, u64)> {
    let is_word = |c: char| c.is_alphanumeric();
    let mut start = 0;
    for word in subject.split(|c| !is_word(c)) {
        let rank = match kind {
            Kind::Ops => word.parse().ok(),
            Kind::Bench | Kind::Profile | Kind::Inspect | Kind::Ladder | Kind::Session => {
                WORDS.iter().position(|w| w.eq_ignore_ascii_case(word)).map(|i| i as u64)
            }
        };
        if let Some(rank) = rank {
            return Some((format!("{}*{}", &subject[..start], &subject[start + word.len()..]), rank));
        }
        // The separator behind the word may be of several bytes.
        start += word.len();
        start += subject[start..].chars().next().map_or(0, char::len_utf8);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::family;
    use crate::report::Kind;

    #[test]
    fn names_have_families_and_sizes() {
        let found = |name, kind| family(name, kind);
        assert_eq!(found("gpt_small_decode", Kind::Bench), Some(("gpt_*_decode".into(), 3)));
        assert_eq!(found("gpt_Medium_decode", Kind::Bench), Some(("gpt_*_decode".into(), 4)));
        assert_eq!(found("\u{e9}\u{2192}\u{2192}large", Kind::Bench), Some(("\u{e9}\u{2192}\u{2192}*".into(), 6)));
        assert_eq!(found("MatMul 128", Kind::Ops), Some(("MatMul *".into(), 128)));
        assert_eq!(found("mnist-8", Kind::Bench), None);
        assert_eq!(found("smaller", Kind::Bench), None);
        assert_eq!(found("", Kind::Ops), None);
    }
}
