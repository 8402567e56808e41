//! `zantc verify`: a model's data sets against what the emitted crate and this process compute.

use std::path::PathBuf;

use zantc::diag::{Diagnostic, codes, escape};
use zantc::emit::{OPT_LEVELS, Source};
use zantc::ir::Tensor;
use zantc::verify::crates::BuiltCrate;
use zantc::verify::data::{DataSet, Found, find_set, folders, folders_beside, read_set};
use zantc::verify::device::{Place, hash, place};
use zantc::verify::measure::{DEFAULT_TOLERANCE, Distance, Tolerance, compare};
use zantc::verify::per_node;
use zantc::{Compiled, pipeline};

use super::run::{execute, failure};
use super::session::{ModelArgs, Session};
use super::shell::{Shell, table};
use super::{Failure, Outcome, device};

/// Build the emitted crate and compare its outputs with the data sets beside the model
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// A data set, or a folder of test_data_set_* [default: those beside the model]
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// Compute in this process only, without rustc
    #[arg(long)]
    in_process: bool,
    /// Name the first node that goes wrong
    #[arg(long)]
    per_node: bool,
    /// Largest error of float outputs, as a part of the output's largest magnitude [default: 1e-4]
    #[arg(long, value_name = "X")]
    tolerance: Option<f64>,
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

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    if args.json {
        shell.use_json();
    }
    let session = args.model.open()?;
    let target = session.config.target;
    // What cannot be run is said before anything is computed.
    let place = if args.in_process { Place::Here } else { place(target)? };
    let tolerance = tolerance(args, &session)?;
    shell.status("Compiling", &format!("{} ({})", session.name, session.path.display()));
    let compiled = session.compile(shell)?;
    let sets = data_sets(args, &session, &compiled, shell)?;
    shell.status("Verifying", &format!("{} data sets: {tolerance}", sets.len()));
    let mut outputs = Vec::new();
    for set in &sets {
        shell.progress(&format!("{}: computing {}", session.name, set.name));
        outputs.push(execute(&compiled.program, &set.inputs)?);
    }
    let mut findings = report(&compiled, &sets, &outputs, &tolerance, shell)?;
    if args.per_node {
        findings.extend(nodes(&session, &compiled, &sets, shell)?);
    }
    if !args.in_process {
        let levels = levels(&args.levels.opt_level, &["3"]);
        let checked = Checked { session: &session, compiled: &compiled, sets: &sets, outputs: &outputs };
        let found = match place {
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
        Place::On(machine) => format!("on {} ({})", machine.name, machine.cpu),
        Place::Here => "on this machine".to_string(),
    };
    let sets = sets.len();
    shell.status("Finished", &format!("{} is right {on} on {sets} data sets in {}", session.name, shell.elapsed()));
    Ok(())
}

fn tolerance(args: &Args, session: &Session) -> Outcome<Tolerance> {
    let relative = args.tolerance.unwrap_or(DEFAULT_TOLERANCE);
    if !(relative >= 0.0 && relative.is_finite()) {
        return Err(Failure::Usage(format!("a tolerance of {relative} makes no sense")));
    }
    let quantizes = |op: &str| {
        op.starts_with("QLinear")
            || matches!(op, "QuantizeLinear" | "DynamicQuantizeLinear" | "MatMulInteger" | "ConvInteger")
    };
    let quantized = session.model.proto.graph.node.iter().any(|n| quantizes(&n.op_type));
    Ok(Tolerance { relative, quantized })
}

/// The data sets; without one that has outputs, an error: a check that compares nothing must not pass.
fn data_sets(args: &Args, session: &Session, compiled: &Compiled, shell: &mut Shell) -> Outcome<Vec<DataSet>> {
    let within = |folder: &PathBuf| match folders(folder) {
        sets if sets.is_empty() => vec![folder.clone()],
        sets => sets,
    };
    let folders: Vec<PathBuf> =
        if args.data.is_empty() { folders_beside(&session.path) } else { args.data.iter().flat_map(within).collect() };
    let mut sets = Vec::new();
    for folder in &folders {
        let set = match find_set(folder, &compiled.program)? {
            Found::Set(set) => set,
            // What was asked for by name must fit.
            Found::OtherShape(_) if !args.data.is_empty() => read_set(folder, &compiled.program)?,
            Found::OtherShape(why) => {
                shell.status("Skipping", &format!("{why}; `--dim` gives a dimension the data's value"));
                continue;
            }
        };
        if set.outputs.iter().any(Option::is_none) {
            let message = format!("{} lacks reference outputs", set.name);
            return Err(Diagnostic::error(codes::NO_VECTOR, message).help("each output needs an `output_K.pb`").into());
        }
        sets.push(set);
    }
    if sets.is_empty() {
        let message = "there is no data set to verify with";
        return Err(Diagnostic::error(codes::NO_VECTOR, message)
            .help("put folders `test_data_set_0`, .. with `input_0.pb`, `output_0.pb`, .. beside the model, or name one by `--data`")
            .into());
    }
    Ok(sets)
}

/// Prints the distance of every output; gives what is beyond the tolerance.
fn report(
    compiled: &Compiled,
    sets: &[DataSet],
    outputs: &[Vec<Tensor>],
    tolerance: &Tolerance,
    shell: &mut Shell,
) -> Outcome<Vec<Diagnostic>> {
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    for (set, outputs) in sets.iter().zip(outputs) {
        for ((port, reference), output) in compiled.program.model_outputs().iter().zip(&set.outputs).zip(outputs) {
            let reference = reference.as_ref().expect("sets without outputs were refused");
            let Some(d) = compare(reference, output, tolerance) else {
                let message = format!(
                    "output {:?} of {} is {}, the model's is {}",
                    port.name,
                    set.name,
                    reference.ty(),
                    output.ty()
                );
                findings.push(Diagnostic::error(codes::BAD_DATA, message));
                continue;
            };
            if !d.pass {
                let message = format!("output {:?} differs from {} beyond the tolerance", port.name, set.name);
                findings.push(
                    Diagnostic::error(codes::BEYOND_TOLERANCE, message)
                        .help("`--per-node` names the first node that goes wrong"),
                );
            }
            if shell.is_json() {
                let value = serde_json::json!({
                    "reason": "verified", "set": set.name, "output": port.name, "distance": d,
                    "tolerance": tolerance.relative,
                });
                shell.json(&value)?;
            }
            rows.push(row(&set.name, &port.name, &d));
        }
    }
    if !shell.is_json() {
        let head = ["data set", "output", "max absolute", "max relative", "ULPs", "arg-max", "result"];
        shell.out(&table(&head, &rows))?;
    }
    Ok(findings)
}

fn row(set: &str, output: &str, d: &Distance) -> Vec<String> {
    let arg_max = d.arg_max.map_or_else(|| "-".to_string(), |(same, rows)| format!("{same}/{rows}"));
    vec![
        escape(set),
        escape(output),
        format!("{:.3e}", d.max_absolute),
        format!("{:.3e}", d.max_relative),
        d.max_ulps.to_string(),
        arg_max,
        if d.pass { "PASS" } else { "FAIL" }.to_string(),
    ]
}

/// What has been computed in this process.
pub(super) struct Checked<'a> {
    pub(super) session: &'a Session,
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
    let Session { model, config, name, .. } = checked.session;
    let model_sha256 = pipeline::sha256(model)?;
    let program = &checked.compiled.program;
    let source = Source { program, config, name, model_sha256: &model_sha256, vectors: &[] };
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

/// Compares steps with the naive reference, and the graph before the passes with the one after them.
fn nodes(session: &Session, compiled: &Compiled, sets: &[DataSet], shell: &mut Shell) -> Outcome<Vec<Diagnostic>> {
    let numerics = compiled.program.numerics;
    let untouched = pipeline::import(&session.model, &session.config)?.graph;
    let reference = |graph, inputs: &[Tensor]| {
        per_node::values(graph, inputs, numerics).map_err(|(node, why)| {
            Failure::from(Diagnostic::error(codes::RUN_FAILED, format!("the reference fails at node {node}: {why}")))
        })
    };
    let mut findings = Vec::new();
    for set in sets {
        shell.progress(&format!("{}: evaluating the reference for {}", session.name, set.name));
        let values = reference(&compiled.graph, &set.inputs)?;
        let wrong = per_node::first_wrong(&compiled.program, &compiled.places, &values, &set.inputs)
            .map_err(|e| failure(&compiled.program, &e))?;
        let plain = reference(&untouched, &set.inputs)?;
        let mut lines = vec![match &wrong {
            None => format!("{}: all {} steps equal the reference to the bit", set.name, compiled.program.steps.len()),
            Some(w) => {
                let nodes: Vec<String> =
                    w.nodes.iter().map(|o| format!("node {} {:?} ({})", o.index, o.name, o.op_type)).collect();
                let message = format!(
                    "step {} ({}) computes {} of {} elements wrong: {}",
                    w.step,
                    w.kernel,
                    w.unequal,
                    w.elements,
                    nodes.join(", ")
                );
                findings.push(
                    Diagnostic::error(codes::BEYOND_TOLERANCE, message.clone())
                        .help("the kernel or its lowering is at fault; please report it"),
                );
                format!("{}: {message}", set.name)
            }
        }];
        let exact = Tolerance { relative: 0.0, quantized: false };
        for (i, (before, after)) in untouched.outputs.iter().zip(&compiled.graph.outputs).enumerate() {
            let get = |values: &[Option<Tensor>], v: zantc::ir::ValueId| {
                values[v.index()].clone().expect("outputs are computed")
            };
            let (plain, optimised) = (get(&plain, before.value), get(&values, after.value));
            if let Some(d) = compare(&plain, &optimised, &exact) {
                lines.push(format!("  passes change output {i} by {:.3e} (relative)", d.max_relative));
            }
            if let Some(d) = set.outputs[i].as_ref().and_then(|r| compare(r, &plain, &exact)) {
                lines.push(format!(
                    "  the reference on the graph before passes is {:.3e} from the data set",
                    d.max_relative
                ));
            }
        }
        if shell.is_json() {
            shell.json(&serde_json::json!({ "reason": "nodes", "set": set.name, "text": lines }))?;
        } else {
            shell.out(&lines.iter().map(|l| format!("{}\n", escape(l))).collect::<String>())?;
        }
    }
    Ok(findings)
}
