//! `cargo xtask pages`: pages in headless Chromium: reports, comparisons, and the example on which one draws digits.
//!
//! Invariant: nothing is skipped for want of a tool. What is missing is installed, else the task fails.

use std::path::Path;

use zant_measure::cargo as tools;

use crate::command::{command, root, run, status};
use crate::large::python;

/// Where Debian and its kin put Chromium.
const CHROMIUM: [&str; 2] = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
/// The target of the example.
const WASM: &str = "wasm32-unknown-unknown";

pub(crate) fn pages() -> Result<bool, String> {
    let chromium = chromium()?;
    let python = python(&root().join("target/zant-browser-venv"), &["playwright"])?;
    let reports = reports(&python, &chromium)?;
    let digits = digits(&python, &chromium)?;
    for (ok, what) in [(reports, "the pages of reports"), (digits, "the page on which one draws digits")] {
        eprintln!("{} {what}", if ok { "      passed" } else { "      FAILED" });
    }
    Ok(reports && digits)
}

/// Chromium's path; it is installed where it is missing.
fn chromium() -> Result<String, String> {
    let find = || {
        let chosen = std::env::var("CHROMIUM").ok();
        chosen.into_iter().chain(CHROMIUM.map(String::from)).find(|path| Path::new(path).is_file())
    };
    if let Some(path) = find() {
        return Ok(path);
    }
    let installed = run("apt-get", &["update", "-qq"])? && run("apt-get", &["install", "-y", "-qq", "chromium"])?;
    find().filter(|_| installed).ok_or_else(|| "chromium cannot be installed by apt-get".into())
}

fn reports(python: &str, chromium: &str) -> Result<bool, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut test = command(&cargo, &["test", "--quiet", "--package", "zant-measure", "--test", "browser"]);
    status(test.env("ZANT_PYTHON", python).env("CHROMIUM", chromium))
}

/// Builds the example and draws on its page.
fn digits(python: &str, chromium: &str) -> Result<bool, String> {
    if tools::require_target(WASM).is_err() && !run("rustup", &["target", "add", WASM])? {
        return Err(format!("Rust's target {WASM} cannot be installed by rustup"));
    }
    let folder = root().join("generated-examples/wasm-digits");
    if !status(tools::command().args(["build", "--quiet", "--release"]).current_dir(&folder))? {
        return Ok(false);
    }
    let built = folder.join("target").join(WASM).join("release/zantc_example_wasm.wasm");
    std::fs::copy(&built, folder.join("digits.wasm")).map_err(|e| format!("{}: {e}", built.display()))?;
    status(command(python, &["check.py"]).env("CHROMIUM", chromium).current_dir(&folder))
}
