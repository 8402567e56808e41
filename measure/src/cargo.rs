//! Cargo, free of what its caller's environment would change about a build.

use std::ffi::OsString;
use std::process::Command;

use crate::{Error, process};

/// The `cargo` that runs this process, else the one on the path, without any variable that would change how it builds.
pub fn command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in std::env::vars_os() {
        if is_build_setting(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

/// Whether a variable would change how cargo builds.
fn is_build_setting(name: &str) -> bool {
    const PREFIXES: [&str; 6] =
        ["CARGO_BUILD_", "CARGO_TARGET_", "CARGO_PROFILE_", "CARGO_ENCODED_", "CARGO_PKG_", "CARGO_FEATURE_"];
    matches!(
        name,
        "RUSTFLAGS" | "RUSTDOCFLAGS" | "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH" | "RUSTC_WORKSPACE_WRAPPER"
    ) || PREFIXES.iter().any(|p| name.starts_with(p))
}

/// Runs a build.
///
/// # Errors
/// Where cargo cannot be run, or `what` does not build.
pub(crate) fn run(build: &mut Command, what: &str) -> Result<(), Error> {
    let output = process::output(build).map_err(|e| Error::Io(format!("cannot run cargo: {e}")))?;
    if output.status.success() { Ok(()) } else { Err(Error::build(what, &output.stderr)) }
}

/// Checks that there are libraries for a target.
///
/// # Errors
/// Where `rustc` or the target's `core` is missing.
pub fn require_target(triple: &str) -> Result<(), Error> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let output = process::output(Command::new(rustc).args(["--print", "target-libdir", "--target", triple]));
    let output = output.map_err(|_| Error::Missing {
        what: "rustc".into(),
        install: "curl --proto =https --tlsv1.2 -sSf https://sh.rustup.rs | sh".into(),
    })?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_string();
    let has_core = std::fs::read_dir(folder)
        .is_ok_and(|entries| entries.flatten().any(|e| e.file_name().to_string_lossy().starts_with("libcore-")));
    if output.status.success() && has_core {
        return Ok(());
    }
    Err(Error::Missing { what: format!("Rust's target {triple}"), install: format!("rustup target add {triple}") })
}

/// What a program says of its version: the first line.
///
/// # Errors
/// Where it cannot be run.
pub fn version(program: &str) -> Result<String, Error> {
    let output = process::output(Command::new(program).arg("--version"));
    let output = output.map_err(|e| Error::Io(format!("cannot run {program}: {e}")))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_string())
}

#[cfg(test)]
mod tests {
    use super::{is_build_setting, require_target};
    use crate::Error;

    #[test]
    fn the_callers_build_settings_are_known() {
        for name in [
            "RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_PROFILE_RELEASE_LTO",
        ] {
            assert!(is_build_setting(name), "{name}");
        }
        for name in ["PATH", "CARGO_HOME", "CARGO", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            assert!(!is_build_setting(name), "{name}");
        }
    }

    #[test]
    fn a_missing_target_is_named_with_its_command() {
        let Err(Error::Missing { install, .. }) = require_target("pdp11-none-eabi") else { panic!("there is none") };
        assert_eq!(install, "rustup target add pdp11-none-eabi");
    }
}
