//! `zantc verify`: a model's data sets against what the emitted crate and this process compute.

mod nodes;
mod report;
mod sets;

use std::path::PathBuf;

use zantc::diag::{Diagnostic, codes};
use zantc::emit::Source;
use zantc::harness::OPT_LEVELS;
use zantc::ir::Tensor;
use zantc::project::Project;
use zantc::verify::data::DataSet;
use zantc::verify::distance::{DEFAULT_TOLERANCE, Tolerance};
use zantc::verify::judge::Subject;
use zantc::verify::literal::Literal;
use zantc::verify::per_node;
use zantc::{Compiled, pipeline};

use super::project::{ModelArgs, compile};
use super::run::execute;
use super::shell::Shell;
use super::{Failure, Outcome, device, probe};
use crate::built::crates::BuiltCrate;
use crate::built::device::{Place, hash, place};
use sets::Reference;

/// Build the emitted crate and compare its outputs with the data sets beside the model
///
/// Outputs that are quantized (integers of 8 or 16 bits, or what is dequantized from such) are compared in quanta: the program
/// adds up bytes in integers, exactly, the reference in floats, rounded, so that a number in the middle between two quanta may
/// fall to either. One quantum in one element of 1000 passes as it is. What is beyond that is compared layer by layer with the
/// graph as the model writes it, and passes where all that differs is shown to be such rounding ties.
///
/// Without data sets the model is compared with zantc's naive reference on seeded inputs.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// A data set, or a folder of test_data_set_* [default: those beside the model]
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// Compare with zantc's naive reference on N pseudo-random inputs [default: 3 where there are no data sets]
    #[arg(long, value_name = "N", conflicts_with = "data", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeded: Option<u64>,
    /// Compute in this process only, without rustc
    #[arg(long)]
    in_process: bool,
    /// Run the crate on the board that `--board` names, through `probe-rs`, instead of on this machine or an emulated one
    #[arg(long, conflicts_with = "in_process")]
    probe: bool,
    /// Compare step by step and name the first that differs
    #[arg(long)]
    per_node: bool,
    /// Largest error of float outputs, as a part of the output's largest magnitude [default: 1e-4]
    #[arg(long, value_name = "X")]
    tolerance: Option<f64>,
    /// Largest error of quantized outputs in quanta [default: 1, in one element of 1000]
    #[arg(long, value_name = "N")]
    quanta: Option<f64>,
    #[command(flatten)]
    levels: OptLevels,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// How emitted crates are built.
#[derive(clap::Args)]
pub(super) struct OptLevels {
    /// Optimisation of the crate; each is built and must give the same bits; `both` is 3 and z
    #[arg(long, value_name = "0|3|z|both", value_parser = clap::builder::PossibleValuesParser::new(OPT_LEVELS.into_iter().chain(["both"])))]
    pub(super) opt_level: Vec<String>,
    /// Build firmware for the emulated core alone (`-C target-cpu`), not for all that its Rust target is for
    #[arg(long)]
    pub(super) target_cpu: bool,
}

/// The levels of optimisation that are asked for, or the usual ones.
pub(super) fn levels<'a>(asked: &'a [String], usual: &[&'a str]) -> Vec<&'a str> {
    let each = asked.iter().flat_map(|l| if l == "both" { vec!["3", "z"] } else { vec![l.as_str()] });
    if asked.is_empty() { usual.to_vec() } else { each.collect() }
}

/// A model, what it is compared with, and what passes.
struct Comparison<'a> {
    compiled: &'a Compiled,
    sets: &'a [DataSet],
    reference: &'a Reference,
    tolerance: Tolerance,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    if args.json {
        shell.use_json();
    }
    let project = args.model.open()?;
    let target = project.config.target;
    // What cannot be run is said before anything is computed.
    let probe = if args.probe { Some(probe::Probe::find(project.config.board)?) } else { None };
    let place = if args.in_process || args.probe { Place::Here } else { place(target)? };
    let tolerance = tolerance(args)?;
    shell.status("Compiling", &format!("{} ({})", project.name, project.path.display()));
    let compiled = compile(&project, shell)?;
    let subject = Subject::new(&compiled, Literal::new(pipeline::import(&project.model, &project.config)?.graph));
    let (sets, reference) = sets::gather(args, &project, &compiled, &subject, shell)?;
    shell.status("Verifying", &format!("{}; {tolerance}", reference.described(sets.len())));
    let mut outputs = Vec::new();
    let mut judged = Vec::new();
    for set in &sets {
        shell.progress(&format!("{}: computing {}", project.name, set.name));
        let computed = execute(&compiled.program, &set.inputs)?;
        let expected: Vec<Tensor> = set.outputs.iter().flatten().cloned().collect();
        judged.push(subject.judge((&set.inputs, &expected), &computed, &tolerance, args.per_node));
        outputs.push(computed);
    }
    let comparison = Comparison { compiled: &compiled, sets: &sets, reference: &reference, tolerance };
    let mut findings = report::print(&comparison, &judged, shell)?;
    if args.per_node {
        findings.extend(nodes::steps(&comparison, &subject, shell)?);
    }
    if !args.in_process {
        let levels = levels(&args.levels.opt_level, &["3"]);
        let checked = Checked { project: &project, compiled: &compiled, sets: &sets, outputs: &outputs };
        let found = match place {
            _ if probe.is_some() => {
                probe.iter().map(|p| p.check(&checked, shell)).collect::<Outcome<Vec<_>>>()?.concat()
            }
            Place::On(machine) => device::check(&checked, machine, (&levels, args.levels.target_cpu), shell)?,
            Place::Here => crates(&checked, &levels, shell)?,
        };
        findings.extend(found);
    }
    if !findings.is_empty() {
        return Err(Failure::Diagnostics(findings));
    }
    let on = match place {
        _ if args.in_process => "in this process".to_string(),
        _ if args.probe => "on the board".to_string(),
        Place::On(machine) => format!("on {} ({})", machine.name, machine.cpu),
        Place::Here => "on this machine".to_string(),
    };
    let compared = reference.described(sets.len());
    shell.status("Finished", &format!("{} is right {on}: {compared}, in {}", project.name, shell.elapsed()));
    Ok(())
}

fn tolerance(args: &Args) -> Outcome<Tolerance> {
    let relative = args.tolerance.unwrap_or(DEFAULT_TOLERANCE);
    for given in [Some(relative), args.quanta].into_iter().flatten() {
        if !(given >= 0.0 && given.is_finite()) {
            return Err(Failure::Usage(format!("a tolerance of {given} makes no sense")));
        }
    }
    Ok(Tolerance { relative, quanta: args.quanta })
}

/// What has been computed in this process.
pub(super) struct Checked<'a> {
    pub(super) project: &'a Project,
    pub(super) compiled: &'a Compiled,
    pub(super) sets: &'a [DataSet],
    pub(super) outputs: &'a [Vec<Tensor>],
}

impl Checked<'_> {
    /// The inputs of each set.
    pub(super) fn inputs(&self) -> Vec<Vec<Tensor>> {
        self.sets.iter().map(|s| s.inputs.clone()).collect()
    }

    /// What differs from this process in outputs that were computed elsewhere.
    pub(super) fn differing(&self, computed: &[Vec<Tensor>], place: &str) -> Vec<Diagnostic> {
        let mut findings = Vec::new();
        for ((set, here), there) in self.sets.iter().zip(self.outputs).zip(computed) {
            for ((port, here), there) in self.compiled.program.model_outputs().iter().zip(here).zip(there) {
                let unequal = per_node::differing(here, there);
                if unequal > 0 {
                    let message = format!(
                        "{unequal} of {} elements of output {:?} have other bits {place} than in this process ({})",
                        here.len(),
                        port.name,
                        set.name
                    );
                    findings.push(Diagnostic::error(codes::BITS_DIFFER, message).help("please report it"));
                }
            }
        }
        findings
    }
}

/// Builds the crate at each level and compares its bits with this process.
fn crates(checked: &Checked<'_>, levels: &[&str], shell: &mut Shell) -> Outcome<Vec<Diagnostic>> {
    let Project { config, name, .. } = checked.project;
    let model_sha256 = checked.project.sha256()?;
    let program = &checked.compiled.program;
    let source = Source { program, config, name, file: "", model_sha256: &model_sha256, vectors: &[] };
    let emitted = BuiltCrate::write(&source)?;
    let mut findings = Vec::new();
    for level in levels {
        shell.status("Building", &format!("{name} at opt-level {level}"));
        emitted.build(level)?;
        shell.status("Running", &format!("{name} at opt-level {level}"));
        let computed = emitted.run(level, &checked.inputs())?;
        findings.extend(checked.differing(&computed, &format!("in the crate at opt-level {level}")));
        if shell.is_json() {
            shell.json(&serde_json::json!({
                "reason": "ran", "name": name, "target": config.target.name, "machine": "here", "opt_level": level,
                "output_hash": hash(&computed), "host_hash": hash(checked.outputs),
            }))?;
        }
    }
    Ok(findings)
}
