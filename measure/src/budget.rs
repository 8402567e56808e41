//! Budgets: what models may need, in `zant.budget.toml`, and which reports exceed them.
//!
//! Invariants: a budget of what a report does not have is reported, never taken for kept; what is written is read again with the
//! same meaning, and in a stable order.

use std::fmt;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use crate::Error;
use crate::replace;
use crate::report::{Key, Metric, Report, Row, Unreadable};

/// Bytes of the longest file of budgets that is read.
const LONGEST: u64 = 1 << 20;

/// All budgets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// In the order of the file.
    #[serde(default, rename = "budget")]
    pub budgets: Vec<Budget>,
}

/// What a model may need; no limit allows anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The model: a row's subject.
    pub model: String,
    /// The target; all where there is none.
    pub target: Option<String>,
    /// The build, `fast` or `small`; all where there is none.
    pub profile: Option<String>,
    /// The memory, `static` or `heap`; all where there is none.
    pub alloc: Option<String>,
    /// Bytes of peak memory, or of the arena where a report knows no more.
    pub ram: Option<u64>,
    /// Bytes of the executable, or of the weights where a report knows no more.
    pub flash: Option<u64>,
    /// Instructions of one inference.
    pub instructions: Option<u64>,
}

/// How a budget and a report do not agree.
#[derive(Clone, Debug, PartialEq)]
pub enum Violation {
    /// More is needed than is allowed.
    Exceeded {
        /// Of what.
        key: Key,
        /// By which quantity.
        metric: Metric,
        /// What is needed.
        needed: f64,
        /// What is allowed.
        allowed: u64,
    },
    /// The report has the rows, and not the quantity.
    NotMeasured {
        /// Of what.
        key: Key,
        /// Which limit: `ram`, `flash` or `instructions`.
        limit: &'static str,
    },
    /// The report has no row that the budget is for.
    Unknown(Budget),
}

/// Quantities by which a limit is checked: the first that a row has.
const LIMITS: [(&str, [Metric; 2]); 3] = [
    ("ram", [Metric::PeakMemory, Metric::Arena]),
    ("flash", [Metric::Executable, Metric::Weights]),
    ("instructions", [Metric::Instructions, Metric::Instructions]),
];

impl Budgets {
    /// Reads a file.
    ///
    /// # Errors
    /// What the file system refuses, and text that has no budgets: the field is named.
    pub fn read(path: &Path) -> Result<Budgets, Unreadable> {
        use std::io::Read;
        let named = |why: &dyn fmt::Display| Unreadable(format!("{}: {why}", path.display()));
        let file = std::fs::File::open(path).map_err(|e| named(&e))?;
        let mut text = String::new();
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(|e| named(&e))?;
        Budgets::from_toml(&text).map_err(|e| named(&e))
    }

    /// Reads text.
    ///
    /// # Errors
    /// Text that has no budgets: the field is named. A budget without a limit.
    pub fn from_toml(text: &str) -> Result<Budgets, Unreadable> {
        if text.len() as u64 > LONGEST {
            return Err(Unreadable(format!("longer than budgets are ({LONGEST} bytes)")));
        }
        let budgets: Budgets = toml::from_str(text).map_err(|e| Unreadable(e.to_string().trim_end().to_string()))?;
        match budgets.budgets.iter().find(|b| b.limits().iter().all(Option::is_none)) {
            Some(b) => {
                Err(Unreadable(format!("the budget of {} has none of `ram`, `flash` and `instructions`", b.model)))
            }
            None => Ok(budgets),
        }
    }

    /// The text of the file.
    pub fn to_toml(&self) -> String {
        let mut text = String::from(
            "# What models may need: checked by `zantc compare --budget`, written by `zantc bench --update-budget`.\n\
             # ram and flash in bytes, instructions of one inference. Without target, profile or alloc a budget is for all.\n",
        );
        for b in &self.budgets {
            // Names are data: quoted and escaped.
            let quoted = |s: &str| toml::Value::String(s.into()).to_string();
            _ = write!(text, "\n[[budget]]\nmodel = {}\n", quoted(&b.model));
            for (name, value) in [("target", &b.target), ("profile", &b.profile), ("alloc", &b.alloc)] {
                value.iter().for_each(|v| _ = writeln!(text, "{name} = {}", quoted(v)));
            }
            for ((name, _), value) in LIMITS.iter().zip(b.limits()) {
                value.iter().for_each(|v| _ = writeln!(text, "{name} = {v}"));
            }
        }
        text
    }

    /// What a report needs, with room for `margin_percent` more: a budget for each of its models, targets, builds and memories.
    pub fn of(report: &Report, margin_percent: f64) -> Budgets {
        // The largest integer that TOML has.
        let room = |v: f64| ((v * (1.0 + margin_percent / 100.0)).ceil() as u64).min(i64::MAX as u64);
        let budget = |row: &Row| {
            let limit = |i: usize| needed(row, &LIMITS[i].1).map(|(_, v)| room(v));
            let word = |s: &String| (!s.is_empty()).then(|| s.clone());
            Budget {
                model: row.key.subject.clone(),
                target: word(&row.key.target),
                profile: word(&row.key.profile),
                alloc: word(&row.key.alloc),
                ram: limit(0),
                flash: limit(1),
                instructions: limit(2),
            }
        };
        let whole = report.rows.iter().filter(|r| r.key.step.is_none());
        Budgets { budgets: whole.map(budget).filter(|b| b.limits().iter().any(Option::is_some)).collect() }
    }

    /// These budgets with those of `newer` in the place of the ones for the same, and its others at the end.
    pub fn updated(mut self, newer: Budgets) -> Budgets {
        for budget in newer.budgets {
            match self.budgets.iter_mut().find(|b| b.is_for_the_same(&budget)) {
                Some(old) => *old = budget,
                None => self.budgets.push(budget),
            }
        }
        self
    }

    /// Checks a report.
    pub fn check(&self, report: &Report) -> Vec<Violation> {
        self.budgets.iter().flat_map(|budget| budget.check(report)).collect()
    }
}

impl Budget {
    fn limits(&self) -> [Option<u64>; 3] {
        [self.ram, self.flash, self.instructions]
    }

    fn is_for_the_same(&self, other: &Budget) -> bool {
        (&self.model, &self.target, &self.profile, &self.alloc)
            == (&other.model, &other.target, &other.profile, &other.alloc)
    }

    fn is_for(&self, key: &Key) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| w == is);
        key.step.is_none()
            && self.model == key.subject
            && fits(&self.target, &key.target)
            && fits(&self.profile, &key.profile)
            && fits(&self.alloc, &key.alloc)
    }

    fn check(&self, report: &Report) -> Vec<Violation> {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| self.is_for(&row.key)).collect();
        if rows.is_empty() {
            return vec![Violation::Unknown(self.clone())];
        }
        let limits = || LIMITS.iter().zip(self.limits()).filter_map(|(limit, allowed)| Some((limit, allowed?)));
        let judge = |row: &&Row, ((limit, metrics), allowed): (&(&'static str, [Metric; 2]), u64)| {
            let key = row.key.clone();
            match needed(row, metrics) {
                None => Some(Violation::NotMeasured { key, limit }),
                Some((metric, needed)) if needed > allowed as f64 => {
                    Some(Violation::Exceeded { key, metric, needed, allowed })
                }
                Some(_) => None,
            }
        };
        rows.iter().flat_map(|row| limits().filter_map(|limit| judge(row, limit)).collect::<Vec<_>>()).collect()
    }
}

/// Writes what a report needs, with room for `margin_percent` more, into a file of budgets; those for other rows stay.
///
/// # Errors
/// What the file system refuses, and a file that is there and has no budgets.
pub fn update(path: &Path, report: &Report, margin_percent: f64) -> Result<(), Error> {
    let old = match path.try_exists() {
        Ok(false) => Budgets::default(),
        Ok(true) | Err(_) => Budgets::read(path).map_err(|e| Error::Io(e.0))?,
    };
    let text = old.updated(Budgets::of(report, margin_percent)).to_toml();
    replace(&[(path.to_path_buf(), text)])
}

/// The first of the quantities that a row has.
fn needed(row: &Row, metrics: &[Metric]) -> Option<(Metric, f64)> {
    metrics.iter().find_map(|m| Some((*m, row.number(*m)?)))
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::Exceeded { key, metric, needed, allowed } => {
                let over = needed - *allowed as f64;
                write!(f, "{key}: {} is {needed}, {over} more than the {allowed} allowed", metric.definition().title)
            }
            Violation::NotMeasured { key, limit } => {
                write!(f, "{key}: there is a limit of {limit}, and no measurement")
            }
            Violation::Unknown(budget) => {
                write!(f, "there is a budget for {}", budget.model)?;
                let parts = [&budget.target, &budget.profile, &budget.alloc];
                parts.into_iter().flatten().try_for_each(|part| write!(f, " / {part}"))?;
                f.write_str(", and no row in the report")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::option::of;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{Budget, Budgets, Violation};
    use crate::report::{Metric, Report, Value};

    fn report() -> Report {
        Report::from_json(include_str!("../tests/data/bench.json")).unwrap()
    }

    fn parse(text: &str) -> Budgets {
        Budgets::from_toml(text).unwrap()
    }

    #[test]
    fn what_was_measured_keeps_its_own_budget_and_one_byte_more_does_not() {
        let mut report = report();
        let budgets = Budgets::of(&report, 0.0);
        assert_eq!(budgets.budgets.len(), report.rows.len());
        assert_eq!(budgets.check(&report), []);
        let Some(Value::Count(bytes)) = report.rows[0].values.get_mut(&Metric::Executable) else { panic!() };
        *bytes += 1;
        let [Violation::Exceeded { metric: Metric::Executable, needed, allowed, .. }] = budgets.check(&report)[..]
        else {
            panic!("{:?}", budgets.check(&report));
        };
        assert_eq!(needed, allowed as f64 + 1.0);
        assert_eq!(Budgets::of(&report, 5.0).check(&report), []);
    }

    #[test]
    fn a_budget_without_target_is_for_all() {
        let budgets = parse("[[budget]]\nmodel = \"mnist-8\"\ninstructions = 1000000\n");
        let says: Vec<String> = budgets.check(&report()).iter().map(ToString::to_string).collect();
        let target =
            "mnist-8 / cortex-m7 / fast / static: instructions is 2200759, 1200759 more than the 1000000 allowed";
        assert!(says.len() == 2 && says[0] == target, "{says:?}");
    }

    #[test]
    fn a_budget_of_nothing_is_no_kept_budget() {
        let mut report = report();
        let says = |b: &str, r: &Report| parse(b).check(r).iter().map(ToString::to_string).collect::<Vec<_>>();
        let found = says("[[budget]]\nmodel = \"other\"\ntarget = \"host\"\nram = 1\n", &report);
        assert_eq!(found, ["there is a budget for other / host, and no row in the report"]);
        report.rows[0].values.insert(Metric::Instructions, Value::Missing("needs valgrind".into()));
        let one = "[[budget]]\nmodel = \"mnist-8\"\ntarget = \"host\"\nprofile = \"fast\"\nalloc = \"static\"\ninstructions = 9\n";
        assert_eq!(
            says(one, &report),
            ["mnist-8 / host / fast / static: there is a limit of instructions, and no measurement"]
        );
    }

    #[test]
    fn wrong_budgets_are_refused_with_their_field() {
        for (text, says) in [
            ("[[budget]]\nmodel = \"m\"\nrom = 1\n", "rom"),
            ("[[budget]]\nram = 1\n", "model"),
            ("[[budget]]\nmodel = \"m\"\nram = -1\n", "ram"),
            ("[[budget]]\nmodel = \"m\"\n", "has none of"),
            ("budget = 1", "budget"),
            ("[", "TOML"),
        ] {
            let why = Budgets::from_toml(text).unwrap_err().0;
            assert!(why.contains(says), "{why}\nlacks {says}");
        }
    }

    #[test]
    fn an_update_replaces_and_adds_and_keeps() {
        let old = parse("[[budget]]\nmodel = \"a\"\nram = 1\n[[budget]]\nmodel = \"b\"\nram = 2\n");
        let new = parse("[[budget]]\nmodel = \"b\"\nram = 3\n[[budget]]\nmodel = \"c\"\nflash = 4\n");
        let models: Vec<(String, Option<u64>)> =
            old.updated(new).budgets.into_iter().map(|b| (b.model, b.ram)).collect();
        assert_eq!(models, [("a".into(), Some(1)), ("b".into(), Some(3)), ("c".into(), None)]);
    }

    #[test]
    fn a_file_is_made_updated_and_never_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zant.budget.toml");
        let mut report = report();
        super::update(&path, &report, 10.0).unwrap();
        let first = Budgets::read(&path).unwrap();
        assert_eq!(first, Budgets::of(&report, 10.0));
        let dropped = report.rows.remove(0);
        super::update(&path, &report, 0.0).unwrap();
        let second = Budgets::read(&path).unwrap();
        assert_eq!(second.budgets[0], first.budgets[0], "what was not measured keeps its budget");
        report.rows.insert(0, dropped);
        assert_eq!(second.budgets[1..], Budgets::of(&report, 0.0).budgets[1..]);
        std::fs::write(&path, "broken").unwrap();
        assert!(super::update(&path, &report, 0.0).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "broken");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            model in any::<String>(), target in of(any::<String>()), profile in of("fast|small"),
            ram in 0..i64::MAX as u64, flash in of(0..i64::MAX as u64)
        ) {
            let budget = Budget { model, target, profile, ram: Some(ram), flash, ..Budget::default() };
            let budgets = Budgets { budgets: vec![budget] };
            prop_assert_eq!(Budgets::from_toml(&budgets.to_toml()), Ok(budgets));
        }
    }
}
