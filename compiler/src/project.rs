//! A model as its user has it: the file, a `zant.toml` beside it, the choices, the name. Commands and build scripts open it alike.

use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::{Config, Options, file_beside};
use crate::diag::{Diagnostic, FilePlace, codes};
use crate::emit;
use crate::onnx::{Limits, LoadError, Model, load};
use crate::pipeline::{Compiled, compile_observed};

/// A model that has been read, with all that was chosen for it.
#[derive(Debug)]
pub struct Project {
    /// Where it was read.
    pub path: PathBuf,
    /// Its messages.
    pub model: Model,
    /// The choices: of the caller, then of `zant.toml`, then the defaults.
    pub config: Config,
    /// The name of its crate or module.
    pub name: String,
}

/// What the model is named after where no name is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Its file, or its folder where the file is called `model.onnx`.
    FileOrFolder,
    /// Its file, whatever folder that is in.
    File,
}

/// Why a project cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// A file cannot be read, or makes no sense.
    Files(Vec<Diagnostic>),
    /// The chosen name is no name for a crate.
    Name(Diagnostic),
}

impl From<OpenError> for Vec<Diagnostic> {
    fn from(error: OpenError) -> Vec<Diagnostic> {
        match error {
            OpenError::Files(diagnostics) => diagnostics,
            OpenError::Name(diagnostic) => vec![diagnostic],
        }
    }
}

impl Project {
    /// Reads the options beside a model, and the model; `hear` is told of each file that counts.
    ///
    /// # Errors
    /// What cannot be read or used.
    pub fn open(
        path: &Path,
        config: Config,
        naming: Naming,
        hear: &mut dyn FnMut(&Path),
    ) -> Result<Project, OpenError> {
        hear(path);
        let config = configured(path, config, hear).map_err(OpenError::Files)?;
        config.labels.iter().for_each(|file| hear(Path::new(file)));
        let model = read(path).map_err(OpenError::Files)?;
        model.external_files.iter().for_each(|file| hear(file));
        let name = match naming {
            Naming::File if config.name.is_none() => emit::crate_name(&stem(path)),
            Naming::File | Naming::FileOrFolder => crate_name(&config, path).map_err(OpenError::Name)?,
        };
        Ok(Project { path: path.to_path_buf(), model, config, name })
    }

    /// Compiles the model; `observe` hears what is being done, in a few words.
    ///
    /// # Errors
    /// Everything that is wrong with the model, or that exceeds a budget.
    pub fn compile(&self, observe: &mut dyn FnMut(&str)) -> Result<Compiled, Vec<Diagnostic>> {
        compile_observed(&self.model, &self.config, observe)
    }

    /// The file as documentation names it: its name, with its folder's before it where it is called `model.onnx`.
    pub fn file(&self) -> String {
        file_name(&self.path)
    }

    /// SHA-256 of the model: [`sha256`].
    ///
    /// # Errors
    /// A diagnostic where an external file can no longer be read.
    pub fn sha256(&self) -> Result<String, Vec<Diagnostic>> {
        sha256(&self.model)
    }
}

/// What was chosen, and what the options beside the model add to it; `hear` is told of their file.
///
/// # Errors
/// A diagnostic where they cannot be read or make no sense.
pub fn configured(path: &Path, config: Config, hear: &mut dyn FnMut(&Path)) -> Result<Config, Vec<Diagnostic>> {
    let Some((file, mut options)) = read_options(path)? else { return Ok(config) };
    hear(&file);
    if let Some(labels) = &mut options.labels {
        // What stands in a file is beside that file.
        *labels = file.parent().unwrap_or(Path::new("")).join(&*labels).to_string_lossy().into_owned();
    }
    let config = config.with_options(&options);
    Ok(config)
}

/// Reads a model from a file, with its external data.
///
/// # Errors
/// A diagnostic where the file cannot be read or is no model.
pub fn read(path: &Path) -> Result<Model, Vec<Diagnostic>> {
    load(path, &Limits::default()).map_err(|e| match e {
        LoadError::Malformed { .. } => {
            vec![Diagnostic::error(e.code(), format!("{path:?} is {e}")).help(e.help())]
        }
        other => vec![load_diagnostic(&other)],
    })
}

/// What went wrong with a file, as a diagnostic.
pub fn load_diagnostic(error: &LoadError) -> Diagnostic {
    Diagnostic::error(error.code(), error.to_string()).help(error.help())
}

/// Largest file of options that is read, in bytes.
const OPTIONS_BYTES: u64 = 64 << 10;

/// Reads the `zant.toml` beside a model, where there is one.
///
/// # Errors
/// A diagnostic where it cannot be read or makes no sense.
pub fn read_options(model: &Path) -> Result<Option<(PathBuf, Options)>, Vec<Diagnostic>> {
    let path = file_beside(model);
    if !path.is_file() {
        return Ok(None);
    }
    let fail = |why: String| vec![Diagnostic::error(codes::BAD_OPTION, format!("cannot use {path:?}: {why}"))];
    let file = std::fs::File::open(&path).map_err(|e| fail(e.to_string()))?;
    let mut text = String::new();
    file.take(OPTIONS_BYTES).read_to_string(&mut text).map_err(|e| fail(e.to_string()))?;
    let options = Options::parse(&text).map_err(|bad| {
        let place = FilePlace { path: path.clone(), line: bad.line, text: bad.text, span: bad.span };
        vec![Diagnostic::error(codes::BAD_OPTION, format!("cannot use {path:?}: {}", bad.message)).in_file(place)]
    })?;
    Ok(Some((path, options)))
}

/// A model's file as documentation names it: see [`Project::file`].
pub fn file_name(model: &Path) -> String {
    let file = model.file_name().map_or_else(String::new, |f| f.to_string_lossy().into_owned());
    match folder(model) {
        Some(folder) if file == "model.onnx" => format!("{folder}/{file}"),
        Some(_) | None => file,
    }
}

/// The folder that a file is in, without what that is in.
fn folder(file: &Path) -> Option<String> {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
    absolute.parent().and_then(Path::file_name).map(|f| f.to_string_lossy().into_owned())
}

/// The name of a model's crate where the user gives none: from its file, or from its folder where the file is called
/// `model.onnx`.
pub fn default_name(model: &Path) -> String {
    let stem = stem(model);
    emit::crate_name(&if stem == "model" { folder(model).unwrap_or(stem) } else { stem })
}

/// The name of a file without what follows its last point.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name of a model's crate: as chosen, else made from its file.
///
/// # Errors
/// A diagnostic where the chosen one is no name for a crate.
pub fn crate_name(config: &Config, model: &Path) -> Result<String, Diagnostic> {
    match &config.name {
        None => Ok(default_name(model)),
        Some(name) if emit::is_crate_name(name) => Ok(name.clone()),
        Some(name) => {
            let better = emit::crate_name(name);
            let message = format!("{name:?} is no name for a crate; `{better}` would be one");
            Err(Diagnostic::error(codes::BAD_OPTION, message))
        }
    }
}

/// SHA-256 of a model in hex: of its file, or of that and its external files one after the other.
///
/// # Errors
/// A diagnostic where an external file can no longer be read.
pub fn sha256(model: &Model) -> Result<String, Vec<Diagnostic>> {
    let mut hash = Sha256::new();
    hash.update(&model.file);
    for path in &model.external_files {
        let unreadable = |source| vec![load_diagnostic(&LoadError::Read { path: path.clone(), source })];
        let mut file = std::fs::File::open(path).map_err(unreadable)?;
        std::io::copy(&mut file, &mut hash).map_err(unreadable)?;
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}
