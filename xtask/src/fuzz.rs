//! `cargo xtask fuzz`: each fuzz target for a while.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::command::{command, root, run};

/// Run each fuzz target for some seconds, and say how many inputs it tried. Installs cargo-fuzz and a nightly toolchain where they
/// lack.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Seconds for each target.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Only this target.
    target: Option<String>,
}

/// The targets of `fuzz/Cargo.toml`.
const TARGETS: [&str; 2] = ["load", "tensor"];

pub(crate) fn fuzz(args: &Args) -> Result<bool, String> {
    if !run("rustup", &["toolchain", "install", "nightly", "--profile", "minimal"])? {
        return Err("no nightly toolchain".into());
    }
    installed("cargo-fuzz", "fuzz")?;
    let mut ok = true;
    let mut lines = Vec::new();
    for target in TARGETS.iter().filter(|t| args.target.as_deref().is_none_or(|only| only == **t)) {
        let (passed, executions) = one(target, args.seconds)?;
        ok &= passed;
        let found = if passed { "nothing found" } else { "FOUND SOMETHING, see fuzz/artifacts" };
        lines.push(format!("fuzz {target}: {executions} executions in {} s, {found}", args.seconds));
    }
    lines.iter().for_each(|l| println!("{l}"));
    Ok(ok)
}

/// Installs a subcommand of cargo where it lacks.
///
/// # Errors
/// Where it cannot be installed.
pub(crate) fn installed(package: &str, subcommand: &str) -> Result<(), String> {
    let there = command("cargo", &[subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|s| s.success()) || run("cargo", &["install", package, "--locked"])? {
        return Ok(());
    }
    Err(format!("{package} cannot be installed"))
}

/// Runs a target; whether it found nothing, and how many inputs it tried.
fn one(target: &str, seconds: u64) -> Result<(bool, u64), String> {
    let mut args =
        vec!["+nightly".to_string(), "fuzz".into(), "run".into(), target.into(), format!("fuzz/corpus/{target}")];
    std::fs::create_dir_all(root().join("fuzz/corpus").join(target)).map_err(|e| e.to_string())?;
    // The models of the tests are seeds; what is found goes to the first folder.
    for seeds in ["tests/corpus", "models/digits"] {
        args.push(seeds.into());
    }
    args.push("--".into());
    args.push(format!("-max_total_time={seconds}"));
    args.extend(["-rss_limit_mb=2048", "-timeout=20", "-print_final_stats=1"].map(String::from));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    eprintln!("     Running cargo {}", args.join(" "));
    let mut c = command("cargo", &args);
    c.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").stderr(Stdio::piped());
    let mut child = c.spawn().map_err(|e| e.to_string())?;
    let mut executions = 0;
    for line in BufReader::new(child.stderr.take().ok_or("no output")?).lines().map_while(Result::ok) {
        if let Some(n) = line.strip_prefix("stat::number_of_executed_units:") {
            executions = n.trim().parse().unwrap_or(0);
        }
        // Progress goes past; what matters is kept in sight.
        if !line.starts_with('#') {
            eprintln!("{line}");
        }
    }
    Ok((child.wait().map_err(|e| e.to_string())?.success(), executions))
}
