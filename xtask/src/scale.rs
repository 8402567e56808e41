//! `cargo xtask scale`: compiles models of many nodes, operands and outputs by a release build, within stated time and memory.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use zant_tests::scale::{BYTES, SCALED, SECONDS};

use crate::command::{cargo, root};

/// Whether all of them keep within the limits.
pub(crate) fn scale() -> Result<bool, String> {
    if !cargo(&["build", "--release", "-p", "zant-cli"])? {
        return Ok(false);
    }
    let folder = root().join("target/zant-scale");
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut good = true;
    for model in SCALED {
        let path = folder.join(format!("{}.onnx", model.name));
        std::fs::write(&path, model.bytes(model.full)).map_err(|e| format!("{}: {e}", path.display()))?;
        let (time, peak) = compile(&path, &folder.join(model.name))?;
        let fits = time < Duration::from_secs(SECONDS) && peak.is_none_or(|peak| peak < BYTES);
        good &= fits;
        let peak = peak.map_or("unknown".into(), |peak| format!("{} MB", peak / 1_000_000));
        let verdict = if fits { "" } else { ": TOO MUCH" };
        println!("{} of {}: {:.1} s, {peak}{verdict}", model.name, model.full, time.as_secs_f64());
    }
    Ok(good)
}

/// Compiles one; how long it takes, and the most memory that it has, where the system tells.
fn compile(model: &Path, out: &Path) -> Result<(Duration, Option<u64>), String> {
    drop(std::fs::remove_dir_all(out));
    let start = Instant::now();
    let mut command = Command::new(root().join("target/release/zantc"));
    let mut child = command.arg("compile").arg(model).arg("-o").arg(out).spawn().map_err(|e| e.to_string())?;
    let mut peak = None;
    loop {
        // The mark of the highest use; it goes with the process.
        peak = zant_measure::process::peak_rss(child.id()).or(peak);
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) if status.success() => return Ok((start.elapsed(), peak)),
            Some(status) => return Err(format!("{}: {status}", model.display())),
            None if start.elapsed() > Duration::from_secs(20 * SECONDS) => {
                drop(child.kill());
                return Err(format!("{}: takes more than {} s", model.display(), 20 * SECONDS));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
