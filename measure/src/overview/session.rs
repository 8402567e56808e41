//! Sessions of decoders: how fast tokens come, what each call takes, and what a larger model costs.
//!
//! Invariants: a model has one row without a step for each build and target; its calls and operators are rows of the host with steps, the
//! operators under [`OPERATOR`]; a row of another target with a step is the reading of the prompt.

use super::{Column, cell};
use crate::page::{Block, Cell, Figure, Table, Tone, measured, number, times, titled};
use crate::report::Metric::{self, *};
use crate::report::{OPERATOR, Report, Row, Value};

/// The target whose times are compared.
const HOST: &str = "host";

const SPEED: [Metric; 7] = [TokensPerS, OnnxruntimeTokens, Ahead, SameTokens, FirstTokenCold, FirstToken, Time];
const SIZE: [Metric; 9] = [Parameters, Macs, Onnx, Weights, Arena, Cache, TokenMemory, Allocations, PeakMemory];
const CALLS: [Metric; 4] = [Calls, Time, Allocations, HeapTotal];
const OPERATORS: [Metric; 4] = [Calls, Time, Share, Instructions];
const DEVICE: [Metric; 8] = [Instructions, InstructionsPerMac, Estimate, Weights, Code, Arena, Stack, PeakMemory];
/// What a larger model is compared by.
const RATIOS: [Metric; 6] = [Parameters, Macs, Onnx, Cache, Time, TokensPerS];

pub(super) fn blocks(report: &Report, blocks: &mut Vec<Block>) {
    let models: Vec<&Row> = report.rows.iter().filter(|r| r.key.step.is_none() && r.key.target == HOST).collect();
    let (devices, prompts): (Vec<&Row>, Vec<&Row>) =
        report.rows.iter().filter(|r| r.key.target != HOST).partition(|r| r.key.step.is_none());
    blocks.push(Block::Quote(sentence(&models)));
    blocks.push(Block::Figures(figures(&models)));
    for (title, metrics) in [("Tokens", &SPEED[..]), ("Memory", &SIZE[..])] {
        table(title, metrics, &models, blocks);
    }
    table("On other targets, one token", &DEVICE, &devices, blocks);
    table("On other targets, the prompt", &DEVICE, &prompts, blocks);
    for row in &models {
        let steps = |operators: bool| -> Vec<&Row> {
            let of_it = report.rows.iter().filter(|r| r.key.subject == row.key.subject && r.key.target == HOST);
            of_it.filter(|r| r.key.step.as_deref().is_some_and(|s| s.starts_with(OPERATOR) == operators)).collect()
        };
        parts(&format!("Calls of {}", row.key.subject), "call", &CALLS, &steps(false), blocks);
        parts(&format!("Operators of {}, in one token", row.key.subject), "operator", &OPERATORS, &steps(true), blocks);
    }
    if let [small, larger @ ..] = models.as_slice() {
        larger.iter().for_each(|large| scaling(small, large, blocks));
    }
}

fn table(title: &str, metrics: &[Metric], rows: &[&Row], blocks: &mut Vec<Block>) {
    let columns: Vec<Column<'_>> = metrics.iter().flat_map(|m| Column::of(*m, rows)).collect();
    if !columns.is_empty() {
        let columns: Vec<Column<'_>> = Column::keys(rows).into_iter().chain(columns).collect();
        blocks.push(Block::Heading(title.into()));
        blocks.push(Block::Table(Column::table(&columns, rows)));
    }
}

/// The calls or the operators of a model.
fn parts(title: &str, what: &str, metrics: &[Metric], rows: &[&Row], blocks: &mut Vec<Block>) {
    if rows.is_empty() {
        return;
    }
    let name = |r: &Row| r.key.step.as_deref().map_or("", |s| s.strip_prefix(OPERATOR).unwrap_or(s)).to_string();
    let first = Column::new(what, "", move |r| Cell::name(name(r)));
    let column = |m: &Metric| match rows.iter().all(|r| !matches!(r.values.get(m), Some(Value::Times(_)))) {
        // A sum of many has no spread.
        true if *m == Time => {
            vec![Column::new(titled(Time), Time.definition().text, |r| cell(Time, r.values.get(&Time)))]
        }
        _ => Column::of(*m, rows),
    };
    let columns: Vec<Column<'_>> = std::iter::once(first).chain(metrics.iter().flat_map(column)).collect();
    blocks.push(Block::Heading(title.into()));
    blocks.push(Block::Table(Column::table(&columns, rows)));
}

/// How a larger model stands to the first one; its efficiency is how much more it computes in the time.
fn scaling(small: &Row, large: &Row, blocks: &mut Vec<Block>) {
    let ratio = |m: Metric| Some(large.number(m)? / small.number(m)?).filter(|r| r.is_finite());
    let mut rows: Vec<Vec<Cell>> = RATIOS
        .iter()
        .filter_map(|&m| {
            let of = |row: &Row| cell(m, row.values.get(&m));
            ratio(m).map(|r| vec![Cell::text(m.definition().title), of(small), of(large), Cell::number(times(r), r)])
        })
        .collect();
    let efficiency = ratio(Macs).zip(ratio(TokensPerS)).map(|(macs, tokens)| macs * tokens);
    if let Some(e) = efficiency {
        let note = "multiply-adds in a second, to those of the first";
        rows.push(vec![Cell::text("efficiency"), Cell::text(""), Cell::text(note), Cell::number(times(e), e)]);
    }
    let (small, large) = (&small.key.subject, &large.key.subject);
    blocks.push(Block::Heading(format!("{large} beside {small}")));
    let head = ["quantity".into(), small.clone(), large.clone(), "ratio".into()];
    blocks.push(Block::Table(Table { head: head.map(|h: String| (h, "")).to_vec(), rows }));
}

fn sentence(models: &[&Row]) -> String {
    let one = |row: &&Row| {
        let mut text = format!("{} computes ", row.key.subject);
        text += &row.number(TokensPerS).map_or("no".into(), number);
        text += " tokens in a second";
        if let Some(ratio) = row.number(Ahead) {
            text += &format!(", {} as many as onnxruntime", times(ratio));
        }
        if row.number(TokenMemory) == Some(0.0) {
            text += ", and allocates nothing";
        }
        text
    };
    format!("{}.", models.iter().map(one).collect::<Vec<_>>().join("; "))
}

fn figures(models: &[&Row]) -> Vec<Figure> {
    let of = |row: &&Row| {
        [TokensPerS, FirstToken, Ahead].map(|m| {
            let value = measured(m, row.number(m)?);
            let unit = if m == FirstToken { " us" } else { "" };
            let label = format!("{}, {}", row.key.subject, m.definition().title);
            Some(Figure { label, value: format!("{value}{unit}"), tone: Tone::Plain })
        })
    };
    models.iter().flat_map(of).flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::report::Metric::{self, *};
    use crate::report::OPERATOR;
    use crate::report::{Key, Kind, MachineInfo, Report, Row, Spread, Value};

    fn row(subject: &str, step: Option<String>, values: &[(Metric, Value)]) -> Row {
        let key = Key { subject: subject.into(), step, target: "host".into(), ..Key::default() };
        Row::new(key, values.iter().cloned().collect())
    }

    #[test]
    fn a_larger_model_is_as_efficient_as_it_computes_in_the_time() {
        let mut report = Report::new(Kind::Session, "0.1.0", MachineInfo::default());
        let values = |macs: u64, tokens: f64| {
            [(Macs, Value::Count(macs)), (TokensPerS, Value::Real(tokens)), (TokenMemory, Value::Count(0))]
        };
        report.rows.push(row("small", None, &values(100, 1000.0)));
        report.rows.push(row("large", None, &values(400, 500.0)));
        let time = Value::Times(Spread { min: 1.0, median: 2.0, p95: 3.0, runs: 4 });
        report.rows.push(row("large", Some("Forward".into()), &[(Calls, Value::Count(25)), (Time, time)]));
        report.rows.push(row("large", Some(format!("{OPERATOR}softmax")), &[(Calls, Value::Count(2))]));
        let mut prompt = row("large", Some("Prefill".into()), &[(Instructions, Value::Count(77))]);
        prompt.key.target = "cortex-m7".into();
        report.rows.push(prompt);
        let text = report.to_markdown();
        for part in ["efficiency", "2.00x", "Calls of large", "`Forward`", "`softmax`", "allocates nothing"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let (calls, _) = text.split_once("Operators of large").unwrap();
        let (targets, calls) = calls.split_once("Calls of large").unwrap();
        assert!(targets.contains("the prompt") && targets.contains("77") && !calls.contains("Prefill"), "{text}");
        assert!(!text.contains("Calls of small") && !text.contains("operator softmax"), "{text}");
        assert!(report.to_html(&BTreeMap::new()).contains("efficiency"));
        assert_eq!(Report::from_json(&report.to_json()), Ok(report));
    }
}
