//! `cargo xtask dist`: the binary of a release, linked statically, in an archive with the licences, and its checksum.

use std::fs;
use std::path::Path;

use clap::Parser;

use crate::command::{cargo, command, root, status};
use crate::install;

/// Build the binary of a release as an archive in `target/dist`, as `cargo binstall` looks for it
#[derive(Parser)]
pub(crate) struct Args {
    /// Rust's triple; those of musl give static binaries
    #[arg(long, default_value = "x86_64-unknown-linux-musl")]
    target: String,
}

pub(crate) fn dist(args: &Args) -> Result<bool, String> {
    let target = args.target.as_str();
    install::target(target)?;
    if !cargo(&["build", "--release", "--locked", "--package", "zant-cli", "--target", target])? {
        return Ok(false);
    }
    let name = format!("zantc-v{}-{target}", env!("CARGO_PKG_VERSION"));
    let dist = root().join("target/dist");
    let folder = dist.join(&name);
    let _ = fs::remove_dir_all(&folder);
    let fail = |path: &Path| {
        let path = path.display().to_string();
        move |e: std::io::Error| format!("{path}: {e}")
    };
    fs::create_dir_all(&folder).map_err(fail(&folder))?;
    let binary = root().join("target").join(target).join("release/zantc");
    if target.contains("musl") && !is_static(&binary)? {
        return Err(format!("{} is linked dynamically", binary.display()));
    }
    for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "CHANGELOG.md"] {
        fs::copy(root().join(file), folder.join(file)).map_err(fail(Path::new(file)))?;
    }
    fs::copy(&binary, folder.join("zantc")).map_err(fail(&binary))?;
    let archive = format!("{name}.tar.gz");
    let mut tar = command("tar", &["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-czf"]);
    if cfg!(target_os = "macos") {
        tar = command("tar", &["-czf"]);
    }
    let packed = status(tar.arg(&archive).arg(&name).current_dir(&dist))?;
    fs::remove_dir_all(&folder).map_err(fail(&folder))?;
    let sum = if cfg!(target_os = "macos") { ("shasum", &["-a", "256"][..]) } else { ("sha256sum", &[][..]) };
    let output =
        command(sum.0, sum.1).arg(&archive).current_dir(&dist).output().map_err(|e| format!("{}: {e}", sum.0))?;
    let listed = dist.join(format!("{archive}.sha256"));
    fs::write(&listed, output.stdout).map_err(fail(&listed))?;
    Ok(packed && output.status.success())
}

/// Whether an ELF file names no interpreter: nothing is loaded beside it.
fn is_static(path: &Path) -> Result<bool, String> {
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let word = |at: usize, len: usize| -> Option<usize> {
        let bytes = bytes.get(at..at + len)?;
        Some(bytes.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b)))
    };
    // ELF64: the table of segments at 0x20, its entries of 0x38 in 0x38 of them; PT_INTERP is 3.
    let (Some(table), Some(count)) = (word(0x20, 8), word(0x38, 2)) else { return Ok(false) };
    Ok((0..count).all(|i| word(table + i * 0x38, 4).is_some_and(|kind| kind != 3)))
}
