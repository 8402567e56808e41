//! `zantc doctor`: the tools that commands start, which of them are here, and how to get those that are not.

use std::collections::BTreeSet;
use std::process::Command;

use zant_measure::MACHINES;
use zant_measure::process::output;

use super::shell::{Shell, table};
use super::{Failure, Outcome};

/// Say which tools are here, what needs them, and how to get those that are missing
///
/// Ends with 1 where Rust itself is missing, without which no emitted crate is built.
#[derive(clap::Args)]
pub(super) struct Args {}

/// A tool.
struct Tool {
    name: String,
    /// What needs it.
    needed: String,
    /// The command that installs it.
    install: String,
    /// Its version, where it is here.
    found: Option<String>,
    /// Whether nothing goes without it.
    required: bool,
}

pub(super) fn run(_: &Args, shell: &mut Shell) -> Outcome {
    let tools = tools();
    if shell.is_json() {
        for t in &tools {
            shell.json(&serde_json::json!({
                "reason": "tool", "name": t.name, "needed_by": t.needed, "found": t.found, "install": t.install,
            }))?;
        }
    } else {
        let row = |t: &Tool| {
            let state = t.found.clone().unwrap_or_else(|| format!("missing: {}", t.install));
            vec![t.name.clone(), t.needed.clone(), state]
        };
        shell.out(&table(&["tool", "needed by", "here"], &tools.iter().map(row).collect::<Vec<_>>()))?;
    }
    match tools.iter().any(|t| t.required && t.found.is_none()) {
        true => Err(Failure::Said),
        false => Ok(()),
    }
}

/// All tools, in the order in which one needs them.
fn tools() -> Vec<Tool> {
    let rust = "curl --proto '=https' -sSf https://sh.rustup.rs | sh";
    let tool = |name: &str, needed: &str, install: &str, required: bool| Tool {
        name: name.into(),
        needed: needed.into(),
        install: install.into(),
        found: version(name),
        required,
    };
    let mut tools = vec![
        tool("cargo", "verify, bench, certify, profile", rust, true),
        tool("rustc", "verify, bench, certify, profile", rust, true),
    ];
    tools.extend(triples());
    let mut seen = BTreeSet::new();
    for machine in MACHINES {
        let emulator = machine.emulator;
        if seen.insert(emulator.program) {
            let of: Vec<&str> =
                MACHINES.iter().filter(|m| m.emulator.program == emulator.program).map(|m| m.cpu).collect();
            tools.push(tool(emulator.program, &format!("--target {}", of.join(", ")), emulator.install, false));
        }
    }
    tools.push(tool("valgrind", "bench on the host, profile", "apt-get install valgrind", false));
    tools.push(tool("probe-rs", "verify --probe, projects of `new`", "cargo install probe-rs-tools --locked", false));
    tools.push(tool("espflash", "projects of `new` for esp32c3", "cargo install espflash --locked", false));
    tools.push(tool("python3", "bench --against", "apt-get install python3 python3-venv", false));
    tools
}

/// Rust's standard libraries for the emulated cores.
fn triples() -> Vec<Tool> {
    let installed = said("rustup", &["target", "list", "--installed"]);
    let sysroot = said("rustc", &["--print", "sysroot"]).map(|s| std::path::PathBuf::from(s.trim()));
    let mut triples: Vec<&str> = MACHINES.iter().map(|m| m.triple).collect();
    triples.sort_unstable();
    triples.dedup();
    let tool = |triple: &str| {
        let cpus: Vec<&str> = MACHINES.iter().filter(|m| m.triple == triple).map(|m| m.cpu).collect();
        let listed = installed.as_ref().is_some_and(|list| list.lines().any(|l| l.trim() == triple));
        let there = || sysroot.as_ref().is_some_and(|root| root.join("lib/rustlib").join(triple).join("lib").is_dir());
        Tool {
            name: triple.into(),
            needed: format!("--target {}", cpus.join(", ")),
            install: format!("rustup target add {triple}"),
            found: (listed || there()).then(|| "installed".into()),
            required: false,
        }
    };
    triples.into_iter().map(tool).collect()
}

/// The first line of what a tool says of its version.
fn version(program: &str) -> Option<String> {
    said(program, &["--version"])?.lines().next().map(str::to_string)
}

/// What a program prints, where it ends well.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = output(Command::new(program).args(arguments)).ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
