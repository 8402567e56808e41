//! `cargo xtask pages`: pages in headless Chromium: reports, comparisons, and the example on which one draws digits.
//!
//! Invariant: nothing is skipped for want of a tool. What is missing is installed, else the task fails.

use zant_measure::cargo as tools;

use crate::command::{command, root, status};
use crate::install;
use crate::large::python;

/// The target of the example.
const WASM: &str = "wasm32-unknown-unknown";

pub(crate) fn pages() -> Result<bool, String> {
    let chromium = install::chromium()?;
    let python = python(&root().join("target/zant-browser-venv"), &["playwright"])?;
    let reports = reports(&python, &chromium)?;
    let digits = digits(&python, &chromium)?;
    for (ok, what) in [(reports, "the pages of reports"), (digits, "the page on which one draws digits")] {
        eprintln!("{} {what}", if ok { "      passed" } else { "      FAILED" });
    }
    Ok(reports && digits)
}

fn reports(python: &str, chromium: &str) -> Result<bool, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut test = command(&cargo, &["test", "--quiet", "--package", "zant-measure", "--test", "browser"]);
    status(test.env("ZANT_PYTHON", python).env("CHROMIUM", chromium))
}

/// Builds the example and draws on its page.
fn digits(python: &str, chromium: &str) -> Result<bool, String> {
    install::target(WASM)?;
    let folder = root().join("generated-examples/wasm-digits");
    if !status(tools::command().args(["build", "--quiet", "--release"]).current_dir(&folder))? {
        return Ok(false);
    }
    let built = folder.join("target").join(WASM).join("release/zantc_example_wasm.wasm");
    std::fs::copy(&built, folder.join("digits.wasm")).map_err(|e| format!("{}: {e}", built.display()))?;
    status(command(python, &["check.py"]).env("CHROMIUM", chromium).current_dir(&folder))
}
