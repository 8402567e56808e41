//! What became of one quantity of one row: the arithmetic, and what counts as better or worse.
//!
//! Invariants: counts are compared as integers, so that one instruction is a change; times count only where both reports say
//! that it is more than their spread, the instructions differ, and code that is the same did not move as far; counts of different
//! instruction sets are not compared; what merely follows from another quantity, or was measured once, is shown and judges
//! nothing. Distances are those of logarithms: what is worse one way is as much better the other way.

use serde::Serialize;

use crate::report::{Better, Judge, Metric, Spread, Value, word};

/// Times of fewer runs have no spread worth its name.
const FEWEST_RUNS: u64 = 5;

/// What became of a quantity, or of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Worse.
    Regressed,
    /// Better.
    Improved,
    /// Different, which is neither better nor worse, or is not judged.
    Changed,
    /// The same, or not to be told apart from it.
    Unchanged,
    /// Only the new report has it.
    New,
    /// Only the old report has it.
    Vanished,
    /// In one of the reports at least it says why there is no number.
    NotMeasured,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> String {
        word(&self)
    }
}

/// What became of a quantity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Which.
    pub metric: Metric,
    /// What the old report says.
    pub old: Option<Value>,
    /// What the new report says.
    pub new: Option<Value>,
    /// New without old, in the quantity's unit.
    pub delta: Option<f64>,
    /// The delta by old, in percent; none where old is zero and new is not.
    pub percent: Option<f64>,
    /// What became of it.
    pub status: Status,
    /// Whether it improved or regressed by more than the threshold. From zero, all is.
    pub beyond: bool,
}

/// The counts that are of what a processor has executed, which other instruction sets make others.
fn of_an_isa(metric: Metric) -> bool {
    matches!(metric, Metric::Instructions | Metric::ProcessInstructions | Metric::InstructionsPerMac)
}

/// By what changes are judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rules {
    /// Changes of up to so many percent decide nothing.
    pub threshold_percent: f64,
    /// Whether both reports are of one machine; times of two are shown only.
    pub same_machine: bool,
    /// By how many percent a time has to move to be more than what the machine does by itself: three standard deviations of how
    /// those of equal code moved.
    pub noise_percent: f64,
}

/// What two rows have in common besides their key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alike {
    /// Both execute the same number of instructions of the same sets: their times are the machine's.
    pub code: bool,
    /// They may have used different instruction sets: their counts are of different things.
    pub other_isa: bool,
}

/// Rows of equal code that noise is estimated from, at least: with fewer, one of them would set it.
const FEWEST_EQUAL: usize = 3;

/// By how many percent times move by themselves, from how far those of equal code moved (natural logarithms): three standard
/// deviations, each 1.4826 times the median of the distances (the median absolute deviation of a normal distribution), so that
/// no single row sets it.
pub(crate) fn noise(mut moved: Vec<f64>) -> f64 {
    if moved.len() < FEWEST_EQUAL {
        return 0.0;
    }
    moved.sort_by(f64::total_cmp);
    ((3.0 * 1.4826 * moved[moved.len() / 2]).exp() - 1.0) * 100.0
}

/// How far apart two numbers are: the distance of their logarithms; endless from or to zero.
pub(crate) fn distance(old: f64, new: f64) -> f64 {
    match old == new {
        true => 0.0,
        false if old > 0.0 && new > 0.0 => (new / old).ln().abs(),
        false => f64::INFINITY,
    }
}

/// Whether two numbers are more than so many percent apart: of the smaller one, whichever came first. From or to zero they are.
pub(crate) fn apart(old: f64, new: f64, percent: f64) -> bool {
    let (less, more) = (old.min(new), old.max(new));
    if less > 0.0 { more * 100.0 > less * (100.0 + percent) } else { old != new }
}

/// The distance that so many percent more are.
pub(crate) fn limit(percent: f64) -> f64 {
    (percent / 100.0).ln_1p()
}

impl Change {
    /// Compares.
    pub fn of(metric: Metric, old: Option<&Value>, new: Option<&Value>, rules: &Rules, alike: Alike) -> Change {
        let numbers = old.and_then(Value::number).zip(new.and_then(Value::number));
        let percent = numbers.and_then(|(old, new)| percent(old, new));
        let status = match (old, new) {
            (None, _) => Status::New,
            (Some(_), None) => Status::Vanished,
            (Some(Value::Missing(_)), _) | (_, Some(Value::Missing(_))) => Status::NotMeasured,
            (Some(old), Some(new)) => compared(metric, old, new, (rules, alike)),
        };
        let beyond = matches!(status, Status::Improved | Status::Regressed)
            && numbers.is_none_or(|(old, new)| apart(old, new, rules.threshold_percent));
        let delta = numbers.map(|(old, new)| new - old);
        Change { metric, old: old.cloned(), new: new.cloned(), delta, percent, status, beyond }
    }
}

impl Change {
    /// Whether both are times of enough runs.
    pub(super) fn has_spreads(&self) -> bool {
        let enough = |value: &Option<Value>| matches!(value, Some(Value::Times(s)) if s.runs >= FEWEST_RUNS);
        enough(&self.old) && enough(&self.new)
    }
}

/// The change in percent of `old`; none where that is zero and `new` is not.
pub(crate) fn percent(old: f64, new: f64) -> Option<f64> {
    if old == new {
        return Some(0.0);
    }
    (old != 0.0).then(|| (new - old) / old * 100.0).filter(|p| p.is_finite())
}

fn compared(metric: Metric, old: &Value, new: &Value, (rules, alike): (&Rules, Alike)) -> Status {
    let (Some(before), Some(now)) = (old.number(), new.number()) else { return Status::NotMeasured };
    let same = match (old, new) {
        (Value::Count(old), Value::Count(new)) => old == new,
        _ => before == now,
    };
    if same {
        return Status::Unchanged;
    }
    let counts = match (metric.definition().judge, old, new) {
        (Judge::Exact, ..) => !(alike.other_isa && of_an_isa(metric)),
        (Judge::Spread, Value::Times(old), Value::Times(new)) if rules.same_machine => {
            let within = |percent: f64| !apart(before, now, percent);
            if !told_apart(old, new) || within(rules.threshold_percent) {
                return Status::Unchanged;
            }
            !alike.code && !within(rules.noise_percent)
        }
        (Judge::Spread | Judge::Shown, ..) => false,
    };
    let grew = match (old, new) {
        (Value::Count(old), Value::Count(new)) => new > old,
        _ => now > before,
    };
    match (counts, metric.definition().better) {
        (false, _) | (true, Better::Neither) => Status::Changed,
        (true, Better::Lower) if grew => Status::Regressed,
        (true, Better::Higher) if !grew => Status::Regressed,
        (true, Better::Lower | Better::Higher) => Status::Improved,
    }
}

/// Whether two spreads are of different times: the median of each lies outside of what the other has from its minimum to its
/// 95th percentile.
fn told_apart(old: &Spread, new: &Spread) -> bool {
    let outside = |median: f64, spread: &Spread| median < spread.min || median > spread.p95;
    let enough = old.runs >= FEWEST_RUNS && new.runs >= FEWEST_RUNS;
    enough && outside(old.median, new) && outside(new.median, old)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{Alike, Change, Rules, Status, apart, noise, percent};
    use crate::report::{Metric, Spread, Value};

    const RULES: Rules = Rules { threshold_percent: 5.0, same_machine: true, noise_percent: 0.0 };

    fn count(old: u64, new: u64) -> Change {
        Change::of(Metric::Instructions, Some(&Value::Count(old)), Some(&Value::Count(new)), &RULES, Alike::default())
    }

    fn time(old: [f64; 3], new: [f64; 3], runs: u64, rules: &Rules) -> Change {
        let times = |[min, median, p95]: [f64; 3]| Value::Times(Spread { min, median, p95, runs });
        Change::of(Metric::Time, Some(&times(old)), Some(&times(new)), rules, Alike::default())
    }

    #[test]
    fn one_instruction_is_a_change_and_decides_nothing() {
        let change = count(1_000_000, 1_000_001);
        assert_eq!((change.status, change.beyond), (Status::Regressed, false));
        assert!((change.percent.unwrap() - 1e-4).abs() < 1e-12);
        // Beyond what an f64 can tell apart.
        assert_eq!(count(1 << 60, (1 << 60) + 1).status, Status::Regressed);
        let change = count(100, 94);
        assert_eq!((change.status, change.beyond, change.delta), (Status::Improved, true, Some(-6.0)));
        assert!(!count(100, 105).beyond);
        assert!(count(100, 106).beyond);
    }

    #[test]
    fn from_nothing_there_is_no_percentage_and_all_is_beyond() {
        let change = count(0, 5);
        assert_eq!((change.status, change.beyond), (Status::Regressed, true));
        assert_eq!((change.delta, change.percent), (Some(5.0), None));
        let change = count(5, 0);
        assert_eq!((change.status, change.beyond, change.percent), (Status::Improved, true, Some(-100.0)));
        let change = count(0, 0);
        assert_eq!((change.status, change.beyond, change.percent), (Status::Unchanged, false, Some(0.0)));
    }

    #[test]
    fn times_count_beyond_spread_and_threshold() {
        for (old, new, runs, status) in [
            ([9.0, 10.0, 11.0], [19.0, 20.0, 21.0], 20, Status::Regressed),
            ([19.0, 20.0, 21.0], [9.0, 10.0, 11.0], 20, Status::Improved),
            // Within the spread of the old one, of the new one.
            ([9.0, 10.0, 30.0], [19.0, 20.0, 21.0], 20, Status::Unchanged),
            ([9.0, 10.0, 11.0], [8.0, 20.0, 21.0], 20, Status::Unchanged),
            // Told apart, within the threshold.
            ([99.0, 100.0, 101.0], [103.0, 104.0, 105.0], 20, Status::Unchanged),
            // Too few runs.
            ([9.0, 10.0, 11.0], [19.0, 20.0, 21.0], 4, Status::Unchanged),
        ] {
            let change = time(old, new, runs, &RULES);
            assert_eq!(change.status, status, "{old:?} {new:?}");
            assert_eq!(change.beyond, status != Status::Unchanged);
        }
        let elsewhere = Rules { same_machine: false, ..RULES };
        let change = time([9.0, 10.0, 11.0], [19.0, 20.0, 21.0], 20, &elsewhere);
        assert_eq!((change.status, change.beyond, change.percent), (Status::Changed, false, Some(100.0)));
    }

    #[test]
    fn times_of_the_same_code_and_within_the_noise_of_such_are_shown() {
        let times = |m: f64| Value::Times(Spread { min: m, median: m, p95: m, runs: 20 });
        let change =
            |new: f64, rules, same| Change::of(Metric::Time, Some(&times(10.0)), Some(&times(new)), rules, same);
        assert_eq!(change(20.0, &RULES, Alike::default()).status, Status::Regressed);
        assert_eq!(change(20.0, &RULES, Alike { code: true, ..Alike::default() }).status, Status::Changed);
        let noisy = Rules { noise_percent: 50.0, ..RULES };
        assert_eq!(
            [14.0, 14.9, 16.0].map(|t| change(t, &noisy, Alike::default()).status),
            [Status::Changed, Status::Changed, Status::Regressed]
        );
    }

    #[test]
    fn noise_is_of_most_rows_and_never_of_one() {
        assert_eq!(noise(vec![4.0, 4.0]), 0.0);
        assert_eq!(noise(vec![0.0, 0.0, 0.0, 0.0, 9.0]), 0.0);
        let three = noise(vec![0.02, 0.01, 0.03]);
        assert!((three - ((0.02f64 * 4.4478).exp() - 1.0) * 100.0).abs() < 1e-9, "{three}");
    }

    #[test]
    fn what_is_missing_is_not_zero() {
        let (missing, five) = (Value::Missing("needs valgrind".into()), Value::Count(5));
        for (old, new, status) in [
            (Some(&missing), Some(&five), Status::NotMeasured),
            (Some(&five), Some(&missing), Status::NotMeasured),
            (None, Some(&five), Status::New),
            (Some(&five), None, Status::Vanished),
        ] {
            let change = Change::of(Metric::Leaked, old, new, &RULES, Alike::default());
            assert_eq!((change.status, change.beyond, change.delta, change.percent), (status, false, None, None));
        }
    }

    #[test]
    fn what_follows_from_others_is_shown() {
        let change =
            Change::of(Metric::Throughput, Some(&Value::Real(2.0)), Some(&Value::Real(1.0)), &RULES, Alike::default());
        assert_eq!((change.status, change.beyond, change.percent), (Status::Changed, false, Some(-50.0)));
    }

    proptest! {
        #[test]
        fn deltas_and_percentages_lead_from_old_to_new(old in 0..1u64 << 52, new in 0..1u64 << 52) {
            let change = count(old, new);
            let delta = change.delta.unwrap();
            prop_assert_eq!(delta as i64, new as i64 - old as i64);
            match change.percent {
                None => prop_assert!(old == 0 && new != 0),
                Some(p) => {
                    let there = old as f64 * (1.0 + p / 100.0);
                    prop_assert!((there - new as f64).abs() <= 1e-9 * (old.max(new) as f64), "{} is not {}", there, new);
                    prop_assert_eq!(p > 0.0, new > old);
                    prop_assert_eq!(p == 0.0, new == old);
                }
            }
        }

        #[test]
        fn exchanging_the_reports_exchanges_better_and_worse(old in any::<u64>(), new in any::<u64>()) {
            let (there, back) = (count(old, new), count(new, old));
            let mirrored = match there.status {
                Status::Regressed => Status::Improved,
                Status::Improved => Status::Regressed,
                other => other,
            };
            prop_assert_eq!(back.status, mirrored);
            prop_assert_eq!(there.status == Status::Unchanged, old == new);
        }

        #[test]
        fn percentages_of_any_numbers_are_numbers(old in any::<f64>(), new in any::<f64>()) {
            prop_assert!(percent(old, new).is_none_or(f64::is_finite));
        }

        #[test]
        fn a_time_is_the_same_as_itself_and_changes_are_mirrored(
            a in 1.0..1e6f64, b in 1.0..1e6f64, spread in 1.0..2.0f64, threshold in 0.0..50.0f64
        ) {
            let rules = Rules { threshold_percent: threshold, ..RULES };
            let of = |m: f64| [m / spread, m, m * spread];
            prop_assert_eq!(time(of(a), of(a), 9, &rules).status, Status::Unchanged);
            let change = time(of(a), of(b), 9, &rules);
            if change.status != Status::Unchanged {
                prop_assert_eq!(change.status == Status::Regressed, b > a);
                prop_assert!(apart(a, b, threshold));
                prop_assert!(b > a * spread || b < a / spread);
            }
        }
    }
}
