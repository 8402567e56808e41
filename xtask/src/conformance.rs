//! `cargo xtask conformance`: the official ONNX operator cases against the list of known failures.

use std::io::Write as _;

use zant_tests::cases;
use zant_tests::conformance::{Expected, Report, run};
use zantc::ir::{Graph, Tensor};

use crate::crates;

/// Runs the official ONNX operator cases and checks them against `tests/conformance/expected_failures.txt`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only cases whose name contains this.
    #[arg(default_value = "")]
    filter: String,
    /// Write the list of known failures anew.
    #[arg(long)]
    bless: bool,
    /// Print each failing case.
    #[arg(long)]
    failures: bool,
    /// Print how often each reason occurs.
    #[arg(long)]
    reasons: bool,
    /// Then emit what passes in batches of real crates, build and run them.
    #[arg(long)]
    crates: bool,
}

/// Gives whether all is as expected.
pub(crate) fn conformance(args: &Args) -> Result<bool, String> {
    let Some(mut cases) = cases::conformance() else {
        println!("skipped: all official ONNX cases, for the folder of them is missing");
        return Ok(true);
    };
    // The light models hold hundreds of MB of made-up weights.
    cases.retain(|c| c.group != "light" && c.name.contains(&args.filter));
    let report = run(&cases, &by_exec, &mut |done, all| {
        if done % 50 == 0 {
            eprint!("\r{done} of {all} ");
            let _ = std::io::stderr().flush();
        }
    });
    eprintln!("\r{} cases   ", cases.len());
    if args.failures {
        for (name, outcome) in report.outcomes.iter().filter(|(_, o)| o.word() != "passes") {
            println!("{name}  {outcome}");
        }
    }
    if args.reasons {
        print!("{}", report.reasons());
    }
    print!("{}", report.table());
    let as_expected = verdict(args, &report)?;
    Ok(as_expected && (!args.crates || crates::check()?))
}

/// Runs a graph as it would be emitted: all passes, kernels, the planned arena; bytes that no buffer lives in are garbage.
fn by_exec(graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
    crates::in_process(graph, inputs).map(|(_, outputs)| outputs)
}

/// Checks all cases.
pub(crate) fn check() -> Result<bool, String> {
    conformance(&Args { filter: String::new(), bless: false, failures: false, reasons: false, crates: true })
}

/// Compares with the list, or writes it.
fn verdict(args: &Args, report: &Report) -> Result<bool, String> {
    let path = cases::workspace().join("tests/conformance/expected_failures.txt");
    let whole = args.filter.is_empty();
    if args.bless && !whole {
        return Err("--bless needs a run of all cases".to_string());
    }
    let expected = if args.bless {
        let expected = Expected::of(report);
        std::fs::write(&path, expected.text()).map_err(|e| format!("{}: {e}", path.display()))?;
        expected
    } else {
        Expected::parse(&std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?)?
    };
    let complaints = expected.check(report, whole);
    for complaint in &complaints {
        println!("{complaint}");
    }
    println!("{} pass, {} complaints", report.passed(), complaints.len());
    Ok(complaints.is_empty())
}
