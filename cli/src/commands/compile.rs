//! `zantc compile`: a model becomes a crate, a module, or a listing of what lies between.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use zant_measure::process::uninterrupted;
use zantc::diag::{Diagnostic, codes};
use zantc::emit::{
    Package, Source, emit_crate, emit_models_crate, emit_module, emit_modules, emit_session_crate, emit_session_module,
    weights_bytes,
};
use zantc::footprint::Footprint;
use zantc::group::{Unit, joined};
use zantc::install::{self, Force, install_crate, install_module};
use zantc::project::Project;
use zantc::sharing::Joined;
use zantc::verify::data;

use super::project::{ModelArgs, compile, model_path};
use super::shell::Shell;
use super::{Failure, Outcome, dot};

/// Compile a model to a standalone crate
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// More models, which share one runtime, and with `--share-arena` one arena
    #[arg(value_name = "MODEL", value_parser = model_path())]
    others: Vec<PathBuf>,
    /// Make one crate of several models that have one state: a decoder, and the reader of its prompt
    ///
    /// The crate has a module for each model and a type `Session` that has their arena. What one model keeps from run to run is there for
    /// the others: an output that is named as the next value of another one's state begins that state. Equal constants are there once.
    #[arg(long)]
    share_state: bool,
    /// Folder of the crate or module [default: ./NAME]; file of a listing [default: stdout]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value = "crate")]
    emit: Emit,
    /// Write over files that zantc has not written, or that were changed since
    #[arg(long)]
    force: bool,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Emit {
    /// A crate
    Crate,
    /// One file for `include!`, and its constants
    Module,
    /// The graph after all passes, as text
    Ir,
    /// The steps and where their buffers lie, as text
    Plan,
    /// The graph in the language of Graphviz
    Dot,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    if args.share_state {
        return share(args, shell);
    }
    if !args.others.is_empty() {
        return together(args, shell);
    }
    let project = args.model.open()?;
    shell.status("Compiling", &format!("{} ({})", project.name, project.path.display()));
    let compiled = compile(&project, shell)?;
    let listing = match args.emit {
        Emit::Crate | Emit::Module => return write_package(args, &project, &compiled, shell),
        Emit::Ir => compiled.graph.to_string(),
        Emit::Plan => compiled.program.to_string(),
        Emit::Dot => dot::dot(&compiled.graph),
    };
    let Some(path) = &args.output else { return shell.out(&listing) };
    if same_file(path, &project.path) {
        return Err(Failure::Usage(format!("{} is the model itself", path.display())));
    }
    uninterrupted(|| install::replace(path, listing.as_bytes())).map_err(|e| unwritable(path, &e))
}

/// Compiles models that share a runtime.
fn together(args: &Args, shell: &mut Shell) -> Outcome {
    let (projects, name) = args.model.open_all(&args.others)?;
    let name = name.unwrap_or_else(|| "models".into());
    shell.status("Compiling", &format!("{name} ({} models)", projects.len()));
    let mut units = Vec::new();
    for project in projects {
        let called = project.name.clone();
        let unit = Unit::compile(project, &mut |phase| shell.progress(&format!("{called}: {phase}")))?;
        shell.diagnostics(&unit.compiled.warnings);
        units.push(unit);
    }
    joined(&name, &mut units)?;
    let sources: Vec<Source<'_>> = units.iter().map(Unit::source).collect();
    let (package, is_crate) = match args.emit {
        Emit::Crate => (emit_models_crate(&name, &sources), true),
        Emit::Module => (emit_modules(&name, &sources), false),
        Emit::Ir | Emit::Plan | Emit::Dot => return Err(Failure::Usage("a listing is of one model".into())),
    };
    let arenas = sources.iter().map(|s| zantc::footprint::arena_bytes(s.program));
    let shares = sources.iter().any(|s| s.config.share_arena);
    let arena = if shares { arenas.max().unwrap_or(0) } else { arenas.sum() };
    let weights = sources.iter().map(|s| s.program.weights_bytes()).sum();
    install_joined(args, &name, (&package, is_crate), [arena, weights], shell)
}

/// Compiles models that have one state.
fn share(args: &Args, shell: &mut Shell) -> Outcome {
    let (projects, name) = args.model.open_all(&args.others)?;
    let name = name.unwrap_or_else(|| "session".into());
    shell.status("Compiling", &format!("{name} ({} models)", projects.len()));
    let joined = Joined::compile(&name, projects, &mut |phase| shell.progress(&format!("{name}: {phase}")))?;
    let warnings: Vec<Diagnostic> = joined.warnings().cloned().collect();
    shell.diagnostics(&warnings);
    let sources = joined.sources();
    let (package, is_crate) = match args.emit {
        Emit::Crate => (emit_session_crate(&name, &sources, &joined.played()?), true),
        Emit::Module => (emit_session_module(&name, &sources), false),
        Emit::Ir | Emit::Plan | Emit::Dot => {
            return Err(Failure::Usage("a listing is of one model: leave --share-state out".into()));
        }
    };
    let programs: Vec<_> = sources.iter().map(|s| s.program).collect();
    let (arena, weights) = (programs.iter().map(|p| p.arena_bytes()).max().unwrap_or(0), weights_bytes(&programs));
    install_joined(args, &name, (&package, is_crate), [arena, weights], shell)
}

/// Writes what several models have become, and says so.
fn install_joined(
    args: &Args,
    name: &str,
    (package, is_crate): (&Package, bool),
    [arena, weights]: [usize; 2],
    shell: &mut Shell,
) -> Outcome {
    let folder = args.output.clone().unwrap_or_else(|| PathBuf::from(name));
    let force = if args.force { Force::Yes } else { Force::No };
    let install = if is_crate { install_crate } else { install_module };
    let installed = uninterrupted(|| install(package, &folder, force)).map_err(|e| e.diagnostic())?;
    installed.notes.iter().for_each(|note| shell.status("Note", note));
    if shell.is_json() {
        shell.json(&serde_json::json!({
            "reason": "compiled",
            "name": name,
            "folder": folder.to_string_lossy(),
            "files": package.files.len(),
            "files_written": installed.written.len(),
            "arena_bytes": arena,
            "weight_bytes": weights,
        }))?;
    }
    let figures =
        format!("{} in {}: {arena} bytes of arena, {weights} of constants", folder.display(), shell.elapsed());
    shell.status("Finished", &figures);
    Ok(())
}

/// Whether two paths are one file.
fn same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

pub(super) fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    let help = "check that the folder exists and that you may write there";
    Failure::from(Diagnostic::error("ZA0011", format!("cannot write {path:?}: {error}")).help(help))
}

/// What is said where a crate's tests have nothing to compare with.
fn no_vectors() -> Diagnostic {
    let message = format!(
        "the crate has no vectors to test with: none could be computed within {} multiply-adds, {} bytes of arena and {} bytes \
         of inputs and outputs",
        data::MAX_WORK,
        zantc::exec::MAX_ARENA_BYTES,
        zantc::emit::MAX_VECTORS_BYTES
    );
    Diagnostic::warning(codes::NO_VECTOR, message)
        .help("run it on data of which you know the results, or make a data set on which the model does not fail")
}

/// Largest manifest of cargo's that is read, in bytes.
const MANIFEST_BYTES: u64 = 1 << 20;

/// The manifest of the workspace that a folder is in.
fn workspace_above(folder: &Path) -> Option<PathBuf> {
    let folder = fs::canonicalize(folder).ok()?;
    let mut manifests = folder.ancestors().skip(1).map(|f| f.join("Cargo.toml"));
    manifests.find(|path| is_workspace(path).unwrap_or(false))
}

fn is_workspace(manifest: &Path) -> Option<bool> {
    let mut text = String::new();
    fs::File::open(manifest).ok()?.take(MANIFEST_BYTES).read_to_string(&mut text).ok()?;
    Some(text.parse::<toml::Table>().ok()?.contains_key("workspace"))
}

fn write_package(args: &Args, project: &Project, compiled: &zantc::Compiled, shell: &mut Shell) -> Outcome {
    let Project { path, config, name, .. } = project;
    let program = &compiled.program;
    let vectors = match args.emit {
        Emit::Crate => {
            let mut notes = Vec::new();
            let mut observe = |what: &str| shell.progress(&format!("{name}: {what}"));
            let vectors = data::golden_vectors(path, compiled, &mut observe, &mut |note| notes.push(note.to_string()))?;
            notes.iter().for_each(|note| shell.status("Note", note));
            vectors
        }
        Emit::Module | Emit::Ir | Emit::Plan | Emit::Dot => Vec::new(),
    };
    if args.emit == Emit::Crate && vectors.is_empty() {
        shell.diagnostics(&[no_vectors()]);
    }
    let model_sha256 = project.sha256()?;
    let file = project.file();
    let source = Source { program, config, name, file: &file, model_sha256: &model_sha256, vectors: &vectors };
    let package = if args.emit == Emit::Crate { emit_crate(&source) } else { emit_module(&source) };
    let folder = args.output.clone().unwrap_or_else(|| PathBuf::from(name));
    let force = if args.force { Force::Yes } else { Force::No };
    let install = if args.emit == Emit::Crate { install_crate } else { install_module };
    let installed = uninterrupted(|| install(&package, &folder, force)).map_err(|e| e.diagnostic())?;
    installed.notes.iter().for_each(|note| shell.status("Note", note));
    if let Some(root) = workspace_above(&folder).filter(|_| args.emit == Emit::Crate && !config.member) {
        shell.status("Note", &format!("{} is in the workspace of {}", folder.display(), root.display()));
        shell.status("", "`--member` makes a crate that can be its member or a dependency by path");
    }
    let footprint = Footprint::of(program, config);
    if shell.is_json() {
        let mut value = serde_json::json!({
            "reason": "compiled",
            "name": name,
            "folder": folder.to_string_lossy(),
            "files": package.files.len(),
            "files_written": installed.written.len(),
            "macs": program.macs(),
            "vectors": vectors.len(),
        });
        if let (Some(value), serde_json::Value::Object(memory)) = (value.as_object_mut(), footprint.json()) {
            value.extend(memory);
        }
        shell.json(&value)?;
    }
    let figures = format!(
        "{} in {}: {}, {}, {} multiply-adds",
        folder.display(),
        shell.elapsed(),
        footprint.ram_text(),
        footprint.flash_text(),
        program.macs()
    );
    shell.status("Finished", &figures);
    Ok(())
}
