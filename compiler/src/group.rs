//! Models that share one runtime and, on wish, one arena: they run one after the other, each in memory that the others have left.

use crate::config::Alloc;
use crate::diag::{Diagnostic, codes};
use crate::emit::{self, Source, arena_bytes};
use crate::pipeline::Compiled;
use crate::project::Project;

/// A model with all that is needed to emit it.
#[derive(Debug)]
pub struct Unit {
    /// The model as its user has it.
    pub project: Project,
    /// What became of it.
    pub compiled: Compiled,
    file: String,
    model_sha256: String,
}

impl Unit {
    /// Compiles a model.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(mut project: Project, observe: &mut dyn FnMut(&str)) -> Result<Unit, Vec<Diagnostic>> {
        if project.config.share_arena {
            project.config.alloc = Alloc::Caller;
        }
        let compiled = project.compile(observe)?;
        let model_sha256 = project.sha256()?;
        Ok(Unit { file: project.file(), project, compiled, model_sha256 })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.project.name
    }

    /// What is emitted.
    pub fn source(&self) -> Source<'_> {
        let Unit { project: Project { name, config, .. }, compiled, file, model_sha256 } = self;
        Source { program: &compiled.program, config, name, file, model_sha256, vectors: &[] }
    }
}

/// Makes one thing of several models.
///
/// # Errors
/// Names that clash; products that are rounded differently; states, which another model would overwrite in an arena for all.
pub fn joined(name: &str, units: &mut [Unit]) -> Result<(), Vec<Diagnostic>> {
    let mut faults = clashes(name, units);
    let shares = units.iter().any(|unit| unit.project.config.share_arena);
    for unit in units.iter().filter(|unit| shares && !unit.compiled.program.states.is_empty()) {
        let message =
            format!("`{}` keeps values from run to run, which other models would overwrite in one arena", unit.name());
        let help = "models that have one state are compiled with --share-state, or `compile_session`";
        faults.push(Diagnostic::error(codes::BAD_OPTION, message).help(help));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    if shares {
        let bytes = units.iter().map(|unit| arena_bytes(&unit.compiled.program)).max().unwrap_or(0);
        for layout in units.iter_mut().filter_map(|unit| unit.compiled.program.layout.as_mut()) {
            layout.arena_bytes = bytes;
        }
    }
    Ok(())
}

fn clashes(name: &str, units: &[Unit]) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    for (i, unit) in units.iter().enumerate() {
        if units[..i].iter().any(|u| u.name().replace('-', "_") == unit.name().replace('-', "_")) {
            faults.push(
                Diagnostic::error(codes::BAD_OPTION, format!("two models are called `{}`", unit.name()))
                    .help("rename a file, or give `name` in a zant.toml beside it"),
            );
        }
        if unit.compiled.program.numerics != units[0].compiled.program.numerics {
            let message = format!("`{}` rounds products otherwise than `{}`", unit.name(), units[0].name());
            faults.push(
                Diagnostic::error(codes::BAD_OPTION, message)
                    .help("models that share a runtime have the same `numerics`; compile this one alone"),
            );
        }
    }
    if let Some(unit) = units.iter().find(|u| u.name() == "rt") {
        let message = format!("a model of a set cannot be called `{}`: that is the runtime", unit.name());
        faults.push(
            Diagnostic::error(codes::BAD_OPTION, message)
                .help("rename the file, or give `name` in a zant.toml beside it"),
        );
    }
    if !emit::is_crate_name(name) {
        faults.push(Diagnostic::error(codes::BAD_OPTION, format!("{name:?} is no name for a module")));
    }
    faults
}
