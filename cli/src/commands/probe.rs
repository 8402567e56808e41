//! `zantc verify --probe`: the emitted crate on a board that is plugged in, run by `probe-rs`.
//!
//! The firmware is the test of a project that `zantc new` makes, with the board's memories: it computes the inputs of the data sets, compares the
//! bits with those of this process on the board itself, and says by semihosting how it ended.

use std::process::Command;

use zant_measure::process::{Scratch, output};
use zantc::diag::{Diagnostic, codes};
use zantc::emit::{Source, Vector, emit_crate};
use zantc::footprint::Footprint;
use zantc::targets::Board;

use super::new::Flavor;
use super::new::templates::{Made, Plan};
use super::shell::Shell;
use super::verify::Checked;
use super::{Failure, Outcome};

/// Lines of a tool's output that are shown.
const SHOWN: usize = 30;

/// A board with a probe.
pub(super) struct Probe {
    plan: Plan,
    chip: &'static str,
}

fn missing(message: &str, help: &str) -> Failure {
    Diagnostic::error(codes::BUILD_FAILED, message).help(help).into()
}

impl Probe {
    /// The board, where it can be reached.
    pub(super) fn find(board: Option<&'static Board>) -> Outcome<Probe> {
        let board = board.ok_or_else(|| Failure::Usage("`--probe` needs `--board`: what is plugged in".into()))?;
        let Some(chip) = board.chip else {
            return Err(Failure::Usage(format!("{} is emulated: leave `--probe` out", board.name)));
        };
        let plan = Plan::new(board, Flavor::Plain).map_err(Failure::Usage)?;
        let listed = output(Command::new("probe-rs").arg("list")).map_err(|_| {
            missing("`--probe` needs probe-rs, which is not here", "run `cargo install probe-rs-tools --locked`")
        })?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        if !listed.status.success() || !text.lines().any(|line| line.trim_start().starts_with('[')) {
            let help = "plug the board in by its debug port; `probe-rs list` shows what is found; on Linux, udev rules let you use it";
            return Err(missing("no probe is plugged in", help));
        }
        Ok(Probe { plan, chip })
    }

    /// Builds, writes and runs the firmware.
    pub(super) fn check(&self, checked: &Checked<'_>, shell: &mut Shell) -> Outcome<Vec<Diagnostic>> {
        let project = checked.project;
        let program = &checked.compiled.program;
        let sets = checked.sets.iter().zip(checked.outputs);
        // States begin with zeros on the board.
        let vector = |(set, outputs): (&zantc::verify::data::DataSet, &Vec<zantc::ir::Tensor>)| Vector {
            inputs: program.split_inputs(&set.inputs).0,
            outputs: outputs.clone(),
            data_set: Some(set.name.clone()),
        };
        let vectors: Vec<Vector> = if program.states.is_empty() { sets.map(vector).collect() } else { Vec::new() };
        if vectors.is_empty() {
            return Err(missing("a model with states is not run by a probe", "verify it on an emulated core instead"));
        }
        let mut config = project.config.clone();
        config.member = true;
        let model_sha256 = project.sha256()?;
        let source = Source {
            program,
            config: &config,
            name: &project.name,
            file: "",
            model_sha256: &model_sha256,
            vectors: &vectors,
        };
        let model = emit_crate(&source);
        let footprint = Footprint::of(program, &config);
        let package = format!("{}-probe", project.name);
        let made =
            Made { package: &package, file: &project.path, footprint: &footprint, source: &source, model: &model };
        let folder =
            Scratch::new().map_err(|e| missing(&format!("cannot make a temporary folder: {e}"), "make room"))?;
        let written =
            self.plan.on_board(&made).write(folder.path()).and_then(|()| model.write(&folder.path().join("model")));
        written.map_err(|e| missing(&e.to_string(), "make room for temporary files"))?;
        shell.status("Building", &format!("{} for {}", project.name, self.chip));
        let test = folder.path().join("test");
        let built = output(zant_measure::cargo::command().args(["build", "--quiet", "--release"]).current_dir(&test));
        ended(built, "the firmware does not build")?;
        shell.status("Running", &format!("{} on {}", project.name, self.chip));
        let elf = test.join("target").join(self.plan.triple()).join("release").join(format!("{package}-qemu"));
        let ran = output(Command::new("probe-rs").args(["run", "--chip", self.chip]).arg(elf));
        ended(ran, "the board does not give the bits of this process")?;
        Ok(Vec::new())
    }
}

/// What a tool said, where it did not end well.
fn ended(output: std::io::Result<std::process::Output>, what: &str) -> Outcome {
    let output = output.map_err(|e| missing(&format!("{what}: {e}"), "`zantc doctor` lists the tools"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines = text.lines().filter(|l| !l.trim().is_empty()).take(SHOWN);
    Err(lines.fold(Diagnostic::error(codes::BITS_DIFFER, what), |d, line| d.help(line.to_string())).into())
}
