//! `zantc compare`: what became better or worse from one report to another.

use std::path::{Path, PathBuf};

use zant_measure::budget::Budgets;
use zant_measure::compare::{Asked, Change, Comparison, Presence, RowChange, Status};
use zant_measure::replace;
use zant_measure::report::Report;
use zantc::diag::{Diagnostic, codes, escape};

use super::compile::unwritable;
use super::numbers::percent;
use super::shell::Shell;
use super::{Failure, Outcome};

/// Regressions that are named where a comparison fails.
const NAMED: usize = 5;

/// Compare reports of bench, profile, ladder or inspect; exit 1 where the newest is worse beyond the threshold or lacks something
#[derive(clap::Args)]
pub(super) struct Args {
    /// Two reports, the older first; of more, the last is compared with the first and all are told as a trend
    #[arg(value_name = "REPORT.json", num_args = 2.., required = true)]
    reports: Vec<PathBuf>,
    /// Changes of up to so many percent decide nothing
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    threshold: f64,
    /// Let rows and quantities be gone that the older report has
    #[arg(long)]
    allow_vanished: bool,
    /// Let a name stand for another model than before: one with other multiply-adds
    #[arg(long)]
    allow_other_models: bool,
    /// What fails
    #[arg(long, value_name = "WHAT", value_enum, default_value = "regression")]
    fail_on: FailOn,
    /// Check the newer report against limits of RAM, flash and instructions: a zant.budget.toml
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    /// How the comparison is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "markdown")]
    format: Format,
    /// Write it to a file instead
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What makes the command fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Something is worse beyond the threshold, or gone.
    Regression,
    /// Nothing: the comparison is only written.
    Never,
}

/// How a comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Markdown,
    Html,
    Json,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let reports = args.reports.iter().map(|path| read(path)).collect::<Outcome<Vec<Report>>>()?;
    let asked = Asked {
        threshold_percent: args.threshold,
        allow_vanished: args.allow_vanished,
        allow_other_models: args.allow_other_models,
    };
    let comparison = Comparison::of_many(&reports, asked).map_err(|e| unreadable(&e))?;
    write(args, &comparison, shell)?;
    let newest = reports.last().into_iter();
    let mut faults = newest.map(|new| over_budget(args.budget.as_deref(), new)).collect::<Outcome<Vec<_>>>()?.concat();
    match args.fail_on {
        FailOn::Regression if comparison.verdict.fails() => faults.push(worse(&comparison)),
        FailOn::Regression | FailOn::Never => {}
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}

/// The budgets that a report exceeds.
fn over_budget(path: Option<&Path>, report: &Report) -> Outcome<Vec<Diagnostic>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let budgets = Budgets::read(path).map_err(|e| unreadable(&e))?;
    let violations = budgets.check(report);
    Ok(violations.iter().map(|v| Diagnostic::error(codes::OVER_BUDGET, escape(&v.to_string()))).collect())
}

/// Reads a report.
pub(super) fn read(path: &Path) -> Outcome<Report> {
    Report::read(path).map_err(|e| unreadable(&e))
}

/// Why a report, or what stands beside it, cannot be read.
pub(super) fn unreadable(error: &dyn std::fmt::Display) -> Failure {
    Failure::Unreadable(vec![Diagnostic::error(codes::BAD_REPORT, escape(&error.to_string()))])
}

fn write(args: &Args, comparison: &Comparison, shell: &mut Shell) -> Outcome {
    if shell.is_json() {
        let mut value = serde_json::to_value(comparison).expect("plain data");
        value["reason"] = "compared".into();
        return shell.json(&value);
    }
    let text = match args.format {
        Format::Markdown => comparison.to_markdown(),
        Format::Html => comparison.to_html(),
        Format::Json => comparison.to_json(),
    };
    let Some(path) = &args.output else { return shell.out(&text) };
    replace(&[(path.clone(), text)]).map_err(|e| unwritable(path, &e))?;
    shell.status("Compared", &format!("{} ({})", comparison.verdict.word(), path.display()));
    Ok(())
}

/// Why the command fails: what is missing, then the worst regressions.
fn worse(comparison: &Comparison) -> Diagnostic {
    let both = comparison.rows.iter().filter(|row| row.presence == Presence::Both);
    let mut worse: Vec<(&RowChange, &Change)> = both
        .flat_map(|row| row.changes.iter().map(move |change| (row, change)))
        .filter(|(_, change)| change.beyond && change.status == Status::Regressed)
        .collect();
    let size = |change: &Change| change.percent.unwrap_or(f64::INFINITY);
    worse.sort_by(|(_, a), (_, b)| size(b).total_cmp(&size(a)));
    let means = comparison.summary.totals.iter().filter(|total| total.status == Status::Regressed);
    let gone = comparison.faults.iter().map(ToString::to_string);
    let single = worse.iter().map(|(row, change)| {
        let by = change.percent.map_or("from zero".into(), |p| format!("by {p:.1} %"));
        format!("{}: {} {by}", row.key, change.metric.definition().title)
    });
    let mean = means.clone().map(|total| {
        let ratio = total.mean_ratio.unwrap_or(1.0);
        format!(
            "{} on {}: the mean over {} rows by {:.1} %",
            total.metric.definition().title,
            total.target,
            total.rows,
            (ratio - 1.0) * 100.0
        )
    });
    let mut parts = Vec::new();
    for (count, what) in [
        (comparison.faults.len(), "missing or of another model".to_string()),
        (worse.len() + means.clone().count(), format!("worse beyond {} %", comparison.rules.threshold_percent)),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let diagnostic = Diagnostic::error(codes::REGRESSED, format!("of the older report, {}", parts.join(", ")));
    let lines = gone.take(NAMED).chain(single.take(NAMED)).chain(mean.take(NAMED));
    let diagnostic = lines.fold(diagnostic, |diagnostic, line| diagnostic.help(escape(&line)));
    match comparison.faults.is_empty() {
        true => diagnostic,
        false => diagnostic.help("`--allow-vanished` and `--allow-other-models` let that be"),
    }
}
