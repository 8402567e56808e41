//! The few numbers of a report on models that one may quote.
//!
//! Invariant: means are geometric, over the rows that have both numbers; they say over how many.

use std::collections::BTreeSet;

use super::analysis::{PEERS, Versus, against_peers, between};
use crate::compare::mean_ratio;
use crate::page::{Figure, Tone, bytes, number, percent, times};
use crate::report::{Key, Metric, Report, Row};

/// What a report comes to, in a few sentences.
pub(super) fn sentence(report: &Report) -> String {
    let models: BTreeSet<&str> = report.rows.iter().map(|r| r.key.subject.as_str()).collect();
    let targets: BTreeSet<&str> = report.rows.iter().map(|r| r.key.target.as_str()).collect();
    let cpu = if report.machine.cpu.is_empty() { String::new() } else { format!(" on {}", report.machine.cpu) };
    let targets = targets.into_iter().collect::<Vec<_>>().join(" and ");
    let mut text = format!("zantc {}{cpu}: {} for {targets}.", report.zantc, plural(models.len(), "model"));
    if let Some(words) = small(report) {
        text += &words;
    }
    if let Some(words) = allocations(report) {
        text += words;
    }
    for peer in PEERS.into_iter().filter(|peer| *peer != Metric::Floor) {
        if let Some((ratio, models)) = peer_ratio(report, peer) {
            let title = peer.definition().title;
            text +=
                &format!(" Fast builds run {} as fast as {title} (mean of {}).", times(ratio), plural(models, "model"));
        }
    }
    text
}

fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// Of each model the fast and the small build for the host, with the arena in statics.
fn builds(report: &Report) -> Vec<Versus<'_>> {
    between(report, |key| {
        let fast = key.profile == "fast" && key.target == "host" && key.alloc != "heap";
        fast.then(|| Key { profile: "small".into(), ..key.clone() })
    })
}

/// The mean ratio of small to fast, and of how many models.
fn ratio(report: &Report, metric: Metric) -> Option<(f64, usize)> {
    let pairs: Vec<(f64, f64)> = builds(report).iter().filter_map(|v| v.numbers(metric)).collect();
    Some((mean_ratio(pairs.iter().copied())?, pairs.len()))
}

fn small(report: &Report) -> Option<String> {
    let (size, models) = ratio(report, Metric::Executable)?;
    let smaller = if size <= 1.0 { "smaller" } else { "larger" };
    let size = number((size - 1.0).abs() * 100.0);
    let cost = [(Metric::Instructions, "instructions"), (Metric::Time, "time")];
    let cost = cost.map(|(metric, word)| ratio(report, metric).map(|(r, _)| format!("{} the {word}", times(r))));
    let cost: Vec<String> = cost.into_iter().flatten().collect();
    let cost = if cost.is_empty() { String::new() } else { format!(" for {}", cost.join(" and ")) };
    let over = plural(models, "model");
    Some(format!(" Against fast builds, small ones are {size} % {smaller}{cost} (means of {over} on the host)."))
}

/// Whether static builds allocate.
fn allocations(report: &Report) -> Option<&'static str> {
    let rows = report.rows.iter().filter(|r| r.key.alloc == "static");
    let counts: Vec<f64> = rows.filter_map(|r| r.number(Metric::Allocations)).collect();
    let none = counts.iter().all(|n| *n == 0.0);
    (!counts.is_empty() && none).then_some(" With the arena in statics nothing is allocated.")
}

fn peer_ratio(report: &Report, peer: Metric) -> Option<(f64, usize)> {
    let found = against_peers(report);
    let of = found.iter().filter(|p| p.peer == peer && p.row.key.profile == "fast" && p.row.key.alloc != "heap");
    let pairs: Vec<(f64, f64)> = of.map(|p| (p.ours, p.theirs)).collect();
    Some((mean_ratio(pairs.iter().copied())?, pairs.len()))
}

/// The numbers that one looks for first.
pub(super) fn figures(report: &Report) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut push = |label: String, value: Option<String>| {
        figures.extend(value.map(|value| Figure { label, value, tone: Tone::Plain }));
    };
    let fast = |r: &&Row| r.key.profile == "fast" && r.key.target == "host" && r.key.alloc != "heap";
    let models = report.rows.iter().map(|r| &r.key.subject).collect::<BTreeSet<_>>().len();
    push("models".into(), Some(models.to_string()));
    let per_mac: Vec<(f64, f64)> =
        report.rows.iter().filter(fast).filter_map(|r| Some((1.0, r.number(Metric::InstructionsPerMac)?))).collect();
    push("instructions per MAC, fast, host, mean".into(), mean_ratio(per_mac.into_iter()).map(number));
    let change = |metric| ratio(report, metric).map(|(r, _)| percent((r - 1.0) * 100.0));
    push("executable, small against fast".into(), change(Metric::Executable));
    push("instructions, small against fast".into(), change(Metric::Instructions));
    push("time, small against fast".into(), change(Metric::Time));
    for (title, metric) in [("flash", Metric::Executable), ("RAM", Metric::PeakMemory)] {
        let target = report.rows.iter().map(|r| r.key.target.as_str()).find(|t| *t != "host").unwrap_or("host");
        let of = |r: &&Row| r.key.profile == "fast" && r.key.target == target && r.key.alloc != "heap";
        let numbers = report.rows.iter().filter(of).filter_map(|r| Some((1.0, r.number(metric)?)));
        push(format!("{title} on {target}, fast, mean"), mean_ratio(numbers).map(bytes));
    }
    for peer in PEERS.into_iter().filter(|peer| *peer != Metric::Floor) {
        push(format!("as fast as {}", peer.definition().title), peer_ratio(report, peer).map(|(r, _)| times(r)));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::{figures, peer_ratio, ratio, sentence};
    use crate::report::{Metric, Report, Value};

    fn report() -> Report {
        Report::from_json(include_str!("../../tests/data/bench.json")).unwrap()
    }

    #[test]
    fn means_are_of_the_rows_of_the_tables() {
        let report = report();
        let (time, models) = ratio(&report, Metric::Time).unwrap();
        assert!((time - 2.5).abs() < 1e-9 && models == 4, "{time}");
        let (peer, models) = peer_ratio(&report, Metric::Onnxruntime).unwrap();
        assert!((peer - 1.4).abs() < 1e-9 && models == 4, "{peer}");
        assert_eq!(peer_ratio(&report, Metric::Litert), None);
        let text = sentence(&report);
        for words in [
            "4 models for cortex-m7 and host",
            "small ones are 12.2 % smaller for 2.05x the instructions and 2.50x the time",
            "nothing is allocated",
            "1.40x as fast as onnxruntime",
        ] {
            assert!(text.contains(words), "{text}\nlacks {words}");
        }
        assert!(figures(&report).iter().any(|f| f.label == "time, small against fast" && f.value == "+150 %"));
    }

    #[test]
    fn nothing_is_said_that_was_not_measured() {
        let mut report = report();
        report.rows[0].values.insert(Metric::Allocations, Value::Count(1));
        assert!(!sentence(&report).contains("nothing is allocated"));
        report.rows.retain(|r| r.key.profile == "fast");
        assert!(!sentence(&report).contains("small ones"));
    }
}
