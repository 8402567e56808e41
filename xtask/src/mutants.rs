//! `cargo xtask mutants`: a sample of small faults put into the code, each of which some test should notice.

use crate::command::{command, root, status};
use crate::fuzz::installed;

/// Put faults into `layout`, `lower`, `plan`, `passes` and the arena one by one, and see which ones the tests notice. Installs
/// cargo-mutants where it lacks; results lie in `target/mutants.out`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which part of all mutants, such as `0/10`, about 320 of them: every part is a sample of all files.
    #[arg(long, default_value = "0/10")]
    shard: String,
    /// Mutants built and tested at the same time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Only say how many there are.
    #[arg(long)]
    list: bool,
}

/// Where mutants are made.
const FILES: [&str; 5] = [
    "compiler/src/layout/**/*.rs",
    "compiler/src/lower/**/*.rs",
    "compiler/src/plan/**/*.rs",
    "compiler/src/passes/**/*.rs",
    "runtime/src/arena.rs",
];

/// The test targets that look at these parts, beside the unit tests.
const TARGETS: [&str; 6] = [
    "--test=differential",
    "--test=snapshots",
    "--test=random_models",
    "--test=quantized",
    "--test=state",
    "--test=arena",
];

/// Tests of models that take seconds each without optimization.
const SKIPPED: [&str; 5] =
    ["constants_made_here_are_bounded", "products_are_of_bytes", "new2", "mobilenet_v2_int8", "coco80_q"];

pub(crate) fn mutants(args: &Args) -> Result<bool, String> {
    installed("cargo-mutants", "mutants")?;
    let jobs = args.jobs.to_string();
    let out = root().join("target");
    let out = out.to_string_lossy().into_owned();
    // Each mutant is built in a copy, beside which there is no such folder.
    let shared = std::env::var_os("ZANT_SHARED").unwrap_or_else(|| root().join("../shared").into());
    let mut all = vec!["mutants", "--shard", &args.shard, "--sharding", "round-robin"];
    FILES.iter().for_each(|f| all.extend(["--file", f]));
    if args.list {
        all.push("--list");
    } else {
        all.extend(["--jobs", &jobs, "--output", &out, "--baseline", "skip"]);
        all.extend(["--timeout", "120", "--build-timeout", "900"]);
        // The tests that look at these parts; the rest of the workspace would take many times as long for each.
        all.extend(["--cargo-arg", "--config=profile.dev.package.zantc.opt-level=0"]);
        all.extend(["--cargo-arg", "--config=profile.dev.debug=0"]);
        all.extend(["--test-package", "zantc,zant-tests,zant-runtime", "--cargo-arg", "--lib"]);
        TARGETS.iter().for_each(|t| all.extend(["--cargo-arg", t]));
        all.extend(["--", "--"]);
        SKIPPED.iter().for_each(|t| all.extend(["--skip", t]));
    }
    let mut c = command("cargo", &all);
    c.env("INSTA_UPDATE", "no").env("ZANT_SHARED", shared);
    // Mutants that survive are to be read; they are no failure of the run.
    let ok = status(&mut c)?;
    Ok(ok || !args.list)
}
