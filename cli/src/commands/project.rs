//! A model on the command line: its path, the shared options, and what compiling it gives.

use std::path::{Path, PathBuf};

use clap::builder::TypedValueParser;
use zantc::onnx::{Limits, load_bytes};
use zantc::project::{Naming, OpenError, Project, crate_name, load_diagnostic};
use zantc::{Compiled, Config};

use super::options::ModelOptions;
use super::shell::Shell;
use super::stdin::{self, STDIN};
use super::{Failure, Outcome};

/// The arguments of every command that takes a model. A `zant.toml` beside the model has the same options; the command
/// line wins.
#[derive(clap::Args)]
pub(super) struct ModelArgs {
    /// The ONNX model, a folder with a `model.onnx`, or `-` for stdin
    #[arg(value_name = "MODEL", value_parser = model_path())]
    pub(super) model: PathBuf,
    #[command(flatten)]
    options: ModelOptions,
}

impl ModelArgs {
    /// Reads model and options.
    pub(super) fn open(&self) -> Outcome<Project> {
        opened(&self.model, &self.options)
    }
}

/// What reads a model's path: that of a folder stands for the model in it.
pub(super) fn model_path() -> impl clap::builder::TypedValueParser<Value = PathBuf> {
    clap::builder::OsStringValueParser::new().map(|given| {
        let path = PathBuf::from(given);
        let inside = path.join("model.onnx");
        if inside.is_file() { inside } else { path }
    })
}

impl ModelArgs {
    /// Reads several models, each with the options beside it, and the chosen name, which is that of all together.
    pub(super) fn open_all(&self, others: &[PathBuf]) -> Outcome<(Vec<Project>, Option<String>)> {
        let mut options = self.options.clone();
        let name = options.0.name.take();
        let paths = std::iter::once(&self.model).chain(others);
        Ok((paths.map(|path| opened(path, &options)).collect::<Outcome<_>>()?, name))
    }
}

/// Reads model and options.
pub(super) fn opened(model: &Path, options: &ModelOptions) -> Outcome<Project> {
    let config = Config::new().choose(options.0.clone());
    if model == Path::new(STDIN) {
        let bytes = stdin::read()?;
        let loaded = load_bytes(bytes.into(), None, &Limits::default()).map_err(|e| load_diagnostic(&e))?;
        let name = crate_name(&config, Path::new("stdin.onnx")).map_err(OpenError::Name)?;
        return Ok(Project { path: model.to_path_buf(), model: loaded, config, name });
    }
    Ok(Project::open(model, config, Naming::FileOrFolder, &mut |_| {})?)
}

/// A name that is none is a mistake in the command.
impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        match error {
            OpenError::Files(diagnostics) => Failure::Diagnostics(diagnostics),
            OpenError::Name(diagnostic) => Failure::Usage(diagnostic.message),
        }
    }
}

/// Compiles a model and says what is worth a warning.
pub(super) fn compile(project: &Project, shell: &mut Shell) -> Outcome<Compiled> {
    let compiled = compile_silently(project, shell)?;
    shell.diagnostics(&compiled.warnings);
    Ok(compiled)
}

/// Compiles a model without a word about its warnings.
pub(super) fn compile_silently(project: &Project, shell: &mut Shell) -> Outcome<Compiled> {
    Ok(project.compile(&mut |phase| shell.progress(&format!("{}: {phase}", project.name)))?)
}
