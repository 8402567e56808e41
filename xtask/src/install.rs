//! `cargo xtask install`: what the tests of firmware and pages need and a fresh machine lacks.

use std::path::Path;

use zant_measure::{MACHINES, cargo as tools};

use crate::command::run;

/// Rust's target beside those of the machines, for which a model's crate is built and not run.
pub(crate) const BUILT: &str = "aarch64-unknown-linux-gnu";

/// Packages of the programs that run machines.
const PACKAGES: [(&str, &str); 4] = [
    ("qemu-system-arm", "qemu-system-arm"),
    ("qemu-system-aarch64", "qemu-system-arm"),
    ("qemu-system-riscv32", "qemu-system-misc"),
    ("node", "nodejs"),
];

/// Where Debian and its kin put Chromium.
const CHROMIUM: [&str; 2] = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

/// Installs everything.
pub(crate) fn install() -> Result<bool, String> {
    emulators()?;
    chromium()?;
    Ok(true)
}

/// Installs the emulators and Rust's targets that are missing.
pub(crate) fn emulators() -> Result<(), String> {
    let missing: Vec<&str> =
        PACKAGES.iter().filter(|(program, _)| tools::version(program).is_err()).map(|&(_, package)| package).collect();
    if !missing.is_empty() {
        // Without what is recommended: windows and sound, whose packages' versions may not go together.
        let options = ["install", "-y", "-qq", "--no-install-recommends"];
        let install = [&options[..], &missing].concat();
        if !(run("apt-get", &["update", "-qq"])? && run("apt-get", &install)?) {
            return Err(format!("apt-get cannot install {}", missing.join(" ")));
        }
    }
    for triple in MACHINES.iter().map(|m| m.triple).chain([BUILT]) {
        target(triple)?;
    }
    Ok(())
}

/// Installs Rust's libraries for a target where they are missing.
pub(crate) fn target(triple: &str) -> Result<(), String> {
    if tools::require_target(triple).is_err() && !run("rustup", &["target", "add", triple])? {
        return Err(format!("Rust's target {triple} cannot be installed by rustup"));
    }
    Ok(())
}

/// Chromium's path; it is installed where it is missing.
pub(crate) fn chromium() -> Result<String, String> {
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
