//! `zantc new`: a firmware project around a model, which builds at once.

pub(super) mod templates;

use std::fs;
use std::path::{Path, PathBuf};

use zant_measure::process::uninterrupted;
use zantc::diag::{Diagnostic, codes};
use zantc::emit::{Package, Source, crate_name, emit_crate};
use zantc::footprint::Footprint;
use zantc::verify::data;

use super::compile::unwritable;
use super::project::{ModelArgs, compile};
use super::shell::{Shell, counted};
use super::{Failure, Outcome};
use templates::{Made, Plan};

/// Make a firmware project around a model: for a board, with a stub for the sensor and a test on an emulated core
///
/// What is made is yours: `src/` and `model/` build with `cargo build --release`, `qemu/` runs the model's vectors on an emulated core.
/// `--board` names the board; `zantc boards` lists them.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// What the firmware is written with
    #[arg(long, value_enum, default_value = "plain")]
    flavor: Flavor,
    /// Folder of the project, which must not be there or be empty [default: ./NAME-BOARD]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// What firmware is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Flavor {
    /// A loop, by the runtime crate of the core
    Plain,
    /// Tasks of embassy's executor
    Embassy,
    /// Tasks of RTIC
    Rtic,
}

pub(super) fn run(args: &Args, shell: &mut Shell) -> Outcome {
    let mut project = args.model.open()?;
    let Some(board) = project.config.board else {
        return Err(Failure::Usage("`--board` says what the project is for; `zantc boards` lists them".into()));
    };
    project.config.member = true;
    // Its module lends a frame.
    project.config.inputs = Some(zantc::Inputs::Slice);
    let plan = Plan::new(board, args.flavor).map_err(Failure::Usage)?;
    let folder = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}-{}", project.name, board.name)));
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(Failure::Usage(format!("{} is there already; `-o` names another folder", folder.display())));
    }
    shell.status("Compiling", &format!("{} ({}) for {}", project.name, project.path.display(), board.name));
    let compiled = compile(&project, shell)?;
    let vectors = {
        let mut observe = |what: &str| shell.progress(&format!("{}: {what}", project.name));
        data::golden_vectors(&project.path, &compiled, &mut observe, &mut |_| {})?
    };
    let model_sha256 = project.sha256()?;
    let source = Source {
        program: &compiled.program,
        config: &project.config,
        name: &project.name,
        file: &project.file(),
        model_sha256: &model_sha256,
        vectors: &vectors,
    };
    let model = emit_crate(&source);
    let package = folder.file_name().map_or_else(|| project.name.clone(), |n| crate_name(&n.to_string_lossy()));
    // Two packages of a workspace have two names.
    let package = if package == project.name { format!("{package}-firmware") } else { package };
    let footprint = Footprint::of(&compiled.program, &project.config);
    let made = Made { package: &package, file: &project.path, footprint: &footprint, source: &source, model: &model };
    let mut files = plan.files(&made);
    files.files.extend(model.files.iter().map(|(path, bytes)| (format!("model/{path}"), bytes.clone())));
    uninterrupted(|| install(&files, &folder)).map_err(|e| unwritable(&folder, &e))?;
    if shell.is_json() {
        shell.json(&serde_json::json!({
            "reason": "made", "folder": folder.to_string_lossy(), "board": board.name, "triple": plan.triple(),
            "files": files.files.len(), "vectors": vectors.len(),
        }))?;
    }
    let size = format!("{}, {}", footprint.ram_text(), footprint.flash_text());
    shell.status("Made", &format!("{} of {}: {size}", folder.display(), counted(files.files.len(), "file")));
    shell.status("Next", &format!("cd {} && cargo build --release; README.md has the rest", folder.display()));
    Ok(())
}

/// Writes a folder that is not there, or is empty: whole or not at all.
fn install(files: &Package, folder: &Path) -> std::io::Result<()> {
    let absolute = std::path::absolute(folder)?;
    let parent = absolute.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let made = tempfile::Builder::new().prefix(".zantc-new-").tempdir_in(parent)?;
    let inside = made.path().join("project");
    files.write(&inside).map_err(|e| e.source)?;
    fs::rename(inside, absolute)
}

/// What is wrong with a board that no project is made for.
fn refused(board: &str, why: &str) -> String {
    Diagnostic::error(codes::BAD_OPTION, format!("there is no project for {board}: {why}")).message
}
