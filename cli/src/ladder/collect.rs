//! Rows as one table.
//!
//! Invariants: the table follows from the rows' files alone, in whatever order they were made; ratios are to the original, and of times only
//! where one processor took both.

use std::path::Path;

use zant_measure::overview::ORIGINAL;
use zant_measure::replace;
use zant_measure::report::{Better, Kind, Metric, Report, Row, Value};
use zantc::diag::{Diagnostic, codes};
use zantc::emit::VERSION;
use zantc::targets::HOST;

use super::file::RowFile;

/// What a row may differ in from the others.
const OWN: [&str; 3] = ["method", "added", "added_options"];

/// By what rows are sorted; the best is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// How right the answers are.
    Quality,
    /// The method's name.
    Method,
    /// Another quantity.
    By(Metric),
}

impl Sort {
    /// The one of a name: `method`, or a quantity as reports call it.
    ///
    /// # Errors
    /// What there is, where it is none.
    pub fn named(name: &str) -> Result<Sort, String> {
        use Metric::{
            Arena, Code, Faster, Instructions, Onnx, Parameters, SmallWeights, Smaller, Stack, Time, Weights,
        };
        let known = [Parameters, Onnx, Weights, SmallWeights, Code, Arena, Stack, Time, Instructions, Smaller, Faster];
        match name {
            "method" => Ok(Sort::Method),
            "accuracy" | "error" => Ok(Sort::Quality),
            _ => known.into_iter().find(|m| m.definition().name == name).map(Sort::By).ok_or_else(|| {
                let names: Vec<&str> = known.iter().map(|m| m.definition().name).collect();
                format!("expected one of accuracy, error, method, {}", names.join(", "))
            }),
        }
    }
}

/// The table of all rows, of which `expected` are to be there.
///
/// # Errors
/// Rows of other inputs.
pub fn collect(rows: &[RowFile], expected: &[String], sort: Sort) -> Result<Report, Vec<Diagnostic>> {
    let fault = |why: String| vec![Diagnostic::error(codes::BAD_REPORT, why)];
    let base = rows.iter().find(|row| row.name == ORIGINAL);
    let Some(first) = base.or_else(|| rows.first()) else { return Err(fault("there is no row".into())) };
    for row in rows {
        let keys = first.inputs.keys().chain(row.inputs.keys()).filter(|key| !OWN.contains(&key.as_str()));
        if let Some(key) = keys.into_iter().find(|key| first.inputs.get(*key) != row.inputs.get(*key)) {
            let why = format!("the rows `{}` and `{}` are of other inputs: `{key}` differs", first.name, row.name);
            let help =
                "make all rows from the same model, data and options, or remove those that are not wanted from `rows`";
            return Err(vec![Diagnostic::error(codes::BAD_REPORT, why).help(help)]);
        }
    }
    let mut report = Report::new(Kind::Ladder, VERSION, first.report.machine.clone());
    report.notes = notes(rows, first, expected);
    for row in rows {
        let one_processor = row.report.machine.cpu == first.report.machine.cpu;
        for found in &row.report.rows {
            let mut found = found.clone();
            if found.key.target == HOST.name
                && let Some(base) = base.and_then(|base| base.report.rows.first())
            {
                ratios(&mut found, base, one_processor);
            }
            report.rows.push(found);
        }
    }
    order(&mut report.rows, sort);
    Ok(report)
}

/// Adds how much smaller and faster a row is than the original.
fn ratios(row: &mut Row, base: &Row, one_processor: bool) {
    for (of, ratio) in [(Metric::Weights, Metric::Smaller), (Metric::Time, Metric::Faster)] {
        let Some((before, now)) = base.number(of).zip(row.number(of)) else { continue };
        let value = before / now;
        match ratio == Metric::Faster && !one_processor {
            true => _ = row.values.insert(ratio, Value::Missing("another processor took the original's time".into())),
            false if value.is_finite() => _ = row.values.insert(ratio, Value::Real(value)),
            false => {}
        }
    }
}

fn notes(rows: &[RowFile], first: &RowFile, expected: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    let examples = rows.iter().find_map(|row| row.report.rows.first()?.number(Metric::Examples));
    let examples = examples.map_or(String::new(), |n| format!(" on {n} examples"));
    notes.push(format!("The answers are measured by {}{examples}.", first.metric));
    if first.inputs.get("calibration").is_some_and(String::is_empty) {
        let words = "Methods that calibrate did so with the validation data itself, which flatters them: `--calibrate` gives them others.";
        notes.push(words.into());
    }
    let mut others: Vec<&str> = rows.iter().map(|row| row.report.machine.cpu.as_str()).collect();
    others.retain(|cpu| *cpu != first.report.machine.cpu);
    others.sort_unstable();
    others.dedup();
    if !others.is_empty() {
        notes.push(format!(
            "Some rows were made on other processors ({}): their times stand beside no others.",
            others.join(", ")
        ));
    }
    for row in rows {
        notes.extend(row.report.notes.iter().cloned());
    }
    notes.extend(slower(rows));
    let missing: Vec<&str> =
        expected.iter().filter(|name| !rows.iter().any(|row| row.name == **name)).map(String::as_str).collect();
    if !missing.is_empty() {
        notes.push(format!("Rows that are not there yet: {}.", missing.join(", ")));
    }
    notes
}

/// For each emulated target, the rows that take more instructions than the original: they pay in flash alone.
fn slower(rows: &[RowFile]) -> Vec<String> {
    let Some(base) = rows.iter().find(|row| row.name == ORIGINAL) else { return Vec::new() };
    let counted = base.report.rows.iter().filter_map(|of| Some((&of.key.target, of.number(Metric::Instructions)?)));
    let note = |(target, most): (&String, f64)| {
        let all = rows.iter().flat_map(|row| &row.report.rows).filter(|row| row.key.target == *target);
        let mut more: Vec<(&str, f64)> = all
            .filter_map(|row| Some((row.key.subject.as_str(), row.number(Metric::Instructions)? / most - 1.0)))
            .filter(|(_, share)| *share > 0.0)
            .collect();
        more.sort_by(|a, b| a.0.cmp(b.0));
        let more: Vec<String> = more.iter().map(|(name, share)| format!("{name} (+{:.1} %)", share * 100.0)).collect();
        (!more.is_empty())
            .then(|| format!("On {target} these take more instructions than the original: {}.", more.join(", ")))
    };
    counted.filter_map(note).collect()
}

/// The best first, then by names; the host before other targets.
fn order(rows: &mut [Row], sort: Sort) {
    let all = rows.to_vec();
    // A row of another target stands where its method stands on the host.
    let number = |row: &Row, metric: Metric| {
        let of_it = || all.iter().filter(|other| other.key.subject == row.key.subject);
        let better = metric.definition().better == Better::Higher;
        let here = of_it().find_map(|other| other.number(metric));
        here.map_or(f64::INFINITY, |v| if better { -v } else { v })
    };
    let place = |row: &Row| match sort {
        Sort::Method => 0.0,
        Sort::By(metric) => number(row, metric),
        Sort::Quality => number(row, Metric::Accuracy).min(number(row, Metric::Deviation)),
    };
    let mut keyed: Vec<(bool, f64, Row)> =
        all.iter().map(|row| (row.key.target != HOST.name, place(row), row.clone())).collect();
    keyed.sort_by(|a, b| {
        let keys = (a.0, &a.2.key.target).cmp(&(b.0, &b.2.key.target));
        keys.then(a.1.total_cmp(&b.1)).then_with(|| a.2.key.cmp(&b.2.key))
    });
    for (row, (_, _, sorted)) in rows.iter_mut().zip(keyed) {
        *row = sorted;
    }
}

/// Writes `ladder.json`, `ladder.md` and `ladder.html`.
///
/// # Errors
/// What the file system refuses; the files that are there are then the old ones.
pub fn write(folder: &Path, report: &Report) -> Result<(), zant_measure::Error> {
    let files = [
        ("ladder.json", report.to_json()),
        ("ladder.md", report.to_markdown()),
        ("ladder.html", report.to_html(&Default::default())),
    ];
    replace(&files.map(|(name, text)| (folder.join(name), text)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use zant_measure::report::{Key, Kind, MachineInfo, Metric, Report, Row, Value};

    use super::super::file::RowFile;
    use super::{Sort, collect};

    fn row(name: &str, cpu: &str, accuracy: Option<f64>, weights: u64, time: f64) -> RowFile {
        let machine = MachineInfo { cpu: cpu.into(), ..MachineInfo::default() };
        let mut report = Report::new(Kind::Ladder, "0.1.0", machine);
        let quality = accuracy.map_or_else(|| Value::Missing(format!("{name} failed: x")), Value::Real);
        let mut values = BTreeMap::from([(Metric::Accuracy, quality)]);
        if accuracy.is_some() {
            values.insert(Metric::Weights, Value::Count(weights));
            values.insert(Metric::Time, Value::Real(time));
        }
        report.rows.push(Row::new(Key { subject: name.into(), target: "host".into(), ..Key::default() }, values));
        let inputs = [("model", "1"), ("method", name)].map(|(k, v)| (k.to_string(), v.to_string()));
        let mut row = RowFile::new(name, inputs.into(), report);
        row.failed = accuracy.is_none().then(|| "x".into());
        row
    }

    fn names(report: &Report) -> Vec<&str> {
        report.rows.iter().map(|row| row.key.subject.as_str()).collect()
    }

    #[test]
    fn the_best_is_first_and_ratios_are_to_the_original() {
        let rows = [
            row("bad", "a", None, 0, 0.0),
            row("int8", "a", Some(0.9), 100, 2.0),
            row("original", "a", Some(0.95), 400, 4.0),
            row("far", "b", Some(0.97), 50, 1.0),
        ];
        let report = collect(&rows, &["other".into()], Sort::Quality).unwrap();
        assert_eq!(names(&report), ["far", "original", "int8", "bad"]);
        let number = |at: usize, metric| report.rows[at].number(metric);
        assert_eq!((number(2, Metric::Smaller), number(2, Metric::Faster)), (Some(4.0), Some(2.0)));
        assert_eq!((number(0, Metric::Smaller), number(0, Metric::Faster)), (Some(8.0), None));
        assert!(report.notes.iter().any(|n| n.contains("not there yet: other")), "{:?}", report.notes);
        assert_eq!(Report::from_json(&report.to_json()), Ok(report.clone()));
        let (text, page) = (report.to_markdown(), report.to_html(&BTreeMap::new()));
        assert!(text.contains("bad failed: x"), "{text}");
        assert!(text.contains("| `bad` | failed |") && page.contains("<circle"), "{text}");
        let sorted = |by: &str| collect(&rows, &[], Sort::named(by).unwrap()).unwrap();
        assert_eq!(names(&sorted("weights")), ["far", "int8", "original", "bad"]);
        assert_eq!(names(&sorted("smaller")), ["far", "int8", "original", "bad"]);
        assert_eq!(names(&sorted("method")), ["bad", "far", "int8", "original"]);
        assert!(Sort::named("weight").unwrap_err().contains("weights"));
    }

    #[test]
    fn slower_rows_are_named() {
        let counted = |name: &str, instructions: u64| {
            let mut made = row(name, "a", Some(0.9), 100, 1.0);
            let mut emulated = made.report.rows[0].clone();
            emulated.key.target = "cortex-m7".into();
            emulated.values.insert(Metric::Instructions, Value::Count(instructions));
            made.report.rows.push(emulated);
            made
        };
        let rows = [counted("original", 1000), counted("int4", 1250), counted("same", 1000), counted("int8", 500)];
        let notes = collect(&rows, &[], Sort::Quality).unwrap().notes;
        let found: Vec<&String> = notes.iter().filter(|note| note.contains("more instructions")).collect();
        assert_eq!(found, ["On cortex-m7 these take more instructions than the original: int4 (+25.0 %)."]);
    }

    #[test]
    fn rows_of_other_inputs_are_refused() {
        let mut rows = [row("original", "a", Some(0.95), 400, 4.0), row("int8", "a", Some(0.9), 100, 2.0)];
        assert!(collect(&rows, &[], Sort::Quality).is_ok());
        rows[1].inputs.insert("model".into(), "2".into());
        let why = collect(&rows, &[], Sort::Quality).unwrap_err();
        assert!(why[0].message.contains("`model` differs"), "{why:?}");
    }
}
