//! Figures of others beside ours.
//!
//! Invariant: a ratio is of their figure by ours, of the same model on the same target; instructions are compared on targets alone,
//! where both are of one instruction set.

use crate::page::{Block, Cell, Table, measured, times};
use crate::report::{Metric, Other, Report, Row};

pub(super) fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    if report.others.is_empty() {
        return;
    }
    let head = [
        "model",
        "target",
        "tool",
        "instructions",
        "by ours",
        "time, us",
        "by ours",
        "RAM, bytes",
        "by ours",
        "flash, bytes",
        "by ours",
        "source",
    ];
    blocks.push(Block::Heading("Others".into()));
    blocks.push(Block::Text(
        "Figures that others published or that were measured beside; by those of our fast build.".into(),
    ));
    blocks.push(Block::Table(Table::new(head, report.others.iter().map(|other| cells(report, other)))));
}

/// Our fast build of the same model and target, with the arena in statics.
fn ours<'a>(report: &'a Report, other: &Other) -> Option<&'a Row> {
    let same = |row: &&Row| row.key.subject == other.model && row.key.target == other.target && row.key.step.is_none();
    report.rows.iter().filter(same).min_by_key(|row| (row.key.profile != "fast", row.key.alloc == "heap"))
}

fn cells(report: &Report, other: &Other) -> Vec<Cell> {
    let ours = ours(report, other);
    let on_host = other.target == "host";
    let figures = [
        (Metric::Instructions, other.instructions.map(|n| n as f64)),
        (if on_host { Metric::Time } else { Metric::Estimate }, other.time),
        (if on_host { Metric::PeakRss } else { Metric::PeakMemory }, other.ram.map(|n| n as f64)),
        (Metric::Executable, other.flash.map(|n| n as f64)),
    ];
    let pairs = figures.into_iter().flat_map(|(metric, theirs)| {
        let comparable = !(on_host && metric == Metric::Instructions);
        let ours = ours.and_then(|row| row.number(metric)).filter(|n| *n > 0.0 && comparable);
        let ratio = theirs.zip(ours).map(|(theirs, ours)| theirs / ours);
        [Cell::maybe(theirs, |v| measured(metric, v)), Cell::maybe(ratio, times)]
    });
    let names = [&other.model, &other.target, &other.name].map(|name| Cell::name(name.as_str()));
    names.into_iter().chain(pairs).chain([Cell::name(other.source.as_str())]).collect()
}

#[cfg(test)]
mod tests {
    use crate::report::{Other, Report};

    #[test]
    fn their_figures_stand_beside_ours() {
        let mut report = Report::from_json(include_str!("../../tests/data/bench.json")).unwrap();
        let mut other = Other {
            model: "mnist-8".into(),
            name: "another <tool>".into(),
            target: "host".into(),
            instructions: Some(1),
            time: Some(98.0),
            source: "a page".into(),
            ..Other::default()
        };
        report.others.push(other.clone());
        let text = report.to_markdown();
        // Twice our 49 us; instructions of two sets have no ratio.
        assert!(text.contains("## Others") && text.contains("| 98.0 | 2.00x |") && text.contains("| 1 |  |"), "{text}");
        other.model = "unknown".into();
        report.others = vec![other];
        assert!(!report.to_markdown().contains("2.00x | |"));
        assert!(!report.to_html(&[].into()).contains("<tool>"));
        assert_eq!(Report::from_json(&report.to_json()), Ok(report));
    }
}
