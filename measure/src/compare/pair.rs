//! Which row of one report is which of the other.
//!
//! Invariant: each row is in one pair. Rows are the same whose keys are; a step that has no other half is the same as the only
//! one that differs in its number alone, for a step more before it makes it no other step.

use std::collections::BTreeMap;

use super::Alike;
use crate::report::{Key, Metric, Report, Row, Value};

/// A row of each report, or of one.
pub(super) struct Pair<'a> {
    pub(super) old: Option<&'a Row>,
    pub(super) new: Option<&'a Row>,
}

impl Pair<'_> {
    /// What the rows have in common, given the instruction sets of both machines for rows that do not say theirs.
    pub(super) fn alike(&self, old_isa: &str, new_isa: &str) -> Alike {
        let (Some(old), Some(new)) = (self.old, self.new) else { return Alike::default() };
        let counts = executed(old, old_isa).zip(executed(new, new_isa));
        let sets = |row: &Row, of_machine: &str| match (row.origin.isa.as_str(), row.key.target.as_str()) {
            ("", "host") => of_machine.to_string(),
            (isa, _) => isa.to_string(),
        };
        let (before, now) = (sets(old, old_isa), sets(new, new_isa));
        Alike { code: before == now && counts.is_some_and(|(old, new)| old == new), other_isa: before != now }
    }
}

/// What the row's code has executed. On the host, a row that does not say by what it was counted is counted as valgrind's
/// processor, which has no AVX-512, executes it; where the machine has that, other loops ran.
fn executed(row: &Row, of_machine: &str) -> Option<u64> {
    let unknown = row.origin.isa.is_empty() && row.key.target == "host" && of_machine.contains("avx512");
    match row.values.get(&Metric::Instructions)? {
        Value::Count(n) if !unknown => Some(*n),
        Value::Count(_) | Value::Real(_) | Value::Times(_) | Value::Missing(_) => None,
    }
}

/// Rows in the order of the new report; vanished ones at the end.
pub(super) fn pair<'a>(old: &'a Report, new: &'a Report) -> Vec<Pair<'a>> {
    let mut by_key: BTreeMap<&Key, &Row> = old.rows.iter().map(|row| (&row.key, row)).collect();
    let mut pairs: Vec<Pair<'a>> =
        new.rows.iter().map(|row| Pair { old: by_key.remove(&row.key), new: Some(row) }).collect();
    let (mut lone_old, mut lone_new) = (BTreeMap::<Key, Vec<&Row>>::new(), BTreeMap::<Key, Vec<usize>>::new());
    for row in by_key.values() {
        lone_old.entry(unnumbered(&row.key)).or_default().push(row);
    }
    for (i, pair) in pairs.iter().enumerate() {
        if let (None, Some(row)) = (pair.old, pair.new) {
            lone_new.entry(unnumbered(&row.key)).or_default().push(i);
        }
    }
    for (key, places) in &lone_new {
        if let ([place], Some([row])) = (places.as_slice(), lone_old.get(key).map(Vec::as_slice)) {
            pairs[*place].old = Some(row);
            by_key.remove(&row.key);
        }
    }
    let vanished = old.rows.iter().filter(|row| by_key.contains_key(&row.key));
    pairs.extend(vanished.map(|row| Pair { old: Some(row), new: None }));
    pairs
}

/// The key without the number that its step begins with.
fn unnumbered(key: &Key) -> Key {
    let step = key.step.as_ref().map(|s| s.trim_start_matches(|c: char| c.is_ascii_digit()).to_string());
    Key { step, ..key.clone() }
}

#[cfg(test)]
mod tests {
    use super::pair;
    use crate::report::{Key, Kind, MachineInfo, Report, Row};

    fn report(steps: &[&str]) -> Report {
        let mut report = Report::new(Kind::Profile, "0.1.0", MachineInfo::default());
        let row = |s: &&str| {
            let key = Key { subject: "m".into(), step: Some(s.to_string()), target: "host".into(), ..Key::default() };
            Row::new(key, Default::default())
        };
        report.rows = steps.iter().map(row).collect();
        report
    }

    fn steps(old: &[&str], new: &[&str]) -> Vec<(Option<String>, Option<String>)> {
        let (old, new) = (report(old), report(new));
        let step = |row: Option<&Row>| row.and_then(|r| r.key.step.clone());
        pair(&old, &new).iter().map(|p| (step(p.old), step(p.new))).collect()
    }

    fn some(a: &str, b: &str) -> (Option<String>, Option<String>) {
        let one = |s: &str| (!s.is_empty()).then(|| s.to_string());
        (one(a), one(b))
    }

    #[test]
    fn steps_are_found_where_their_numbers_moved() {
        let pairs = steps(&["0 conv a", "1 conv b", "2 pool c"], &["0 copy x", "1 conv a", "2 conv b"]);
        assert_eq!(
            pairs,
            [some("", "0 copy x"), some("0 conv a", "1 conv a"), some("1 conv b", "2 conv b"), some("2 pool c", "")]
        );
    }

    #[test]
    fn steps_of_one_name_are_told_apart_by_their_numbers_or_not_at_all() {
        let pairs = steps(&["0 map", "1 map"], &["0 map", "2 map", "3 map"]);
        assert_eq!(pairs, [some("0 map", "0 map"), some("", "2 map"), some("", "3 map"), some("1 map", "")]);
    }
}
