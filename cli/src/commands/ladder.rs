//! `zantc ladder`: methods of compression beside each other.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use zant_compress::Metric;
use zant_measure::Machine;
use zantc::config::{Options, dim};
use zantc::diag::Diagnostic;
use zantc::targets::{HOST, Target};

use super::compile::unwritable;
use super::eval::metrics;
use super::project::model_path;
use super::shell::Shell;
use super::{Failure, Outcome};
use crate::ladder::{
    Hear, Ladder, Origin, RowFile, Rung, Sort, addition, collect, finish, method, open, planned, read_all, rungs,
    stored, write,
};

/// Compress a model in many ways, and report how right, small and fast each is
///
/// A row for each method: accuracy on validation data, parameters, sizes, RAM, time on the host, and instructions on emulated cores. Rows that
/// are there, made from the same inputs, are not made again.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The ONNX model
    #[arg(value_name = "MODEL", required_unless_present = "collect", value_parser = model_path())]
    model: Option<PathBuf>,
    /// Validation data, as `zantc eval` takes them
    #[arg(long, value_name = "FILE|DIR", required_unless_present = "collect")]
    data: Option<PathBuf>,
    /// What is expected of them [default: what the data have]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Examples for methods that calibrate [default: the validation data]
    #[arg(long, value_name = "FILE|DIR")]
    calibrate: Option<PathBuf>,
    /// Methods: int8-dynamic, int8, weights-int8, weights-int4, ternary, unstructured-N, structured-N, sensitive-N, structured-magnitude-N, and several
    /// joined by `+`
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    methods: Vec<String>,
    /// A row for a model that was compressed elsewhere; may be given again
    #[arg(long, value_name = "NAME=MODEL", value_parser = addition)]
    add: Vec<(String, PathBuf)>,
    /// What is measured [default: top1 for classes, else mse]
    #[arg(long, value_parser = metrics())]
    metric: Option<Metric>,
    /// The column by which rows are sorted, the best first
    #[arg(long, value_name = "COLUMN", value_parser = Sort::named, default_value = "accuracy")]
    sort: Sort,
    /// Targets beside the host, which QEMU emulates: cortex-m7 ..
    #[arg(long, value_name = "TARGET", value_delimiter = ',', value_parser = emulated)]
    target: Vec<&'static Target>,
    /// Emulate no model that would take more instructions than this
    #[arg(long, value_name = "N", default_value_t = 2_000_000_000)]
    emulate: u64,
    /// Samples of the time of each
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    runs: u32,
    /// Build nothing: accuracy, and what files and plans say
    #[arg(long)]
    quick: bool,
    /// Value of a symbolic dimension
    #[arg(long, value_name = "NAME=K", value_parser = dim)]
    dim: Vec<(String, usize)>,
    /// Threads that compress and evaluate [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Make nothing: write plan.txt, a command for each row, which may run anywhere and in any order
    #[arg(long, conflicts_with_all = ["only", "collect"])]
    plan: bool,
    /// Make this row alone, and no table; may be given again
    #[arg(long, value_name = "NAME", conflicts_with_all = ["methods", "collect"])]
    only: Vec<String>,
    /// Make no row: write the table of all rows that the folder has
    #[arg(long, conflicts_with_all = ["model", "data", "labels", "calibrate", "methods", "add", "metric", "target", "quick"])]
    collect: bool,
    /// Where everything is written: ladder.md, ladder.json, ladder.html, models, rows
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// A target that QEMU has a machine of.
fn emulated(text: &str) -> Result<&'static Target, String> {
    let target = super::bench::measurable(text)?;
    match target.name == HOST.name {
        true => Err("the host is measured in any case".into()),
        false => Ok(target),
    }
}

impl Hear for Shell {
    fn status(&mut self, verb: &str, what: &str) {
        Shell::status(self, verb, what);
    }

    fn progress(&mut self, what: &str) {
        Shell::progress(self, what);
    }
}

impl Args {
    /// All but the rows.
    fn ladder(&self) -> Outcome<Ladder> {
        let (Some(model), Some(data)) = (self.model.clone(), self.data.clone()) else {
            return Err(Failure::Usage("a model and `--data` are needed".into()));
        };
        let mut targets = self.target.clone();
        targets.dedup_by_key(|target| target.name);
        Ok(Ladder {
            model,
            data,
            labels: self.labels.clone(),
            calibrate: self.calibrate.clone(),
            metric: self.metric,
            options: Options { dim: self.dim.clone(), ..Options::default() },
            targets,
            runs: self.runs as usize,
            quick: self.quick,
            emulate: self.emulate,
            threads: self.threads,
            folder: self.output.clone(),
        })
    }

    /// The rows that are asked for.
    fn rungs(&self) -> Outcome<Vec<Rung>> {
        if self.only.is_empty() {
            return Ok(rungs(&self.methods, &self.add)?);
        }
        let mut added = Vec::new();
        for (name, path) in &self.add {
            match self.only.contains(name) {
                true => added.push(Rung { name: name.clone(), origin: Origin::Added(path.clone()), asked: true }),
                false => return Err(Failure::Usage(format!("`--add {name}` is not among `--only`"))),
            }
        }
        // What is wrong with one of them.
        rungs(&[], &self.add)?;
        let mut all = Vec::new();
        for name in &self.only {
            let one = added.iter().find(|rung| rung.name == *name).cloned();
            let one = one.map_or_else(|| method(name), Ok)?;
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Ok(all)
    }
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    if args.collect {
        let rows = read_all(&args.output)?;
        let expected = planned(&args.output);
        let rows: Vec<RowFile> =
            rows.into_iter().filter(|row| expected.is_empty() || expected.contains(&row.name)).collect();
        // Whoever asked for a row that failed heard it then.
        return table(args, &rows, &expected, &|_| false, shell);
    }
    let rungs = args.rungs()?;
    let ladder = args.ladder()?;
    for target in ladder.targets.iter().filter(|_| !args.plan && !args.quick) {
        if let Some(Err(e)) = Machine::with_cpu(target.name).map(Machine::require) {
            shell.status("Note", &format!("nothing is emulated: {e}"));
        }
    }
    shell.progress("reading the model and the data");
    let opened = open(&ladder)?;
    if args.plan {
        let path = ladder.write_plan(&rungs).map_err(|e| unwritable(&ladder.folder, &e))?;
        shell.status("Wrote", &format!("{} commands to {}", rungs.len(), path.display()));
        return Ok(());
    }
    let (mut rows, count) = (Vec::new(), rungs.len());
    for (at, rung) in rungs.iter().enumerate() {
        let inputs = ladder.own_inputs(&opened.inputs, rung)?;
        if let Some(row) = stored(&ladder.folder, &rung.name, &inputs) {
            shell.status("Fresh", &format!("{} ({} of {count})", rung.name, at + 1));
            rows.push(row);
            continue;
        }
        shell.status("Climbing", &format!("{} ({} of {count})", rung.name, at + 1));
        let row = finish(&ladder, &opened, rung, shell)?;
        if let Some(why) = &row.failed {
            shell.status("Failed", &format!("{}: {why}", rung.name));
        }
        rows.push(row);
    }
    let asked = |name: &str| rungs.iter().any(|rung| rung.name == name && rung.asked);
    if !args.only.is_empty() {
        return verdict(&rows, true, &asked);
    }
    table(args, &rows, &[], &asked, shell)
}

/// Whether all that was asked for is there.
fn verdict(rows: &[RowFile], complete: bool, asked: &dyn Fn(&str) -> bool) -> Outcome {
    let failed = rows.iter().any(|row| row.failed.is_some() && asked(&row.name));
    if failed || !complete { Err(Failure::Said) } else { Ok(()) }
}

/// Writes the table. What failed fails the command where it was asked for; so do rows that are missing.
fn table(
    args: &Args,
    rows: &[RowFile],
    expected: &[String],
    asked: &dyn Fn(&str) -> bool,
    shell: &mut Shell,
) -> Outcome {
    let report = collect(rows, expected, args.sort)?;
    write(&args.output, &report).map_err(|e| unwritable(&args.output, &e))?;
    let missing: Vec<&str> =
        expected.iter().filter(|name| !rows.iter().any(|row| row.name == **name)).map(String::as_str).collect();
    if !missing.is_empty() {
        let message = format!("{} rows of the plan are not there: {}", missing.len(), missing.join(", "));
        let help = "run their commands, which stand in plan.txt";
        shell.diagnostics(&[Diagnostic::error(zantc::diag::codes::BAD_REPORT, message).help(help)]);
    }
    if shell.is_json() {
        let failed: Vec<&str> = rows.iter().filter(|r| r.failed.is_some()).map(|r| r.name.as_str()).collect();
        let value = serde_json::json!({ "reason": "ladder", "rows": rows.len(), "failed": failed, "missing": missing });
        shell.json(&value)?;
    }
    shell.status("Wrote", &format!("{} rows to {} in {}", rows.len(), args.output.display(), shell.elapsed()));
    verdict(rows, missing.is_empty(), asked)
}
