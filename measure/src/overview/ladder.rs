//! Ways to compress a model: what each keeps of the accuracy, and what it saves.
//!
//! Invariants: the original stands under its own name ([`ORIGINAL`]); ratios are to it; a method that failed has a row that says so.

use super::{Column, cell};
use crate::page::{Block, Cell, Figure, Front, Point, Table, Tone, measured, times, titled};
use crate::report::Metric::{self, *};
use crate::report::{Key, Report, Row, Value};

/// The name of the row of the model as it was.
pub const ORIGINAL: &str = "original";
/// The target on which methods are compared first.
const HOST: &str = "host";
/// By how much of one an accuracy, or of itself a difference, may be worse than the original's to be called as good.
const AS_GOOD: f64 = 0.01;

/// The columns beside the method, as far as rows have them.
const COLUMNS: [Metric; 8] = [Accuracy, Deviation, Parameters, Onnx, Weights, Code, Arena, Stack];
/// The columns of other targets.
const DEVICE: [Metric; 8] = [Instructions, InstructionsPerMac, Macs, Weights, Code, Executable, Arena, Stack];
/// The plots: the quantity that is to be small, and whether it is that of another target.
const PLOTS: [(Metric, &str); 4] = [
    (Weights, "size in flash"),
    (Time, "time on the host"),
    (Instructions, "instructions"),
    (Parameters, "parameters"),
];

pub(super) fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    let methods: Vec<&Row> = report.rows.iter().filter(|r| r.key.target == HOST).collect();
    if methods.is_empty() {
        return super::steps::blocks(report, blocks);
    }
    blocks.push(Block::Quote(sentence(&methods)));
    blocks.push(Block::Figures(figures(&methods)));
    blocks.push(Block::Heading("Methods".into()));
    blocks.push(Block::Table(table(report, &methods)));
    let fronts = fronts(report, &methods);
    if !fronts.is_empty() {
        blocks.push(Block::Fronts("What nothing beats".into(), fronts));
    }
    let mut targets: Vec<&str> = report.rows.iter().map(|r| r.key.target.as_str()).filter(|t| *t != HOST).collect();
    targets.sort_unstable();
    targets.dedup();
    for target in targets {
        let rows: Vec<&Row> = report.rows.iter().filter(|r| r.key.target == target).collect();
        let columns: Vec<Column<'_>> = DEVICE.iter().flat_map(|m| Column::of(*m, &rows)).collect();
        blocks.push(Block::Heading(format!("On {target}")));
        blocks.push(Block::Table(Column::table(&named(columns), &rows)));
    }
}

/// The method before other columns.
fn named(columns: Vec<Column<'_>>) -> Vec<Column<'_>> {
    std::iter::once(Column::new("method", "", |r| Cell::name(r.key.subject.as_str()))).chain(columns).collect()
}

/// The row of the same method on another target.
fn elsewhere<'a>(report: &'a Report, key: &Key) -> Option<&'a Row> {
    report.rows.iter().find(|r| r.key.subject == key.subject && r.key.target != HOST)
}

fn table<'a>(report: &'a Report, methods: &[&'a Row]) -> Table {
    let mut columns: Vec<Column<'a>> = Vec::new();
    for metric in COLUMNS {
        let quality = matches!(metric, Accuracy | Deviation);
        match quality && methods.iter().any(|r| r.values.contains_key(&metric)) {
            true => columns.push(Column::new(titled(metric), metric.definition().text, move |r| quality_of(metric, r))),
            false => columns.extend(Column::of(metric, methods)),
        }
    }
    if methods.iter().any(|r| r.values.contains_key(&Time)) {
        columns.push(Column::new("time, us", Time.definition().text, |r| cell(Time, r.values.get(&Time))));
    }
    let value = |r: &Row| elsewhere(report, &r.key).and_then(|r| r.values.get(&Instructions)).cloned();
    if let Some(row) = methods.iter().find_map(|r| elsewhere(report, &r.key)) {
        let title = format!("instructions, {}", row.key.target);
        let of = move |r: &Row| cell(Instructions, value(r).as_ref());
        columns.push(Column::new(title, Instructions.definition().text, of));
    }
    columns.extend([Smaller, Faster].into_iter().flat_map(|m| Column::of(m, methods)));
    Column::table(&named(columns), methods)
}

/// How good a method is; one that failed says so.
fn quality_of(metric: Metric, row: &Row) -> Cell {
    match row.values.get(&metric) {
        Some(Value::Missing(why)) => Cell::text("failed").tone(Tone::Bad).note(why.clone()),
        other => cell(metric, other),
    }
}

/// The quantity that says how good methods are, and whether a larger one is better.
fn quality(methods: &[&Row]) -> Option<(Metric, bool)> {
    [(Accuracy, true), (Deviation, false)].into_iter().find(|(m, _)| methods.iter().any(|r| r.number(*m).is_some()))
}

fn original<'a>(methods: &[&'a Row]) -> Option<&'a Row> {
    methods.iter().find(|r| r.key.subject == ORIGINAL).copied()
}

/// Of the methods that are as good as the original the one with the most of a quantity.
fn best<'a>(methods: &[&'a Row], of: Metric) -> Option<(&'a Row, f64)> {
    let (metric, higher) = quality(methods)?;
    let base = original(methods)?.number(metric)?;
    let good = |v: f64| if higher { v >= base - AS_GOOD } else { v <= base + base.abs() * AS_GOOD };
    let able = methods.iter().filter(|r| r.key.subject != ORIGINAL && r.number(metric).is_some_and(good));
    let most = able.filter_map(|r| Some((*r, r.number(of)?))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    (most.1 > 1.0).then_some(most)
}

fn sentence(methods: &[&Row]) -> String {
    let count = methods.iter().filter(|r| r.key.subject != ORIGINAL).count();
    let mut text = format!("{count} {} to compress a model", if count == 1 { "way" } else { "ways" });
    if let Some((metric, _)) = quality(methods) {
        let base = original(methods).and_then(|r| r.number(metric));
        text += &base
            .map_or(String::new(), |v| format!(" with an {} of {}", metric.definition().title, measured(metric, v)));
    }
    let best = [(Smaller, "smaller"), (Faster, "faster")]
        .map(|(of, word)| best(methods, of).map(|(row, v)| format!("{} is {} {word}", row.key.subject, times(v))));
    let best: Vec<String> = best.into_iter().flatten().collect();
    if best.is_empty() {
        return text + ".";
    }
    format!("{text}. Of those that are worse by 1 % at most, {}.", best.join(" and "))
}

fn figures(methods: &[&Row]) -> Vec<Figure> {
    let figure = |label: String, value: String, tone| Figure { label, value, tone };
    let mut figures = Vec::new();
    if let Some((metric, higher)) = quality(methods) {
        let title = metric.definition().title;
        if let Some(v) = original(methods).and_then(|r| r.number(metric)) {
            figures.push(figure(format!("{title}, original"), measured(metric, v), Tone::Plain));
        }
        let side = if higher { 1.0 } else { -1.0 };
        let compressed = methods.iter().filter(|r| r.key.subject != ORIGINAL);
        let most = compressed
            .filter_map(|r| Some((r, r.number(metric)?)))
            .max_by(|a, b| (side * a.1).total_cmp(&(side * b.1)));
        figures
            .extend(most.map(|(r, v)| figure(format!("{title}, {}", r.key.subject), measured(metric, v), Tone::Plain)));
    }
    for (of, word) in [(Smaller, "smaller"), (Faster, "faster")] {
        let found = best(methods, of);
        figures.extend(found.map(|(r, v)| figure(format!("{word}, {}", r.key.subject), times(v), Tone::Good)));
    }
    let failed =
        quality(methods).map_or(methods.len(), |(m, _)| methods.iter().filter(|r| r.number(m).is_none()).count());
    if failed > 0 {
        figures.push(figure("failed".into(), failed.to_string(), Tone::Bad));
    }
    figures
}

fn fronts(report: &Report, methods: &[&Row]) -> Vec<Front> {
    let Some((quality, higher)) = quality(methods) else { return Vec::new() };
    let scale = if higher { 100.0 } else { 1.0 };
    let of = |(metric, words): (Metric, &str)| {
        let mut target = String::new();
        let points: Vec<Point> = methods
            .iter()
            .filter_map(|row| {
                let source = if metric == Instructions { elsewhere(report, &row.key)? } else { row };
                let (x, y) = (source.number(metric)?, row.number(quality)?);
                if metric == Instructions {
                    target = format!(" on {}", source.key.target);
                }
                let unit = titled(metric).split_once(", ").map_or(String::new(), |(_, unit)| format!(" {unit}"));
                let written = match metric {
                    Instructions | Parameters => format!("{} {}", measured(metric, x), metric.definition().title),
                    _ => format!("{}{unit}", measured(metric, x)),
                };
                let y = (y * scale, measured(quality, y));
                Some(Point { name: row.key.subject.clone(), x: (x, written), y, base: row.key.subject == ORIGINAL })
            })
            .collect();
        let y = if higher { format!("{}, %", quality.definition().title) } else { quality.definition().title.into() };
        let title = format!("{} and {words}{target}", quality.definition().title);
        (points.len() > 1).then(|| Front { title, x: titled(metric), y, higher, points })
    };
    PLOTS.into_iter().filter_map(of).collect()
}
