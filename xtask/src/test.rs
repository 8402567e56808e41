//! `cargo xtask test`: every test there is, by one command.

use crate::command::{command, status};
use crate::{bless, conformance, large};

/// Run all tests.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The slow tests too: exhaustive functions, long random searches.
    #[arg(long)]
    slow: bool,
}

pub(crate) fn test(args: &Args) -> Result<bool, String> {
    let large = large::large()?;
    let mut run = command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()), &["test", "--workspace"]);
    // Snapshots are reviewed by people; a test never accepts one.
    run.env("INSTA_UPDATE", "no");
    if args.slow {
        run.args(["--release", "--", "--include-ignored"]);
    }
    let tests = status(&mut run)?;
    let conformance = conformance::check()?;
    let blessed = bless::bless(&bless::Args::check())?;
    for (ok, what) in [
        (large, "the large models"),
        (tests, "the workspace's tests"),
        (conformance, "the official operator cases"),
        (blessed, "the generated examples and pages"),
    ] {
        eprintln!("{} {what}", if ok { "      passed" } else { "      FAILED" });
    }
    Ok(tests && conformance && blessed)
}
