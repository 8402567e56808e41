//! Models: the tables of each build, and how builds, targets, memories and other programs stand to each other.

use std::collections::BTreeSet;

use super::analysis::{Versus, against_peers, between};
use super::{BARS, Column, bars};
use crate::page::{Bars, Block, Cell, Group, Table, bytes, measured, percent, times, titled};
use crate::report::Metric::{self, *};
use crate::report::listed;
use crate::report::{Key, Report, Row};

/// The tables of a build: title and columns.
#[rustfmt::skip]
const TABLES: [(&str, &[Metric]); 3] = [
    ("Instructions and time", &[Macs, Instructions, ProcessInstructions, InstructionsPerMac, Time, Estimate, Throughput]),
    ("Memory", &[
        Allocations, HeapTotal, PrimaryAllocation, PrimaryShare, Leaked, HeapPeak, Arena, Stack, PeakMemory, PeakRss,
    ]),
    ("Size and building", &[Executable, Weights, Code, Rest, Source, CompileTime, BuildTime]),
];

pub(super) fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    blocks.push(Block::Quote(super::summary::sentence(report)));
    blocks.push(Block::Figures(super::summary::figures(report)));
    for (title, charts) in [("Flash and RAM, fast builds", memories(report)), ("Fast beside small", charts(report))] {
        if !charts.is_empty() {
            blocks.push(Block::Charts(title.into(), charts));
        }
    }
    for (profile, title) in [("fast", "Fast: opt-level 3"), ("small", "Small: opt-level \"z\""), ("", "Not built")] {
        let rows: Vec<&Row> = report.rows.iter().filter(|r| r.key.profile == profile).collect();
        if !rows.is_empty() {
            blocks.push(Block::Heading(title.into()));
            build(&rows, blocks);
        }
    }
    versus(
        report,
        "Small against fast",
        "What the small build has more (+) or less (-) than the fast one.",
        blocks,
        |key| (key.profile == "fast").then(|| Key { profile: "small".into(), ..key.clone() }),
    );
    targets(report, blocks);
    versus(
        report,
        "Heap against static",
        "What the arena on the heap costs more (+) or less (-) than the one in statics.",
        blocks,
        |key| (key.alloc == "static").then(|| Key { alloc: "heap".into(), ..key.clone() }),
    );
    peers(report, blocks);
}

/// The tables of one build.
fn build(rows: &[&Row], blocks: &mut Vec<Block>) {
    for (title, metrics) in TABLES {
        let quantities: Vec<Column<'_>> = metrics.iter().flat_map(|m| Column::of(*m, rows)).collect();
        if !quantities.is_empty() {
            let columns: Vec<Column<'_>> = Column::keys(rows).into_iter().chain(quantities).collect();
            blocks.push(Block::Text(format!("{title}:")));
            blocks.push(Block::Table(Column::table(&columns, rows)));
        }
    }
}

/// Names and rows: of each model and target the fast and the small build, with the arena in statics where there is one.
fn pairs(report: &Report) -> Vec<(String, Vec<Option<&Row>>)> {
    let mut seen = BTreeSet::new();
    let several = report.rows.iter().any(|r| r.key.target != "host");
    let mut pairs = Vec::new();
    for row in &report.rows {
        let key = Key { profile: String::new(), alloc: String::new(), ..row.key.clone() };
        if seen.insert(key.clone()) {
            let find = |profile: &str| {
                ["static", "heap", ""].iter().find_map(|alloc| {
                    report.row(&Key { profile: profile.into(), alloc: (*alloc).into(), ..key.clone() })
                })
            };
            let name = if several { format!("{} on {}", key.subject, key.target) } else { key.subject.clone() };
            pairs.push((name, vec![find("fast"), find("small")]));
        }
    }
    pairs
}

fn charts(report: &Report) -> Vec<Bars> {
    let groups = pairs(report);
    let chart = |metric| bars(metric, titled(metric), &groups, &["fast", "small"]);
    [Time, Executable, Instructions].into_iter().filter_map(chart).collect()
}

/// What fast builds take of each memory, by parts.
fn memories(report: &Report) -> Vec<Bars> {
    let several = report.rows.iter().any(|r| r.key.target != "host");
    let rows = report.rows.iter().filter(|r| r.key.profile == "fast" && r.key.alloc != "heap" && r.key.step.is_none());
    let chart = |title: &str, parts: &[Metric]| {
        let group = |row: &Row| {
            let key = &row.key;
            let name = if several { format!("{} on {}", key.subject, key.target) } else { key.subject.clone() };
            Group::of(name, parts[0], parts.iter().map(|m| row.number(*m)))
        };
        let groups: Vec<Group> = rows.clone().filter_map(group).take(BARS).collect();
        let series = parts.iter().map(|m| m.definition().title.to_string()).collect();
        (!groups.is_empty()).then(|| Bars { title: title.into(), series, groups, total: Some(bytes) })
    };
    [chart("flash, bytes", &[Weights, Code, Rest]), chart("RAM, bytes", &[Arena, Stack])]
        .into_iter()
        .flatten()
        .collect()
}

/// A table of how rows stand to each other.
fn versus(report: &Report, title: &str, words: &str, blocks: &mut Vec<Block>, other: impl Fn(&Key) -> Option<Key>) {
    let found = between(report, other);
    if found.is_empty() {
        return;
    }
    blocks.push(Block::Heading(title.into()));
    blocks.push(Block::Text(words.into()));
    blocks.push(Block::Table(versus_table(&found)));
}

fn versus_table(found: &[Versus<'_>]) -> Table {
    let head = ["model", "build", "instructions", "time", "executable", "peak memory", "allocations"];
    let change = |p: Option<f64>| Cell::maybe(p, percent);
    let row = |v: &Versus<'_>| {
        let key = &v.base.key;
        vec![
            Cell::name(key.subject.as_str()),
            Cell::name(listed([&key.target, &key.profile, &key.alloc])),
            change(v.percent(Instructions)),
            change(v.percent(Time)),
            change(v.percent(Executable)),
            change(v.percent(PeakMemory)),
            Cell::maybe(v.delta(Allocations), |d| format!("{d:+}")),
        ]
    };
    Table::new(head, found.iter().map(row))
}

/// Host and targets, fast and small, side by side.
fn targets(report: &Report, blocks: &mut Vec<Block>) {
    let builds: BTreeSet<(&str, &str)> = report
        .rows
        .iter()
        .map(|r| (r.key.target.as_str(), r.key.profile.as_str()))
        .filter(|(t, _)| *t != "host")
        .collect();
    if builds.is_empty() {
        return;
    }
    let mut builds: Vec<(&str, &str)> = builds.into_iter().collect();
    builds.splice(0..0, [("host", "fast"), ("host", "small")]);
    blocks.push(Block::Heading("Host and target".into()));
    for metric in [Instructions, Executable, PeakMemory] {
        let mut seen = BTreeSet::new();
        let subjects = report.rows.iter().map(|r| r.key.subject.as_str()).filter(|s| seen.insert(*s));
        let row = |subject: &str| {
            let cell = |(target, profile): &(&str, &str)| {
                let of = |r: &&Row| r.key.subject == subject && r.key.target == *target && r.key.profile == *profile;
                let row = report.rows.iter().find(|r| of(r) && r.key.alloc != "heap");
                super::cell(metric, row.and_then(|r| r.values.get(&metric)))
            };
            std::iter::once(Cell::name(subject)).chain(builds.iter().map(cell)).collect::<Vec<_>>()
        };
        let rows: Vec<Vec<Cell>> = subjects.map(row).collect();
        let head = builds.iter().map(|(target, profile)| (format!("{target} {profile}"), ""));
        let head = std::iter::once(("model".to_string(), "")).chain(head).collect();
        blocks.push(Block::Text(format!("{}:", titled(metric))));
        blocks.push(Block::Table(Table { head, rows }));
    }
}

/// Other programs.
fn peers(report: &Report, blocks: &mut Vec<Block>) {
    let found = against_peers(report);
    if found.is_empty() {
        return;
    }
    blocks.push(Block::Heading("Against other programs".into()));
    blocks.push(Block::Text(
        "Median times of one thread in one interleaved run; the ratio, also of minima, says how many times as fast zantc is.".into(),
    ));
    let head = ["model", "build", "zantc, us", "program", "its time, us", "ratio", "of minima"];
    let rows = found.iter().map(|p| {
        let key = &p.row.key;
        vec![
            Cell::name(key.subject.as_str()),
            Cell::name(format!("{}, {}", key.profile, key.alloc)),
            Cell::number(measured(Time, p.ours), p.ours),
            Cell::text(p.peer.definition().title),
            Cell::number(measured(p.peer, p.theirs), p.theirs),
            Cell::number(times(p.ratio()), p.ratio()),
            Cell::maybe(p.minima, times),
        ]
    });
    blocks.push(Block::Table(Table::new(head, rows)));
}
