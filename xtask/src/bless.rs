//! `cargo xtask bless`: writes what the compiler generates and the repository keeps, or checks that it is what it would write.

use std::path::{Path, PathBuf};

use crate::command::{command, root, status};

/// Write the generated examples and pages.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail where something would change.
    #[arg(long)]
    check: bool,
}

impl Args {
    pub(crate) fn check() -> Args {
        Args { check: true }
    }
}

/// Models that are compiled to `generated-examples/NAME`.
const EXAMPLES: [(&str, &str); 1] = [("models/digits/digits.onnx", "digits")];

/// Pages that a subcommand prints.
const PAGES: [(&str, &[&str]); 2] =
    [("docs/operators.md", &["ops", "--markdown"]), ("docs/errors.md", &["explain", "--markdown"])];

pub(crate) fn bless(args: &Args) -> Result<bool, String> {
    let scratch = root().join("target/zant-bless");
    let _ = std::fs::remove_dir_all(&scratch);
    let mut good = true;
    for (model, name) in EXAMPLES {
        let target = if args.check { scratch.join(name) } else { root().join("generated-examples").join(name) };
        let out = target.to_string_lossy().into_owned();
        good &= zantc(&["compile", model, "--name", name, "-o", &out])?.0;
        if args.check {
            good &= same(&target, &root().join("generated-examples").join(name))?;
        }
    }
    for (page, command) in PAGES {
        let (ok, text) = zantc(command)?;
        good &= ok;
        let path = root().join(page);
        if !args.check {
            std::fs::write(&path, text).map_err(|e| format!("{page}: {e}"))?;
        } else if std::fs::read(&path).ok().as_deref() != Some(&text) {
            eprintln!("error: {page} is not what `cargo xtask bless` writes");
            good = false;
        }
    }
    Ok(good)
}

/// Runs the compiler; whether it succeeded, and what it printed.
fn zantc(args: &[&str]) -> Result<(bool, Vec<u8>), String> {
    let build = status(&mut command("cargo", &["build", "--quiet", "--package", "zant-cli"]))?;
    if !build {
        return Ok((false, Vec::new()));
    }
    let binary = root().join("target/debug/zantc");
    let output = command(&binary.to_string_lossy(), args).output().map_err(|e| format!("zantc: {e}"))?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok((output.status.success(), output.stdout))
}

/// Whether two folders hold the same files; build output does not count.
fn same(fresh: &Path, kept: &Path) -> Result<bool, String> {
    let (a, b) = (list(fresh)?, list(kept)?);
    let mut good = true;
    for path in a.iter().chain(&b) {
        if std::fs::read(fresh.join(path)).ok() != std::fs::read(kept.join(path)).ok() {
            eprintln!("error: {} is not what `cargo xtask bless` writes", kept.join(path).display());
            good = false;
        }
    }
    Ok(good)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(dir) = open.pop() {
        let entries = std::fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        for path in entries.flatten().map(|e| e.path()) {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
            if path.is_dir() {
                open.extend((name != "target").then_some(path));
            } else if name != "Cargo.lock" {
                files.extend(path.strip_prefix(folder).ok().map(Path::to_path_buf));
            }
        }
    }
    files.sort();
    Ok(files)
}
