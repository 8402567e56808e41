//! Reads reports, which may come from anywhere.
//!
//! Invariants: what is refused names the field; nothing is read beyond [`LONGEST`] bytes, and no tree is made of what is not
//! known to be a report; a field that this version does not know is refused, for what it says would be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, de::DeserializeOwned};

use super::{FORMAT, Holds, INSPECTION, Key, Metric, Origin, Other, Report, Row, Unreadable, VERSION, Value};

/// Bytes of the longest report that is read: a hundred times what the steps of the largest models take.
const LONGEST: u64 = 16 << 20;

/// What is read first, of anything that may be a report.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<u64>,
}

/// What `zantc inspect` writes, of which only the report is read here.
#[derive(Deserialize)]
struct Inspection {
    report: Report,
}

/// A row as it is written; names are those of [`Key`] and [`Row`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flat {
    subject: String,
    #[serde(default)]
    step: Option<String>,
    target: String,
    #[serde(default)]
    profile: String,
    #[serde(default)]
    alloc: String,
    #[serde(default)]
    run: usize,
    #[serde(default)]
    model: String,
    #[serde(default)]
    isa: String,
    #[serde(deserialize_with = "values")]
    values: BTreeMap<Metric, Value>,
}

impl From<Flat> for Row {
    fn from(flat: Flat) -> Row {
        let Flat { subject, step, target, profile, alloc, run, model, isa, values } = flat;
        Row { key: Key { subject, step, target, profile, alloc }, origin: Origin { run, model, isa }, values }
    }
}

impl Report {
    /// Reads a report from a file.
    ///
    /// # Errors
    /// As [`Report::from_json`], with the file named.
    pub fn read(path: &Path) -> Result<Report, Unreadable> {
        let named = |why: String| Unreadable(format!("{}: {why}", path.display()));
        let mut text = Vec::new();
        let file = std::fs::File::open(path).map_err(|e| named(e.to_string()))?;
        file.take(LONGEST + 1).read_to_end(&mut text).map_err(|e| named(e.to_string()))?;
        let text = std::str::from_utf8(&text).map_err(|e| named(format!("no text: {e}")))?;
        Report::from_json(text).map_err(|e| named(e.0))
    }

    /// Reads a report, or the one in what `zantc inspect --json` writes.
    ///
    /// # Errors
    /// Text that is no report, of another version, with a field that is missing, unknown, twice or of another type (named), with
    /// two rows about the same, with times that are no numbers or out of order, with a value of a kind that its quantity has not, or
    /// with a whole model that took nothing.
    pub fn from_json(text: &str) -> Result<Report, Unreadable> {
        if text.len() as u64 > LONGEST {
            return Err(Unreadable(format!("longer than reports are ({LONGEST} bytes)")));
        }
        let Head { format, version } = parse(text)?;
        let inspected = match format.as_deref() {
            Some(FORMAT) => false,
            Some(INSPECTION) => true,
            Some(other) => return Err(Unreadable(format!("field `format` is {other:?}, not {FORMAT:?}"))),
            None => return Err(Unreadable(format!("there is no field `format` with {FORMAT:?}"))),
        };
        check_version(version)?;
        let report = if inspected { parse::<Inspection>(text)?.report } else { parse(text)? };
        if report.format != FORMAT {
            return Err(Unreadable(format!("field `report.format` is {:?}, not {FORMAT:?}", report.format)));
        }
        check_version(Some(report.version.into()))?;
        report.check()?;
        Ok(report)
    }

    /// Rows that are about different things, and numbers that are some.
    fn check(&self) -> Result<(), Unreadable> {
        if let Some(why) = self.others.iter().find_map(Other::fault) {
            return Err(Unreadable(why));
        }
        let mut seen = BTreeSet::new();
        for row in &self.rows {
            if !seen.insert(&row.key) {
                return Err(Unreadable(format!("two rows are about {}", row.key)));
            }
            if let Some((metric, _)) = row.values.iter().find(|(_, value)| !sound(value)) {
                return Err(Unreadable(format!("`{}` of {} is no measurement", metric.definition().name, row.key)));
            }
            if let Some((metric, value)) = row.values.iter().find(|(metric, value)| !fits(**metric, value)) {
                let (name, is) = (metric.definition().name, kind_name(value));
                return Err(Unreadable(format!("`{name}` of {} is {is}, which it cannot be", row.key)));
            }
            if let Some(metric) =
                NEVER_ZERO.into_iter().find(|m| row.key.step.is_none() && row.minimum(*m) == Some(0.0))
            {
                return Err(Unreadable(format!("`{}` of {} is 0: nothing ran", metric.definition().name, row.key)));
            }
            if row.origin.run > 0 && row.origin.run >= self.runs.len() {
                return Err(Unreadable(format!("{} is of run {}, which is not there", row.key, row.origin.run)));
            }
        }
        Ok(())
    }
}

fn check_version(version: Option<u64>) -> Result<(), Unreadable> {
    let now = u64::from(VERSION);
    match version {
        Some(version) if version == now => Ok(()),
        Some(other) => {
            let age = if other < now { "an older zantc wrote it: measure again" } else { "a newer zantc wrote it" };
            Err(Unreadable(format!("field `version` is {other}, and this zantc reads {now}; {age}")))
        }
        None => Err(Unreadable("there is no field `version` with a number".into())),
    }
}

fn sound(value: &Value) -> bool {
    match value {
        Value::Count(_) | Value::Missing(_) => true,
        Value::Real(v) => v.is_finite(),
        Value::Times(s) => {
            let numbers = [s.min, s.median, s.p95].iter().all(|v| v.is_finite() && *v >= 0.0);
            numbers && s.min <= s.median && s.median <= s.p95 && s.runs > 0
        }
    }
}

/// What a whole model or operator takes some of.
const NEVER_ZERO: [Metric; 5] =
    [Metric::Instructions, Metric::InstructionsAvx2, Metric::ProcessInstructions, Metric::Time, Metric::Executable];

/// Whether a quantity can have a value of this kind. Steps of an operator's sum and emulators have a time without a spread.
fn fits(metric: Metric, value: &Value) -> bool {
    match (metric.definition().holds, value) {
        (_, Value::Missing(_)) => true,
        (Holds::Count, Value::Count(_)) | (Holds::Real, Value::Real(_)) => true,
        (Holds::Number, Value::Count(_) | Value::Real(_)) | (Holds::Times, Value::Times(_) | Value::Real(_)) => true,
        (Holds::Count, Value::Real(_) | Value::Times(_)) | (Holds::Real, Value::Count(_) | Value::Times(_)) => false,
        (Holds::Number, Value::Times(_)) | (Holds::Times, Value::Count(_)) => false,
    }
}

fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Count(_) => "a count",
        Value::Real(_) => "a single number",
        Value::Times(_) => "times of many runs",
        Value::Missing(_) => "missing",
    }
}

/// Parses, and names the field that is wrong. Depth is bounded by the parser.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let (field, why) = (e.path().to_string(), e.inner());
        let what = if why.is_data() { format!("field `{field}`: {why}") } else { format!("no JSON: {why}") };
        Unreadable(if field == "." && why.is_data() { why.to_string() } else { what })
    })?;
    json.end().map_err(|e| Unreadable(format!("no JSON: {e}")))?;
    Ok(value)
}

/// A map of which no key stands there twice. Keys are read as text, by which errors name the field.
pub(super) fn unique<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Unique<V>(std::marker::PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut values = BTreeMap::new();
            while let Some((key, value)) = map.next_entry::<String, V>()? {
                if values.contains_key(&key) {
                    return Err(A::Error::custom(format_args!("`{key}` stands there twice")));
                }
                values.insert(key, value);
            }
            Ok(values)
        }
    }
    deserializer.deserialize_map(Unique(std::marker::PhantomData))
}

/// The quantities of a row, by their names.
fn values<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Metric, Value>, D::Error> {
    let known = |(name, value): (String, Value)| match Metric::named(&name) {
        Some(metric) => Ok((metric, value)),
        None => Err(D::Error::custom(format_args!("there is no quantity `{name}`"))),
    };
    unique(deserializer)?.into_iter().map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::{INSPECTION, LONGEST, Report};

    #[test]
    fn what_is_no_report_is_refused_with_its_field() {
        let good = report().to_json();
        let mut twice = report();
        twice.rows.push(twice.rows[0].clone());
        let count = good.find("\"count\"").unwrap();
        for (text, says) in [
            (String::new(), "no JSON"),
            ("[]".into(), "invalid length 0"),
            ("{}".into(), "no field `format`"),
            (good[..count].into(), "no JSON: EOF"),
            (format!("{good} 1"), "trailing"),
            (good.replace("zantc-report", "other"), "`format` is \"other\""),
            (good.replace("\"version\": 1", "\"version\": 0"), "`version` is 0, and this zantc reads 1; an older"),
            (good.replace("\"version\": 1", "\"version\": 2"), "a newer"),
            (good.replace("\"version\": 1", "\"version\": true"), "field `version`"),
            (good.replace("\"kind\"", "\"kin\""), "unknown field `kin`"),
            (good.replace("\"bench\"", "\"bunch\""), "field `kind`: unknown variant `bunch`"),
            (good.replace("\"profile\"", "\"profil\""), "field `rows[0].profil`: unknown field `profil`"),
            (good.replace("\"subject\"", "\"alloc\""), "field `rows[0]"),
            (
                good.replace("\"instructions\"", "\"instruction\""),
                "field `rows[0].values`: there is no quantity `instruction`",
            ),
            (good.replace("\"instructions\"", "\"time\""), "field `rows[0].values`: `time` stands there twice"),
            (good.replace("\"median\": 2.0", "\"median\": -2.0"), "`time` of mnist-8 / host / fast"),
            (good.replace("\"median\": 2.0", "\"median\": 1e999"), "number out of range"),
            (good.replace("\"median\": 2.0", "\"median\": \"2\""), "field `rows[0].values.time.times.median`"),
            (good.replace("\"runs\": 3", "\"runs\": 0"), "no measurement"),
            (twice.to_json(), "two rows are about mnist-8 / host / fast"),
        ] {
            let why = Report::from_json(&text).unwrap_err().0;
            assert!(why.contains(says), "{why}\nlacks {says}");
        }
    }

    #[test]
    fn the_report_of_an_inspection_is_read_among_what_else_it_says() {
        let inner = report().to_json();
        let text = format!("{{\"format\": \"{INSPECTION}\", \"version\": 1, \"steps\": [1], \"report\": {inner}}}");
        assert_eq!(Report::from_json(&text), Ok(report()));
        for (text, says) in [
            (text.replace("\"report\":", "\"other\":"), "missing field `report`"),
            (
                text.replace("\"count\": 1152921504606846976", "\"count\": -1"),
                "field `report.rows[0].values.instructions.count`",
            ),
            (text.replace("zantc-report", "other"), "`report.format` is \"other\""),
        ] {
            let why = Report::from_json(&text).unwrap_err().0;
            assert!(why.contains(says), "{why}\nlacks {says}");
        }
    }

    #[test]
    fn deep_and_endless_files_are_refused() {
        let deep = "[".repeat(100_000);
        for text in [deep.clone(), format!("{{\"format\": {deep}"), format!("{{\"other\": {deep}")] {
            let why = Report::from_json(&text).unwrap_err().0;
            assert!(why.contains("recursion limit") || why.contains("invalid type") || why.contains("EOF"), "{why}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.json");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        let why = Report::read(&path).unwrap_err().0;
        assert!(why.contains("long.json") && why.contains(&LONGEST.to_string()), "{why}");
        let why = Report::read(&folder.path().join("missing.json")).unwrap_err().0;
        assert!(why.contains("missing.json"), "{why}");
    }
}
