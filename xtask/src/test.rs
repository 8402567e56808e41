//! `cargo xtask test`: every test there is, by one command.

use crate::command::{command, root, status};
use crate::{bless, conformance, large};

/// Run all tests.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The slow tests too: exhaustive functions, long random searches.
    #[arg(long)]
    slow: bool,
}

pub(crate) fn test(args: &Args) -> Result<bool, String> {
    let large = large::make(&[large::TESTED.into()])?;
    let mut run =
        command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()), &["test", "--workspace", "--no-fail-fast"]);
    // Snapshots are reviewed by people; a test never accepts one.
    run.env("INSTA_UPDATE", "no");
    if args.slow {
        run.args(["--release", "--", "--include-ignored"]);
    }
    let tests = status(&mut run)?;
    let conformance = conformance::check()?;
    let blessed = bless::bless(&bless::Args::check())?;
    let example = build_script("build-script")?;
    let generator = build_script("generate")?;
    for (ok, what) in [
        (large, "the large models"),
        (tests, "the workspace's tests"),
        (conformance, "the official operator cases"),
        (blessed, "the generated examples and pages"),
        (example, "the example of a build script"),
        (generator, "the example that generates text"),
    ] {
        eprintln!("{} {what}", if ok { "      passed" } else { "      FAILED" });
    }
    Ok(large && tests && conformance && blessed && example && generator)
}

/// Tests and lints a project that compiles its models in its build script: the module must be good code in a user's crate.
fn build_script(name: &str) -> Result<bool, String> {
    let folder = root().join("generated-examples").join(name);
    let cargo = |args: &[&str]| {
        let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        status(command(&program, args).current_dir(&folder))
    };
    Ok(cargo(&["test"])? && cargo(&["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"])?)
}
