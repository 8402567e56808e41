//! Running other programs from the workspace's root, with a line that says what runs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    zant_tests::cases::workspace()
}

/// A command in the root.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut c = Command::new(program);
    c.args(args).current_dir(root());
    c
}

/// Runs a command; whether it succeeded.
///
/// # Errors
/// Where it cannot be started.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<bool, String> {
    status(&mut command(program, args))
}

/// Runs a command; whether it succeeded.
///
/// # Errors
/// Where it cannot be started.
pub(crate) fn status(c: &mut Command) -> Result<bool, String> {
    let args: Vec<_> = c.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    let program = c.get_program().to_string_lossy().into_owned();
    eprintln!("     Running {program} {}", args.join(" "));
    c.status().map(|s| s.success()).map_err(|e| format!("{program} cannot be run: {e}"))
}

/// Cargo, the one that runs this.
pub(crate) fn cargo(args: &[&str]) -> Result<bool, String> {
    run(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()), args)
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The command line's program, as `cargo build --release -p zant-cli` makes it.
pub(crate) fn program() -> String {
    text(&root().join("target/release/zantc"))
}
