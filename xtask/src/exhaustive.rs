//! `cargo xtask exhaustive`: the errors of the elementary functions over every f32, and long samples of those of two operands
//! or of f64.

use std::time::Instant;

use crate::command::cargo;

/// Check elementary functions over every f32 against exact results: minutes for each on one core.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these functions, such as `tanh`.
    functions: Vec<String>,
}

pub(crate) fn exhaustive(args: &Args) -> Result<bool, String> {
    let release = ["test", "-p", "zant-runtime", "--release"];
    let end = ["--", "--ignored", "--nocapture"];
    if args.functions.is_empty() {
        let targets = ["--test", "math_accuracy", "--test", "math_f64", "--test", "math_pow"];
        return cargo(&[&release[..], &targets, &end].concat());
    }
    let mut ok = true;
    for function in &args.functions {
        let started = Instant::now();
        let name = format!("{function}::the_error_over_all_f32_is_within_the_stated_bound");
        ok &= cargo(&[&release[..], &["--test", "math_accuracy", &name], &end, &["--exact"]].concat())?;
        println!("{function}: {:.1} min", started.elapsed().as_secs_f64() / 60.0);
    }
    Ok(ok)
}
