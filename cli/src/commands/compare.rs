//! `zantc compare`: what became better or worse from one report to another.

use std::path::{Path, PathBuf};

use zant_measure::budget::Budgets;
use zant_measure::compare::{Change, Comparison, Presence, RowChange, Status};
use zant_measure::replace;
use zant_measure::report::Report;
use zantc::diag::{Diagnostic, codes, escape};

use super::compile::unwritable;
use super::shell::Shell;
use super::{Failure, Outcome};

/// Regressions that are named where a comparison fails.
const NAMED: usize = 5;

/// Compare two reports of bench, profile, bench ops or inspect; exit 1 where the newer is worse beyond the threshold
#[derive(clap::Args)]
pub(super) struct Args {
    /// The older report
    #[arg(value_name = "OLD.json")]
    old: PathBuf,
    /// The newer report
    #[arg(value_name = "NEW.json")]
    new: PathBuf,
    /// Changes of up to so many percent decide nothing
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    threshold: f64,
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
    /// Something is worse beyond the threshold.
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
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let comparison = Comparison::of(&old, &new, args.threshold).map_err(|e| unreadable(&e))?;
    write(args, &comparison, shell)?;
    let mut faults = over_budget(args.budget.as_deref(), &new)?;
    match args.fail_on {
        FailOn::Regression if comparison.verdict.regressed() => faults.push(regressed(&comparison)),
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

/// `5%`, `5` or `0.5%`.
fn percent(text: &str) -> Result<f64, String> {
    let number: f64 =
        text.strip_suffix('%').unwrap_or(text).trim().parse().map_err(|_| "not a percentage like 5%".to_string())?;
    if number.is_finite() && number >= 0.0 { Ok(number) } else { Err("a percentage of zero or more".into()) }
}

/// Reads a report.
pub(super) fn read(path: &Path) -> Outcome<Report> {
    Report::read(path).map_err(|e| unreadable(&e))
}

fn unreadable(error: &dyn std::fmt::Display) -> Failure {
    Diagnostic::error(codes::BAD_REPORT, escape(&error.to_string())).into()
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

/// Why the command fails: the worst regressions.
fn regressed(comparison: &Comparison) -> Diagnostic {
    let both = comparison.rows.iter().filter(|row| row.presence == Presence::Both);
    let mut worse: Vec<(&RowChange, &Change)> = both
        .flat_map(|row| row.changes.iter().map(move |change| (row, change)))
        .filter(|(_, change)| change.beyond && change.status == Status::Regressed)
        .collect();
    let size = |change: &Change| change.percent.unwrap_or(f64::INFINITY);
    worse.sort_by(|(_, a), (_, b)| size(b).total_cmp(&size(a)));
    let message = format!("{} quantities are worse beyond {} %", worse.len(), comparison.rules.threshold_percent);
    worse.iter().take(NAMED).fold(Diagnostic::error(codes::REGRESSED, message), |diagnostic, (row, change)| {
        let by = change.percent.map_or("from zero".into(), |p| format!("by {p:.1} %"));
        diagnostic.help(format!("{}: {} {by}", escape(&row.key.to_string()), change.metric.definition().title))
    })
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn thresholds_are_percentages() {
        assert_eq!(["5%", "5", "0.5 %", "0"].map(percent), [Ok(5.0), Ok(5.0), Ok(0.5), Ok(0.0)]);
        for wrong in ["", "%", "-1%", "nan", "inf%", "five"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }
}
