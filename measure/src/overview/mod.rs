//! What a report says, as a page, and both on disk.
//!
//! Invariants: every number of an analysis is computed from rows that a table of the page shows; a column that no row has is left
//! out; what was not measured is a dash, and the reason is listed.

mod analysis;
mod bench;
mod ladder;
mod others;
mod session;
mod steps;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub use ladder::ORIGINAL;

use crate::Error;
use crate::page::{Bars, Block, Cell, Group, Page, Table, Tone, html, markdown, measured, titled};
use crate::replace::replace;
use crate::report::{Kind, Metric, Report, Row, Run, Spread, Value};

/// Groups of bars that a chart has at most.
const BARS: usize = 60;

impl Report {
    /// As Markdown.
    pub fn to_markdown(&self) -> String {
        markdown(&page(self, &BTreeMap::new()))
    }

    /// As a page of HTML, with drawings of arenas by the name of the model: SVG from this project's own drawer.
    pub fn to_html(&self, pictures: &BTreeMap<String, String>) -> String {
        html(&page(self, pictures))
    }
}

/// Writes `report.json`, `report.md` and `report.html` into `dir`, which is made where it is missing.
///
/// `pictures` has a drawing of the arena by the name of the model (a row's subject): SVG from this project's own drawer.
///
/// # Errors
/// What the file system refuses; the files that are there are then the old ones.
pub fn write(dir: &Path, report: &Report, pictures: &BTreeMap<String, String>) -> Result<(), Error> {
    std::fs::create_dir_all(dir).map_err(Error::io(&format!("make {}", dir.display())))?;
    let files = [
        ("report.json", report.to_json()),
        ("report.md", report.to_markdown()),
        ("report.html", report.to_html(pictures)),
    ];
    replace(&files.map(|(name, text)| (dir.join(name), text)))
}

fn page(report: &Report, pictures: &BTreeMap<String, String>) -> Page {
    let mut blocks = Vec::new();
    blocks.extend(quiet(report).map(Block::Text));
    match report.kind {
        Kind::Bench => bench::blocks(report, &mut blocks),
        Kind::Profile | Kind::Inspect | Kind::Ops => steps::blocks(report, &mut blocks),
        Kind::Ladder => ladder::blocks(report, &mut blocks),
        Kind::Session => session::blocks(report, &mut blocks),
    }
    others::blocks(report, &mut blocks);
    if !pictures.is_empty() {
        let pictures = pictures.iter().map(|(name, svg)| (name.clone(), svg.clone())).collect();
        blocks.push(Block::Pictures("Arenas".into(), pictures));
    }
    let missing = missing(report);
    if !missing.is_empty() {
        blocks.push(Block::Heading("Not measured".into()));
        blocks.push(Block::List(missing));
    }
    if !report.notes.is_empty() {
        blocks.push(Block::Heading("Notes".into()));
        blocks.push(Block::List(report.notes.clone()));
    }
    machine(report, &mut blocks);
    blocks.push(Block::Folded("What the columns mean".into(), definitions(report)));
    Page { title: title(report), blocks }
}

fn title(report: &Report) -> String {
    let what = match report.kind {
        Kind::Bench => "Models, measured",
        Kind::Profile => "Where the time goes",
        Kind::Ops => "Operators, measured",
        Kind::Inspect => "What a model costs",
        Kind::Ladder => "Ways to compress a model",
        Kind::Session => "Sessions, measured",
    };
    format!("{what} (zantc {})", report.zantc)
}

/// Why columns have dashes: each reason once, with the columns that it holds for.
fn missing(report: &Report) -> Vec<String> {
    let mut columns: BTreeMap<&str, BTreeSet<Metric>> = BTreeMap::new();
    for (metric, value) in report.rows.iter().flat_map(|row| &row.values) {
        if let Value::Missing(why) = value {
            columns.entry(why).or_default().insert(*metric);
        }
    }
    let line = |(why, metrics): (&str, BTreeSet<Metric>)| {
        let titles: Vec<&str> = metrics.iter().map(|m| m.definition().title).collect();
        format!("{}: {why}", titles.join(", "))
    };
    columns.into_iter().map(line).collect()
}

/// By how much the 95th percentile of a time may be more than its minimum on a quiet machine.
const SPREAD: f64 = 2.0;

/// Whether a time tells more of the machine than of what was timed.
fn is_noisy(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Times(s)) if s.p95 > SPREAD * s.min)
}

/// What the machine did besides; nothing where no run is known and all times are steady.
fn quiet(report: &Report) -> Option<String> {
    let loads = report.runs.iter().filter_map(|run| run.load);
    let most = loads.reduce(|a, b| [a[0].max(b[0]), a[1].max(b[1])]);
    let load = most.map(|[before, after]| {
        format!("The machine's load was {before:.1} before and {after:.1} at the end, of which measuring is 1.")
    });
    let noisy = report.rows.iter().filter(|row| is_noisy(row.values.get(&Metric::Time))).count();
    let noisy = (noisy > 0).then(|| {
        format!(
            "Times with * vary: their 95th percentile is more than twice their minimum, in {noisy} of {} rows.",
            report.rows.len()
        )
    });
    let words: Vec<String> = load.into_iter().chain(noisy).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn machine(report: &Report, blocks: &mut Vec<Block>) {
    let machine = &report.machine;
    let facts = [("processor", &machine.cpu), ("instruction sets", &machine.isa), ("system", &machine.os)];
    let facts = facts.into_iter().chain(machine.tools.iter().map(|(tool, version)| (tool.as_str(), version)));
    let rows: Vec<Vec<Cell>> =
        facts.filter(|(_, v)| !v.is_empty()).map(|(k, v)| vec![Cell::text(k), Cell::text(v.as_str())]).collect();
    if !rows.is_empty() {
        blocks.push(Block::Heading("Machine".into()));
        blocks.push(Block::Table(Table::new(["what", "which"], rows)));
    }
    if !report.runs.is_empty() {
        let load = |run: &Run| run.load.map_or(String::new(), |[before, after]| format!("{before:.1} to {after:.1}"));
        let rows = report.runs.iter().map(|run| {
            vec![
                Cell::text(&run.date),
                Cell::text(&run.commit),
                Cell::text(load(run)),
                Cell::name(run.command.as_str()),
            ]
        });
        blocks.push(Block::Table(Table::new(["measured", "commit", "load", "command"], rows)));
    }
}

/// The definition of each column that the report has.
fn definitions(report: &Report) -> Table {
    let has: BTreeSet<Metric> = report.rows.iter().flat_map(|row| row.values.keys().copied()).collect();
    let rows = has.into_iter().map(|m| vec![Cell::text(titled(m)), Cell::text(m.definition().text)]);
    Table::new(["column", "meaning"], rows)
}

/// A column of a table of rows.
struct Column<'a> {
    title: String,
    help: &'static str,
    cell: Box<dyn Fn(&Row) -> Cell + 'a>,
}

impl<'a> Column<'a> {
    fn new(title: impl Into<String>, help: &'static str, cell: impl Fn(&Row) -> Cell + 'a) -> Column<'a> {
        Column { title: title.into(), help, cell: Box::new(cell) }
    }

    /// The columns that say what rows are about: those in which they differ.
    fn keys(rows: &[&Row]) -> Vec<Column<'a>> {
        let differ = |part: fn(&Row) -> &str| rows.windows(2).any(|w| part(w[0]) != part(w[1]));
        let mut columns = vec![Column::new("model", "", |r| Cell::name(r.key.subject.as_str()))];
        let mut push = |title, part: fn(&Row) -> &str| {
            if differ(part) {
                columns.push(Column::new(title, "", move |r| Cell::name(part(r))));
            }
        };
        push("target", |r| &r.key.target);
        push("build", |r| &r.key.profile);
        push("memory", |r| &r.key.alloc);
        columns
    }

    /// The columns of a quantity; none where no row has it.
    fn of(metric: Metric, rows: &[&Row]) -> Vec<Column<'a>> {
        if rows.iter().all(|r| !r.values.contains_key(&metric)) {
            return Vec::new();
        }
        let text = metric.definition().text;
        if metric == Metric::Time {
            let column = |name: &'static str, part: fn(&Spread) -> f64| {
                Column::new(format!("{name}, us"), text, move |r| match r.values.get(&metric) {
                    Some(Value::Times(s)) => {
                        let mark = if name == "p95" && is_noisy(r.values.get(&metric)) { "*" } else { "" };
                        Cell::number(measured(metric, part(s)) + mark, part(s))
                    }
                    other => cell(metric, other),
                })
            };
            return vec![column("min", |s| s.min), column("median", |s| s.median), column("p95", |s| s.p95)];
        }
        vec![Column::new(titled(metric), text, move |r| cell(metric, r.values.get(&metric)))]
    }

    fn table(columns: &[Column<'_>], rows: &[&Row]) -> Table {
        Table {
            head: columns.iter().map(|c| (c.title.clone(), c.help)).collect(),
            rows: rows.iter().map(|row| columns.iter().map(|c| (c.cell)(row)).collect()).collect(),
        }
    }
}

/// A quantity in a table.
fn cell(metric: Metric, value: Option<&Value>) -> Cell {
    let cell = Cell::quantity(metric, value);
    match value {
        Some(Value::Missing(why)) => cell.tone(Tone::Faint).note(format!("not measured: {why}")),
        Some(_) | None => cell,
    }
}

/// A chart of a quantity: `series` are the names and rows of each bar of a group.
fn bars(metric: Metric, title: String, groups: &[(String, Vec<Option<&Row>>)], series: &[&str]) -> Option<Bars> {
    let number = |row: &Option<&Row>| row.and_then(|r| r.number(metric));
    let group = |(name, rows): &(String, Vec<Option<&Row>>)| Group::of(name.clone(), metric, rows.iter().map(number));
    let groups: Vec<Group> = groups.iter().filter_map(group).take(BARS).collect();
    (!groups.is_empty()).then(|| Bars {
        title,
        series: series.iter().map(|s| s.to_string()).collect(),
        groups,
        total: None,
    })
}

#[cfg(test)]
mod tests {
    use super::write;
    use crate::report::tests::report;
    use crate::report::{Kind, MachineInfo, Metric, Report, Value};

    #[test]
    fn a_dash_has_its_reason_below() {
        let mut report = report();
        report.rows[0].values.insert(Metric::PeakRss, Value::Missing("needs <b>time</b>".into()));
        let text = report.to_markdown();
        assert!(text.contains("| - |"), "{text}");
        assert!(text.contains("- peak RSS: needs &lt;b&gt;time&lt;/b&gt;\n"), "{text}");
        let page = report.to_html(&[].into());
        assert!(
            !page.contains("<b>time") && page.contains("title=\"not measured: needs &lt;b&gt;time&lt;/b&gt;\">-</td>")
        );
    }

    #[test]
    fn every_kind_of_report_has_a_page_even_an_empty_one() {
        for kind in [Kind::Bench, Kind::Profile, Kind::Ops, Kind::Inspect, Kind::Ladder, Kind::Session] {
            let mut report = report();
            report.kind = kind;
            assert!(report.to_markdown().contains("mnist-8"), "{kind:?}");
            report.rows.clear();
            assert!(report.to_html(&[].into()).ends_with("</html>\n"));
        }
    }

    #[test]
    fn a_report_is_written_into_a_new_folder_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("a/b");
        let report = Report::new(Kind::Bench, "0.1.0", MachineInfo::default());
        write(&dir, &report, &[("m".into(), "<svg></svg>".into())].into()).unwrap();
        let text = std::fs::read_to_string(dir.join("report.json")).unwrap();
        assert_eq!(Report::from_json(&text), Ok(report.clone()));
        assert_eq!(std::fs::read_to_string(dir.join("report.md")).unwrap(), report.to_markdown());
        assert!(std::fs::read_to_string(dir.join("report.html")).unwrap().contains("<svg></svg>"));
    }
}
