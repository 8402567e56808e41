//! `cargo xtask projects`: what `zantc new` makes builds and runs by the commands of its own README.

use std::fs;
use std::path::Path;

use zant_measure::cargo as tools;

use crate::command::{cargo, command, root, status};
use crate::install;

/// A board with a Cortex-M, one with RISC-V, one with embassy, one with RTIC.
const PROJECTS: [(&str, &str); 4] =
    [("nucleo-f746zg", "plain"), ("esp32c3", "plain"), ("rpi-pico2", "embassy"), ("nrf52840", "rtic")];

/// Makes each project, and does what its README says.
pub(crate) fn projects() -> Result<bool, String> {
    install::emulators()?;
    if !cargo(&["build", "--quiet", "--package", "zant-cli"])? {
        return Ok(false);
    }
    let mut good = true;
    for (board, flavor) in PROJECTS {
        let folder = root().join("target/zant-projects").join(board);
        let _ = fs::remove_dir_all(&folder);
        let path = folder.to_string_lossy().into_owned();
        let zantc = root().join("target/debug/zantc").to_string_lossy().into_owned();
        let model = "models/digits_int8/digits_int8.onnx";
        let mut new = command(&zantc, &["new", model, "--board", board, "--flavor", flavor, "-o", &path]);
        let made = status(&mut new)? && follow(&folder)?;
        eprintln!("{} a project for {board}, {flavor}", if made { "      passed" } else { "      FAILED" });
        good &= made;
    }
    Ok(good)
}

/// Runs the commands of a project's README that are marked.
fn follow(folder: &Path) -> Result<bool, String> {
    let readme = fs::read_to_string(folder.join("README.md")).map_err(|e| format!("README.md: {e}"))?;
    for mark in ["build", "test"] {
        let begin = format!("<!-- {mark} -->\n```console\n");
        let block = readme.split_once(&begin).and_then(|(_, rest)| rest.split_once("```"));
        let (block, _) = block.ok_or_else(|| format!("the README has no commands to {mark}"))?;
        for line in block.lines().filter_map(|l| l.strip_prefix("$ ")) {
            // As in a shell of its user's: nothing of this build in the environment.
            let clean = tools::command();
            let mut shell = command("sh", &["-c", line]);
            shell.current_dir(folder);
            for (key, _) in clean.get_envs().filter(|(_, value)| value.is_none()) {
                shell.env_remove(key);
            }
            if !status(&mut shell)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
