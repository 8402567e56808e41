//! What a comparison says, as a page.
//!
//! Invariant: what decides stands first: the verdict, then what is missing, then what regressed and improved, then all of it.

use super::{Change, Comparison, Presence, RowChange, Side, Status, Trend, Verdict};
use crate::page::{Bars, Block, Cell, Figure, Group, Page, Table, Tone, measured, number, percent, times, titled};
use crate::report::{Judge, Key, Metric, listed};

/// How many of the largest changes are listed.
const TOP: usize = 10;
/// Rows of the detailed table; where there are more, those that are unchanged are left out, for services cut long pages.
const DETAILS: usize = 400;

/// The page. One that has nothing to tell is short.
pub(super) fn page(c: &Comparison) -> Page {
    let title = format!("zantc {}: {}", c.kind.command(), c.verdict.word());
    let mut blocks = vec![Block::Quote(sentence(c))];
    if c.verdict == Verdict::Unchanged && c.summary.new + c.summary.vanished == 0 && c.trends.is_empty() {
        if !c.notes.is_empty() {
            blocks.push(Block::List(c.notes.clone()));
        }
        return Page { title, blocks };
    }
    blocks.push(Block::Figures(figures(c)));
    if !c.faults.is_empty() {
        blocks.push(Block::Heading("Missing".into()));
        blocks.push(Block::Table(Table::new(["what"], c.faults.iter().map(|f| vec![Cell::name(f.to_string())]))));
    }
    let sides = [("Old", &c.old), ("New", &c.new)].map(|(name, side)| side_line(name, side));
    blocks.push(Block::List(c.notes.iter().cloned().chain(sides.into_iter().flatten()).collect()));
    blocks.push(Block::Heading("Summary".into()));
    blocks.push(Block::Table(totals(c)));
    trends(c, &mut blocks);
    for metric in Metric::ALL.into_iter().filter(|m| m.definition().judge != Judge::Shown) {
        largest(c, metric, &mut blocks);
    }
    methods(c, &mut blocks);
    runtime(c, &mut blocks);
    alone(c, &mut blocks);
    if !c.sizes.is_empty() {
        blocks.push(Block::Heading("Size comparison".into()));
        blocks.push(Block::Text("Larger by smaller models of a family, and small by fast builds.".into()));
        blocks.push(Block::Table(sizes(c)));
    }
    details(c, &mut blocks);
    Page { title, blocks }
}

/// When, of what and by which command a side was measured; nothing where its report does not say.
fn side_line(name: &str, side: &Side) -> Option<String> {
    let run = side.runs.last()?;
    let commit = if run.commit.is_empty() { String::new() } else { format!(", commit {}", run.commit) };
    let load = run.load.map_or(String::new(), |[before, after]| format!(", load {before:.1} to {after:.1}"));
    Some(format!("{name}: {}{commit}, {} ({}){load}: {}", run.date, side.machine.cpu, side.machine.isa, run.command))
}

/// How quantities went over more than two reports.
fn trends(c: &Comparison, blocks: &mut Vec<Block>) {
    let Some(first) = c.trends.first() else { return };
    let mut head = vec![("row".to_string(), ""), ("quantity".to_string(), "")];
    head.extend((1..=first.numbers.len()).map(|i| (i.to_string(), "A report, the oldest first.")));
    let row = |trend: &Trend| {
        let numbers = trend.numbers.iter().map(|n| Cell::maybe(*n, |v| measured(trend.metric, v)));
        let first = [Cell::name(trend.key.to_string()), Cell::text(titled(trend.metric))];
        first.into_iter().chain(numbers).collect()
    };
    blocks.push(Block::Heading("Trend".into()));
    blocks.push(Block::Table(Table { head, rows: c.trends.iter().map(row).collect() }));
}

/// The largest changes of a quantity, by their share and, where that is another order, by their amount; the worst first.
fn largest(c: &Comparison, metric: Metric, blocks: &mut Vec<Block>) {
    let all = c.rows.iter().filter_map(|row| Some((&row.key, row.change(metric)?)));
    let judged = |change: &Change| matches!(change.status, Status::Improved | Status::Regressed);
    let found: Vec<(&Key, &Change)> = all.filter(|(_, change)| judged(change)).collect();
    let ordered = |size: fn(&Change) -> f64| {
        let mut list = found.clone();
        let rank = |change: &Change| (change.status == Status::Regressed, change.beyond, size(change));
        list.sort_by(|(_, a), (_, b)| rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal));
        list.truncate(TOP);
        list
    };
    let by_share = ordered(|change| change.percent.map_or(f64::INFINITY, f64::abs));
    let by_amount = ordered(|change| change.delta.map_or(0.0, f64::abs));
    if by_share.is_empty() {
        return;
    }
    let title = metric.definition().title;
    blocks.push(Block::Heading(format!("Largest changes of {title}, in percent")));
    blocks.push(Block::Table(changes(&by_share)));
    if by_share.iter().zip(&by_amount).any(|(a, b)| a.0 != b.0) {
        blocks.push(Block::Heading(format!("Largest changes of {title}, by amount")));
        blocks.push(Block::Table(changes(&by_amount)));
    }
}

/// Time and allocations of a row side by side, of rows with one of them that differs.
fn methods(c: &Comparison, blocks: &mut Vec<Block>) {
    const SHOWN: [Metric; 3] = [Metric::Time, Metric::Allocations, Metric::HeapTotal];
    let differs = |row: &RowChange| SHOWN.iter().any(|m| row.change(*m).is_some_and(|c| c.status != Status::Unchanged));
    let rows: Vec<&RowChange> = c
        .rows
        .iter()
        .filter(|r| r.presence == Presence::Both && r.change(Metric::Allocations).is_some() && differs(r))
        .collect();
    if rows.is_empty() {
        return;
    }
    let mut head = vec![("row".to_string(), "")];
    for metric in SHOWN {
        let text = metric.definition().text;
        head.extend(["old", "new", "change"].map(|side| (format!("{}, {side}", metric.definition().title), text)));
    }
    let cells = |row: &&RowChange| {
        let quantity = |metric| {
            let change = row.change(metric);
            let percent = change.and_then(|c| c.percent);
            [
                Cell::quantity(metric, change.and_then(|c| c.old.as_ref())),
                Cell::quantity(metric, change.and_then(|c| c.new.as_ref())),
                Cell::maybe(percent, crate::page::percent),
            ]
        };
        std::iter::once(Cell::name(row.key.to_string())).chain(SHOWN.into_iter().flat_map(quantity)).collect()
    };
    blocks.push(Block::Heading("Time and allocations".into()));
    blocks.push(Block::Table(Table { head, rows: rows.iter().map(cells).collect() }));
}

/// The whole in one sentence.
fn sentence(c: &Comparison) -> String {
    let (count, s) = (&c.summary.quantities, &c.summary);
    let what = match c.verdict {
        Verdict::Incomplete => {
            let what = if c.faults.len() == 1 { "1 thing is" } else { &format!("{} things are", c.faults.len()) };
            format!("Incomplete: {what} missing or of another model; {} quantities are worse", count.regressed_beyond)
        }
        Verdict::Unchanged => "Unchanged".to_string(),
        Verdict::Improved => format!(
            "Improved: {} quantities and {} means are better",
            count.improved_beyond,
            means(c, Status::Improved)
        ),
        Verdict::Regressed => format!(
            "Regressed: {} quantities and {} means are worse",
            count.regressed_beyond,
            means(c, Status::Regressed)
        ),
        Verdict::Mixed => {
            format!("Mixed: {} quantities are better, {} worse", count.improved_beyond, count.regressed_beyond)
        }
    };
    let within = count.improved + count.regressed - count.improved_beyond - count.regressed_beyond;
    let small = if within > 0 { format!("; {within} moved within the threshold") } else { String::new() };
    format!(
        "{what} beyond {} %{small}. {} compared, {} new, {} vanished.",
        c.rules.threshold_percent,
        rows(s.compared),
        s.new,
        s.vanished
    )
    .replace("Unchanged beyond", "Unchanged: nothing is better or worse beyond")
}

/// How many means became that.
fn means(c: &Comparison, status: Status) -> usize {
    c.summary.totals.iter().filter(|total| total.status == status).count()
}

fn rows(n: usize) -> String {
    if n == 1 { "1 row".into() } else { format!("{n} rows") }
}

fn figures(c: &Comparison) -> Vec<Figure> {
    let tone = match c.verdict {
        Verdict::Improved => Tone::Good,
        Verdict::Regressed | Verdict::Mixed | Verdict::Incomplete => Tone::Bad,
        Verdict::Unchanged => Tone::Plain,
    };
    let mut figures = vec![Figure { label: "verdict".into(), value: c.verdict.word(), tone }];
    for total in &c.summary.totals {
        if matches!(total.metric, Metric::Time | Metric::Instructions | Metric::Allocations) {
            let label = format!("{} on {}", total.metric.definition().title, total.target);
            figures.push(Figure { label, value: percent_of(total.old, total.new, total.percent), tone: Tone::Plain });
        }
    }
    figures
}

/// A change in percent, or in words where there is none.
fn percent_of(old: f64, new: f64, p: Option<f64>) -> String {
    match p {
        Some(p) => percent(p),
        None if old == 0.0 => format!("from 0 to {}", number(new)),
        None => String::new(),
    }
}

fn totals(c: &Comparison) -> Table {
    let head = ["quantity", "target", "rows", "old, sum", "new, sum", "change", "mean ratio", "mean"];
    let rows = c.summary.totals.iter().map(|t| {
        vec![
            Cell::text(titled(t.metric)),
            Cell::name(t.target.as_str()),
            Cell::number(t.rows.to_string(), t.rows as f64),
            Cell::number(measured(t.metric, t.old), t.old),
            Cell::number(measured(t.metric, t.new), t.new),
            Cell::number(percent_of(t.old, t.new, t.percent), t.percent.unwrap_or(f64::MAX)),
            Cell::maybe(t.mean_ratio, times),
            Cell::text(t.status.word()).tone(tone(t.status, true)),
        ]
    });
    Table::new(head, rows)
}

fn changes(list: &[(&Key, &Change)]) -> Table {
    let titles = ["subject", "step", "target", "build", "quantity", "old", "new", "delta", "change", "status"];
    let steps = list.iter().any(|(key, _)| key.step.is_some());
    let kept = |column: usize| column != 1 || steps;
    let head = titles.iter().enumerate().filter(|(i, _)| kept(*i)).map(|(_, t)| (t.to_string(), "")).collect();
    let rows = list.iter().map(|(key, change)| {
        let cells = change_cells(key, change);
        cells.into_iter().enumerate().filter(|(i, _)| kept(*i)).map(|(_, c)| c).collect()
    });
    Table { head, rows: rows.collect() }
}

/// The tone of a status that decides something, or not.
fn tone(status: Status, decides: bool) -> Tone {
    match (status, decides) {
        (Status::Improved, true) => Tone::Good,
        (Status::Regressed, true) => Tone::Bad,
        (Status::Unchanged | Status::NotMeasured, _) => Tone::Faint,
        (Status::Improved | Status::Regressed, false) | (Status::Changed | Status::New | Status::Vanished, _) => {
            Tone::Plain
        }
    }
}

fn change_cells(key: &Key, c: &Change) -> Vec<Cell> {
    let tone = tone(c.status, c.beyond);
    let percent = match (c.percent, c.delta) {
        (Some(p), _) => Cell::number(percent(p), p).tone(tone),
        (None, Some(_)) => Cell::number("from 0", f64::MAX).tone(tone),
        (None, None) => Cell::text(""),
    };
    vec![
        Cell::name(key.subject.as_str()),
        Cell::name(key.step.clone().unwrap_or_default()),
        Cell::name(key.target.as_str()),
        Cell::name(listed([&key.profile, &key.alloc])),
        Cell::text(titled(c.metric)),
        Cell::quantity(c.metric, c.old.as_ref()),
        Cell::quantity(c.metric, c.new.as_ref()),
        Cell::maybe(c.delta, |d| signed(c.metric, d)),
        percent,
        Cell::text(status(c)).tone(tone),
    ]
}

fn status(c: &Change) -> String {
    let within = matches!(c.status, Status::Improved | Status::Regressed) && !c.beyond;
    format!("{}{}", c.status.word(), if within { ", within the threshold" } else { "" })
}

fn signed(metric: Metric, delta: f64) -> String {
    let text = measured(metric, delta.abs());
    let sign = if delta < 0.0 { "-" } else { "+" };
    if delta == 0.0 { text } else { format!("{sign}{text}") }
}

/// Charts of old beside new, and throughput.
fn runtime(c: &Comparison, blocks: &mut Vec<Block>) {
    let both = || c.rows.iter().filter(|row| row.presence == Presence::Both);
    let mut charts = Vec::new();
    for metric in [Metric::Time, Metric::Instructions, Metric::Executable] {
        let groups: Vec<Group> = both().filter_map(|row| group(row, metric)).collect();
        if !groups.is_empty() {
            let series = vec!["old".into(), "new".into()];
            charts.push(Bars { title: titled(metric), series, groups, total: None });
        }
    }
    if !charts.is_empty() {
        blocks.push(Block::Charts("Old and new".into(), charts));
    }
    let throughput: Vec<(&Key, &Change)> =
        both().filter_map(|row| Some((&row.key, row.change(Metric::Throughput)?))).collect();
    if !throughput.is_empty() {
        blocks.push(Block::Heading("Throughput".into()));
        blocks.push(Block::Table(changes(&throughput)));
    }
}

fn group(row: &RowChange, metric: Metric) -> Option<Group> {
    let Change { old, new, .. } = row.change(metric)?;
    Group::of(row.key.to_string(), metric, [old, new].into_iter().map(|v| v.as_ref()?.number()))
}

/// Rows that only one report has.
fn alone(c: &Comparison, blocks: &mut Vec<Block>) {
    for (title, presence) in [("New rows", Presence::New), ("Vanished rows", Presence::Vanished)] {
        let keys: Vec<&Key> = c.rows.iter().filter(|r| r.presence == presence).map(|r| &r.key).collect();
        if keys.is_empty() {
            continue;
        }
        blocks.push(Block::Heading(title.into()));
        let rows = keys.iter().map(|key| vec![Cell::name(key.to_string())]);
        blocks.push(Block::Table(Table::new(["row"], rows)));
    }
}

fn sizes(c: &Comparison) -> Table {
    let head = ["larger, or small", "smaller, or fast", "quantity", "old ratio", "new ratio"];
    let rows = c.sizes.iter().map(|r| {
        vec![
            Cell::name(r.of.to_string()),
            Cell::name(r.by.to_string()),
            Cell::text(r.metric.definition().title),
            Cell::number(times(r.old), r.old),
            Cell::number(times(r.new), r.new),
        ]
    });
    Table::new(head, rows)
}

/// All that differs, and as much of the rest as there is room for.
fn details(c: &Comparison, blocks: &mut Vec<Block>) {
    let all = c.rows.iter().filter(|r| r.presence == Presence::Both);
    let mut list: Vec<(&Key, &Change)> = all.flat_map(|row| row.changes.iter().map(move |ch| (&row.key, ch))).collect();
    let mut title = "Details".to_string();
    if list.len() > DETAILS {
        let count = list.len();
        list.retain(|(_, change)| change.status != Status::Unchanged);
        title = format!("Details, without {} quantities that are unchanged", count - list.len());
    }
    blocks.push(Block::Folded(title, changes(&list)));
}
