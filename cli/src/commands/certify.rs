//! `zantc certify`: what the linked firmware of a model can do, and what it takes.

use std::fs;
use std::path::PathBuf;

use zant_measure::audit::audit;
use zant_measure::replace;
use zant_measure::{Machine, cargo};
use zantc::diag::{Diagnostic, codes};
use zantc::emit::{Source, VERSION};
use zantc::harness::ENTRY;
use zantc::ir::Tensor;
use zantc::program::Program;
use zantc::verify::data::{Found, find_set, folders_beside};
use zantc::verify::seeded;

use super::compile::unwritable;
use super::project::{ModelArgs, compile};
use super::shell::Shell;
use super::verify::{OptLevels, levels};
use super::{Failure, Outcome};
use crate::built::certificate::{Build, Certificate, sha256};
use crate::built::device::{Device, diagnostic};

/// Read the linked firmware: panics, heap, soft float, recursion, stack; print a certificate
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Write certificate.json and certificate.md into this folder [default: the page to stdout]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Keep the linked files that were read: NAME-TARGET-LEVEL.elf in this folder
    #[arg(long, value_name = "DIR")]
    keep_elf: Option<PathBuf>,
    #[command(flatten)]
    levels: OptLevels,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let project = args.model.open()?;
    let machine = machine(project.config.target.name)?;
    shell.status("Compiling", &format!("{} ({})", project.name, project.path.display()));
    let compiled = compile(&project, shell)?;
    let program = &compiled.program;
    let model_sha256 = project.sha256()?;
    let source = Source {
        program,
        config: &project.config,
        name: &project.name,
        file: "",
        model_sha256: &model_sha256,
        vectors: &[],
    };
    let device = Device::write(&source, machine)?;
    let inputs = inputs(&project.path, program, shell)?;
    let mut builds = Vec::new();
    for level in levels(&args.levels.opt_level, &["3", "z"]) {
        shell.status("Building", &format!("{} for {} at opt-level {level}", project.name, machine.cpu));
        let build = build(&device, level, args.levels.target_cpu, &inputs)?;
        if let Some(folder) = &args.keep_elf {
            keep(folder, &format!("{}-{}-{level}.elf", project.name, machine.cpu), &build, shell)?;
        }
        builds.push(build);
    }
    let certificate = Certificate {
        name: &project.name,
        model_sha256: &model_sha256,
        package: device.package(),
        arena_bytes: program.arena_bytes(),
        machine,
        tools: tools(machine)?,
        builds,
    };
    write(args.output.as_deref(), &certificate, shell)?;
    let faults: Vec<Diagnostic> = certificate.builds.iter().flat_map(Build::faults).collect();
    if !faults.is_empty() {
        return Err(Failure::Diagnostics(faults));
    }
    shell.status("Certified", &format!("{} for {} in {}", project.name, machine.cpu, shell.elapsed()));
    Ok(())
}

/// The machine that a target is emulated by, where the instructions of its firmware can be read.
fn machine(target: &str) -> Outcome<&'static Machine> {
    Machine::with_cpu(target).filter(|m| m.has_arm_loops()).ok_or_else(|| {
        let known: Vec<&str> = zant_measure::MACHINES.iter().filter(|m| m.has_arm_loops()).map(|m| m.cpu).collect();
        Diagnostic::error(codes::BAD_OPTION, format!("there is no certificate for {target}"))
            .help(format!("choose one of these by `--target`: {}", known.join(", ")))
            .into()
    })
}

/// Inputs to run the model on, for what its stack takes: those of the data sets beside it, else pseudo-random ones.
fn inputs(model: &std::path::Path, program: &Program, shell: &mut Shell) -> Outcome<Vec<Vec<Tensor>>> {
    let mut sets = Vec::new();
    for folder in folders_beside(model) {
        match find_set(&folder, program)? {
            Found::Set(set) => sets.push(set.inputs),
            Found::OtherShape(why) => shell.status("Note", &format!("{why}; it is not run")),
        }
    }
    if sets.is_empty() {
        sets.push(seeded::inputs(program.model_inputs().iter().map(|p| &p.ty)));
    }
    Ok(sets)
}

fn build(device: &Device, level: &str, cpu: bool, inputs: &[Vec<Tensor>]) -> Outcome<Build> {
    let built = device.build(level, cpu)?;
    let elf = fs::read(&built.elf)
        .map_err(|e| Diagnostic::error(codes::BUILD_FAILED, format!("cannot read the linked firmware: {e}")))?;
    let audit = audit(&elf, ENTRY).map_err(|e| diagnostic(&e))?;
    let measured = device.run(built, inputs)?;
    Ok(Build { level: level.to_string(), elf_sha256: sha256(&elf), audit, measured })
}

/// Keeps a linked file.
fn keep(folder: &std::path::Path, name: &str, build: &Build, shell: &mut Shell) -> Outcome {
    let path = folder.join(name);
    fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
    fs::copy(&build.measured.built.elf, &path).map_err(|e| unwritable(&path, &e))?;
    shell.status("Wrote", &path.display().to_string());
    Ok(())
}

fn tools(machine: &Machine) -> Outcome<Vec<String>> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let mut tools = vec![format!("zantc {VERSION}")];
    for program in [rustc.as_str(), machine.emulator.program] {
        tools.push(cargo::version(program).map_err(|e| diagnostic(&e))?);
    }
    Ok(tools)
}

/// Writes the files where a folder is named; prints the certificate where none is, or where JSON is asked for.
fn write(folder: Option<&std::path::Path>, certificate: &Certificate<'_>, shell: &mut Shell) -> Outcome {
    let mut value = certificate.json();
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
        let text = serde_json::to_string_pretty(&value).expect("plain data");
        let files = [("certificate.json", format!("{text}\n")), ("certificate.md", certificate.markdown())];
        let files = files.map(|(name, text)| (folder.join(name), text));
        replace(&files).map_err(|e| unwritable(folder, &e))?;
        files.iter().for_each(|(path, _)| shell.status("Wrote", &path.display().to_string()));
    }
    match (shell.is_json(), folder) {
        (true, _) => {
            value["reason"] = "certified".into();
            shell.json(&value)
        }
        (false, Some(_)) => Ok(()),
        (false, None) => shell.out(&certificate.markdown()),
    }
}
