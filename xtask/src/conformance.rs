//! `cargo xtask conformance`: the official ONNX operator cases against the list of known failures.

use std::io::Write as _;

use zant_tests::cases;
use zant_tests::conformance::{Expected, Report, run};
use zantc::Config;
use zantc::exec::{Executor, Hygiene};
use zantc::ir::{Graph, Tensor};

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
    verdict(args, &report)
}

/// Runs a graph as it would be emitted: all passes, kernels, the planned arena; bytes that no buffer lives in are garbage.
fn by_exec(graph: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let compiled = zantc::compile_graph(graph.clone(), &Config::default())
        .map_err(|faults| faults.iter().map(|d| format!("{} {}", d.code, d.message)).collect::<Vec<_>>().join("; "))?;
    zantc::program::verify(&compiled.program).map_err(|faults| format!("unsound plan: {}", faults.join("; ")))?;
    let mut executor = Executor::new(&compiled.program, Hygiene::Poison).map_err(|e| e.to_string())?;
    executor.run(inputs).map_err(|e| e.to_string())
}

/// Checks all cases.
pub(crate) fn check() -> Result<bool, String> {
    conformance(&Args { filter: String::new(), bless: false, failures: false, reasons: false })
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
