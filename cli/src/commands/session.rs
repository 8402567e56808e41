//! A model on the command line: its path, the shared options, and what compiling it gives.

use std::path::PathBuf;

use zantc::config::Options;
use zantc::onnx::Model;
use zantc::{Compiled, Config, pipeline};

use super::shell::Shell;
use super::{Failure, Outcome};

/// The arguments of every command that takes a model. A `zant.toml` beside the model has the same options; the command
/// line wins.
#[derive(clap::Args)]
pub(super) struct ModelArgs {
    /// The ONNX model
    #[arg(value_name = "MODEL")]
    pub(super) model: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// A model that has been read.
pub(super) struct Session {
    /// Where it was read.
    pub(super) path: PathBuf,
    /// Its messages.
    pub(super) model: Model,
    /// The choices: command line, then `zant.toml`, then defaults.
    pub(super) config: Config,
    /// The crate's name.
    pub(super) name: String,
}

impl ModelArgs {
    /// Reads model and options.
    pub(super) fn open(&self) -> Outcome<Session> {
        let mut config = Config::new().choose(self.options.clone());
        if let Some((_, file)) = pipeline::read_options(&self.model)? {
            config = config.with_options(&file);
        }
        let model = pipeline::read(&self.model)?;
        let name = pipeline::crate_name(&config, &self.model).map_err(|d| Failure::Usage(d.message))?;
        Ok(Session { path: self.model.clone(), model, config, name })
    }
}

impl Session {
    /// Compiles the model and says what is worth a warning.
    pub(super) fn compile(&self, shell: &mut Shell) -> Outcome<Compiled> {
        let compiled = self.compile_silently(shell)?;
        shell.diagnostics(&compiled.warnings);
        Ok(compiled)
    }

    /// Compiles the model without a word about its warnings.
    pub(super) fn compile_silently(&self, shell: &mut Shell) -> Outcome<Compiled> {
        let name = self.name.clone();
        let mut observe = |phase: &str| shell.progress(&format!("{name}: {phase}"));
        Ok(pipeline::compile_observed(&self.model, &self.config, &mut observe)?)
    }
}
