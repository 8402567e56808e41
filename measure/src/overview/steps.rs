//! Steps of a model, or operators: what each costs, which cost most, and how soon the costs add up.
//!
//! Invariant: shares are of the sum of the rows that the table shows, by time where all have one, else by instructions.

use super::{Column, bars};
use crate::page::{Block, Cell, Figure, Tone, measured, titled};
use crate::report::Metric::{self, *};
use crate::report::{Kind, Report, Row, listed};

/// The columns, as far as rows have them.
#[rustfmt::skip]
const COLUMNS: [Metric; 22] = [
    Macs, Instructions, InstructionsAvx2, InstructionsPerMac, Time, FirstRun, Throughput, ElementsPerS, PeakShare, Live, Allocations, HeapTotal, PeakMemory, Arena, Stack,
    Executable, Weights, Code, Onnxruntime, Litert, Tract, Rten,
];

pub(super) fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    let (steps, whole): (Vec<&Row>, Vec<&Row>) = report.rows.iter().partition(|r| r.key.step.is_some());
    if !whole.is_empty() {
        let title = if report.kind == Kind::Ops { "Operators" } else { "Models" };
        blocks.push(Block::Heading(title.into()));
        let columns = Column::keys(&whole).into_iter().chain(quantities(&whole)).collect::<Vec<_>>();
        blocks.push(Block::Table(Column::table(&columns, &whole)));
        if report.kind == Kind::Ops {
            chart(&whole, Metric::Throughput, "Throughput", blocks);
        }
    }
    for group in groups(&steps) {
        costs(&group, blocks);
    }
}

/// Steps of one model, target and build each.
fn groups<'a>(steps: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    let alike = |a: &Row, b: &Row| {
        (&a.key.subject, &a.key.target, &a.key.profile, &a.key.alloc)
            == (&b.key.subject, &b.key.target, &b.key.profile, &b.key.alloc)
    };
    for step in steps {
        match groups.iter_mut().find(|g| alike(g[0], step)) {
            Some(group) => group.push(step),
            None => groups.push(vec![step]),
        }
    }
    groups
}

fn quantities<'a>(rows: &[&Row]) -> Vec<Column<'a>> {
    COLUMNS.iter().flat_map(|m| Column::of(*m, rows)).collect()
}

/// By what the steps are weighed: the first quantity that all have.
fn weight(rows: &[&Row]) -> Option<Metric> {
    let all = |m: &Metric| rows.iter().all(|r| r.number(*m).is_some_and(|v| v >= 0.0));
    let weighs = |m: &Metric| rows.iter().filter_map(|r| r.number(*m)).sum::<f64>() > 0.0;
    [Metric::Time, Metric::Instructions, Metric::Macs].into_iter().find(|m| all(m) && weighs(m))
}

/// The steps of a model, the dearest first, with their shares and the sum of the shares so far.
fn costs(rows: &[&Row], blocks: &mut Vec<Block>) {
    let key = &rows[0].key;
    blocks.push(Block::Heading(listed([&key.subject, &key.target, &key.profile, &key.alloc])));
    let step = Column::new("step", "", |r| Cell::name(r.key.step.clone().unwrap_or_default()));
    let columns: Vec<Column<'_>> = std::iter::once(step).chain(quantities(rows)).collect();
    let Some(metric) = weight(rows) else {
        blocks.push(Block::Table(Column::table(&columns, rows)));
        return;
    };
    let mut sorted = rows.to_vec();
    let cost = |r: &Row| r.number(metric).unwrap_or(0.0);
    sorted.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
    let total: f64 = sorted.iter().map(|r| cost(r)).sum();
    figures(&sorted, metric, total, blocks);
    let mut table = Column::table(&columns, &sorted);
    let mut sum = 0.0;
    for (cells, row) in table.rows.iter_mut().zip(&sorted) {
        sum += cost(row);
        let share = |v: f64| Cell::number(measured(Metric::Share, v / total), v / total);
        cells.splice(1..1, [share(cost(row)), share(sum)]);
    }
    table.head.splice(
        1..1,
        [("share".into(), Metric::Share.definition().text), ("so far".into(), "Share of this step and all above it.")],
    );
    blocks.push(Block::Table(table));
    chart(&sorted, metric, "By step", blocks);
}

fn figures(sorted: &[&Row], metric: Metric, total: f64, blocks: &mut Vec<Block>) {
    let cost = |r: &Row| r.number(metric).unwrap_or(0.0);
    let mut half = (0.0, 0);
    for row in sorted {
        if half.0 * 2.0 < total {
            half = (half.0 + cost(row), half.1 + 1);
        }
    }
    let figure = |label: &str, value: String| Figure { label: label.into(), value, tone: Tone::Plain };
    blocks.push(Block::Figures(vec![
        figure(&format!("{} of all steps", titled(metric)), measured(metric, total)),
        figure("steps", sorted.len().to_string()),
        figure("of them have half of it", half.1.to_string()),
    ]));
}

fn chart(rows: &[&Row], metric: Metric, heading: &str, blocks: &mut Vec<Block>) {
    let name = |r: &Row| r.key.step.clone().unwrap_or_else(|| r.key.subject.clone());
    let groups: Vec<(String, Vec<Option<&Row>>)> = rows.iter().map(|r| (name(r), vec![Some(*r)])).collect();
    let chart = bars(metric, titled(metric), &groups, &[metric.definition().title]);
    blocks.extend(chart.map(|chart| Block::Charts(heading.into(), vec![chart])));
}

#[cfg(test)]
mod tests {
    use crate::report::Report;

    #[test]
    fn steps_are_sorted_and_their_shares_add_up() {
        let report = Report::from_json(include_str!("../../tests/data/profile.json")).unwrap();
        let text = report.to_markdown();
        let rows: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '%'])).collect())
            .collect();
        assert_eq!(rows.len(), 5);
        let number = |row: usize, column: usize| rows[row][column].trim().replace(',', "").parse::<f64>().unwrap();
        assert_eq!(text.matches("| step | share | so far |").count(), 1);
        let mut sum = 0.0;
        for row in 0..5 {
            sum += number(row, 1);
            assert!((number(row, 2) - sum).abs() < 0.3, "{text}");
            assert!(row == 0 || number(row - 1, 1) >= number(row, 1));
        }
        assert!((sum - 100.0).abs() < 0.3);
    }
}
