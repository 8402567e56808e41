//! The emitted crate, built by cargo in a folder of its own and run on files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use zant_measure::process::{Scratch, output};
use zantc::diag::{Diagnostic, codes};
use zantc::emit::{Source, emit_crate};
use zantc::harness::{OPT_LEVELS, emit_runner, profile};
use zantc::ir::{Tensor, Type};
use zantc::program::{Port, Program, State};

use super::kept::BuildFolder;

/// Lines of cargo's output that a diagnostic shows.
const SHOWN_LINES: usize = 40;

/// An emitted crate on disk, with its runner.
#[derive(Debug)]
pub struct BuiltCrate {
    folder: BuildFolder,
    /// What runs read and write; it goes with this.
    data: Scratch,
    program: Program,
}

fn failed(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(codes::BUILD_FAILED, message)
}

fn io<T>(what: &str, result: std::io::Result<T>) -> Result<T, Diagnostic> {
    result.map_err(|e| failed(format!("cannot {what}: {e}")))
}

impl BuiltCrate {
    /// Writes crate and runner to a folder that is kept where it can be, so that the same crate is not built again.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn write(source: &Source<'_>) -> Result<BuiltCrate, Diagnostic> {
        let packages = [("model", &emit_crate(source)), ("runner", &emit_runner(source))];
        let folder = BuildFolder::with(&packages, true).map_err(failed)?;
        let data = io("make a temporary folder", Scratch::new())?;
        Ok(BuiltCrate { folder, data, program: source.program.clone() })
    }

    /// Builds the runner at a level of optimisation, one of [`OPT_LEVELS`].
    ///
    /// # Errors
    /// Cargo is missing or refuses the crate.
    pub fn build(&self, level: &str) -> Result<(), Diagnostic> {
        let output = self.cargo("build", level, &[])?;
        if output.status.success() {
            return Ok(());
        }
        Err(with_output(failed(format!("the emitted crate does not build at opt-level {level}")), &output))
    }

    /// Runs the model on sets of inputs; gives the outputs of each. States are inputs and outputs like the others.
    ///
    /// # Errors
    /// The runner stops, or writes something else than the model's outputs.
    pub fn run(&self, level: &str, sets: &[Vec<Tensor>]) -> Result<Vec<Vec<Tensor>>, Diagnostic> {
        let mut folders = Vec::new();
        for (s, inputs) in sets.iter().enumerate() {
            let folder = self.data.path().join(format!("data-{level}")).join(s.to_string());
            io("make a folder", fs::create_dir_all(&folder))?;
            let (lent, states) = self.program.split_inputs(inputs);
            for (i, t) in lent.iter().enumerate() {
                io("write an input", fs::write(folder.join(format!("input_{i}.bin")), t.data()))?;
            }
            for (i, (state, value)) in self.program.states.iter().zip(&states).enumerate() {
                let mut memory = vec![0; state.bytes()];
                state.store(value, &mut memory);
                io("write a state", fs::write(folder.join(format!("state_{i}.bin")), memory))?;
            }
            folders.push(folder);
        }
        let output = self.cargo("run", level, &folders)?;
        if !output.status.success() {
            return Err(with_output(failed(format!("the emitted crate stopped ({})", output.status)), &output));
        }
        folders.iter().map(|f| self.outputs(f)).collect()
    }

    fn outputs(&self, folder: &Path) -> Result<Vec<Tensor>, Diagnostic> {
        let other =
            |what: String, ty: &Type| failed(format!("{what} of the emitted crate has another length than {ty}"));
        let output = |(i, port): (usize, &Port)| {
            let bytes = io("read an output", fs::read(folder.join(format!("output_{i}.bin"))))?;
            Tensor::from_bytes(port.ty.clone(), bytes.into()).ok_or_else(|| other(format!("output {i}"), &port.ty))
        };
        let state = |(i, state): (usize, &State)| {
            let memory = io("read a state", fs::read(folder.join(format!("state_{i}.bin"))))?;
            let whole = memory.len() == state.bytes();
            let after = whole.then(|| state.load(&memory)).ok_or_else(|| other(format!("state {i}"), &state.ty))?;
            Ok(state.output_of(&after))
        };
        let outputs = self.program.outputs.iter().enumerate().map(output).collect::<Result<_, Diagnostic>>()?;
        let states = self.program.states.iter().enumerate().map(state).collect::<Result<_, Diagnostic>>()?;
        Ok(self.program.join_outputs(outputs, states))
    }

    /// Runs cargo in the runner's folder, free of what its caller's environment would change about the build.
    fn cargo(&self, command: &str, level: &str, folders: &[PathBuf]) -> Result<Output, Diagnostic> {
        debug_assert!(OPT_LEVELS.contains(&level), "{level}");
        let mut process = zant_measure::cargo::command();
        process
            .current_dir(self.folder.path().join("runner"))
            .args([command, "--quiet", "--offline", "--color", "never", "--profile", &profile(level)])
            .arg("--target-dir")
            .arg(self.folder.path().join("target"));
        if command == "run" {
            process.arg("--").args(folders);
        }
        output(&mut process).map_err(|e| {
            failed(format!("cannot run cargo: {e}"))
                .help("install Rust (https://rustup.rs), or check in this process only with `--in-process`")
        })
    }
}

/// Adds what cargo said.
fn with_output(diagnostic: Diagnostic, output: &Output) -> Diagnostic {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().filter(|l| !l.trim().is_empty()).take(SHOWN_LINES).fold(diagnostic, |d, line| d.help(line))
}
