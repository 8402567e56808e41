//! `zantc profile`: where a model's instructions and its time go.

use std::path::PathBuf;

use zant_measure::overview::write;
use zant_measure::replace;
use zant_measure::report::{Kind, Metric, Row, Value};
use zantc::Optimize;
use zantc::diag::escape;

use super::bench::measurable;
use super::compile::unwritable;
use super::project::ModelArgs;
use super::shell::{Shell, cut, table};
use super::{Failure, Outcome};
use crate::bench::{Profile, Profiled, Subject, begin, end, profile};

/// Characters of the bar that stands for all of a model.
const BAR: f64 = 30.0;

/// The most characters of a step's name, and of its types, in the table; reports have all.
const STEP: usize = 44;

/// Measure each step of a model: instructions, time, throughput, and its share
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Runs of which the times are taken
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Write the report as JSON
    #[arg(long)]
    json: bool,
    /// Write the report as a page into this file as well
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report into this folder as well
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let project = args.model.open()?;
    let target = measurable(project.config.target.name).map_err(Failure::Usage)?;
    if zant_measure::Machine::with_cpu(target.name).is_some_and(|m| m.clock.is_none()) {
        let message = format!("{} keeps no time of steps; profile on the host or another target", target.name);
        return Err(Failure::Usage(message));
    }
    let build = match project.config.optimize {
        Optimize::Speed => Profile::Fast,
        Optimize::Size => Profile::Small,
    };
    shell.status("Profiling", &format!("{} on {}, {}", project.name, target.name, build.name()));
    let subject = Subject { name: &project.name, path: &project.path, config: &project.config };
    let mut report = begin(Kind::Profile);
    let profiled = profile(&subject, target, build, args.runs as usize)?;
    report.rows.clone_from(&profiled.rows);
    end(&mut report);
    if let Some(folder) = &args.output {
        write(folder, &report, &[].into()).map_err(|e| unwritable(folder, &e))?;
        shell.status("Wrote", &format!("{} rows to {}", report.rows.len(), folder.display()));
    }
    if let Some(file) = &args.html {
        replace(&[(file.clone(), report.to_html(&[].into()))]).map_err(|e| unwritable(file, &e))?;
        shell.status("Wrote", &file.display().to_string());
    }
    shell.out(&if args.json || shell.is_json() { report.to_json() } else { text(&profiled) })
}

/// The steps, the dearest first.
fn text(profiled: &Profiled) -> String {
    let mut steps: Vec<(&Row, &String)> = profiled.rows.iter().skip(1).zip(&profiled.shapes).collect();
    let share = |row: &Row| row.number(Metric::Share).unwrap_or(0.0);
    steps.sort_by(|a, b| share(b.0).total_cmp(&share(a.0)));
    let mut sum = 0.0;
    let line = |(row, shapes): &(&Row, &String)| {
        sum += share(row);
        let step = escape(&cut(row.key.step.as_deref().unwrap_or_default(), STEP));
        let bar = "#".repeat((share(row) * BAR).round() as usize);
        let part = |v: f64| format!("{:.1}%", v * 100.0);
        let mut cells = vec![step, cut(shapes, STEP)];
        cells.extend(figures(row));
        cells.extend([part(share(row)), part(sum), whole(row, Metric::Live), bar]);
        cells
    };
    let mut rows: Vec<Vec<String>> = steps.iter().map(line).collect();
    if let Some(all) = profiled.rows.first() {
        let mut cells = vec!["all".to_string(), String::new()];
        cells.extend(figures(all));
        cells.extend([String::new(), String::new(), whole(all, Metric::Arena), String::new()]);
        rows.push(cells);
    }
    let instructions = profiled.rows.first().map_or(Metric::Instructions, counted).definition().title;
    let head = ["step", "types", "MACs", instructions, "us", "GOP/s", "share", "so far", "live", ""];
    let missing = profiled.rows.first().into_iter().flat_map(|all| {
        let said = [counted(all), Metric::Time].into_iter().filter_map(|m| match all.values.get(&m) {
            Some(Value::Missing(why)) => Some(format!("{}: not measured: {why}\n", m.definition().title)),
            Some(Value::Count(_) | Value::Real(_) | Value::Times(_)) | None => None,
        });
        said.collect::<Vec<_>>()
    });
    table(&head, &rows) + &missing.collect::<String>()
}

fn whole(row: &Row, metric: Metric) -> String {
    row.number(metric).map_or(String::new(), |v| format!("{v:.0}"))
}

/// The count of instructions that a row has: of what ran, else of what runs on a processor with AVX2.
fn counted(row: &Row) -> Metric {
    match row.values.contains_key(&Metric::InstructionsAvx2) {
        true => Metric::InstructionsAvx2,
        false => Metric::Instructions,
    }
}

/// Multiply-adds, instructions, microseconds and throughput.
fn figures(row: &Row) -> [String; 4] {
    let time = row.number(Metric::Time).map_or(String::new(), |v| format!("{v:.2}"));
    let throughput = row.number(Metric::Throughput).map_or(String::new(), |v| format!("{v:.2}"));
    [whole(row, Metric::Macs), whole(row, counted(row)), time, throughput]
}
