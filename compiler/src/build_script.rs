//! Compiling from a build script: modules in `OUT_DIR`, and what cargo wants to be told.
//!
//! Invariants: files whose content is right already are not touched, so that nothing is built again; what was read is
//! announced to cargo before anything can fail, so that a mended model is noticed.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::diag::{Diagnostic, Style, codes, escape, render_all};
use crate::emit::{Package, Source, emit_module, emit_modules, emit_session_module};
use crate::group::{Unit, joined};
use crate::install::{Force, install_module};
use crate::project::{Naming, Project};
use crate::sharing::Joined;
use crate::targets::Platform;

/// Why a model could not be compiled; shown as the rendered diagnostics, so that a build script may return it from `main`.
pub struct BuildError(Vec<Diagnostic>);

impl BuildError {
    /// The findings.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render_all(&self.0, Style::default()))
    }
}

/// The same as [`fmt::Display`]: Rust prints what `main` returns in its debug form.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for BuildError {}

impl From<Vec<Diagnostic>> for BuildError {
    fn from(diagnostics: Vec<Diagnostic>) -> BuildError {
        BuildError(diagnostics)
    }
}

impl From<Diagnostic> for BuildError {
    fn from(diagnostic: Diagnostic) -> BuildError {
        BuildError(vec![diagnostic])
    }
}

/// For build scripts.
impl Config {
    /// Compiles a model to `OUT_DIR/NAME.rs`, which has one module `NAME` and is meant for
    /// `include!(concat!(env!("OUT_DIR"), "/NAME.rs"))`; gives its path. `NAME` is the configured name or the file's, with `_` for
    /// `-`. A `zant.toml` beside the model gives what is not set here; where neither says a target or a board, the one that fits
    /// cargo's `TARGET` is taken, and cargo is told where that is plain Rust for want of a better one. Tells cargo when to run the
    /// script again.
    ///
    /// # Errors
    /// Everything that is wrong with the model; a budget that is exceeded; `OUT_DIR` missing or not writable.
    pub fn compile(self, model: impl AsRef<Path>) -> Result<PathBuf, BuildError> {
        compile(self, model.as_ref(), &out_dir()?, &Platform::of_cargo(), &mut std::io::stdout())
    }

    /// Compiles several models that share one runtime to `OUT_DIR/NAME.rs`: a module `NAME` with one module for each model,
    /// named after its file, or after its folder where the file is called `model.onnx`. `NAME` is the configured name, or `models`.
    /// With [`Config::share_arena`] they also share one arena, which `NAME::take` lends.
    ///
    /// # Errors
    /// As [`Config::compile`]; two models of one name; models that round products differently.
    pub fn compile_all<P: AsRef<Path>>(self, models: impl IntoIterator<Item = P>) -> Result<PathBuf, BuildError> {
        let models: Vec<PathBuf> = models.into_iter().map(|m| m.as_ref().to_path_buf()).collect();
        compile_all(self, &models, &out_dir()?, &Platform::of_cargo(), &mut std::io::stdout())
    }
}

/// For build scripts.
impl Config {
    /// Compiles models that have one state, a decoder and the reader of its prompt, to `OUT_DIR/NAME.rs`: a module `NAME` with a module for
    /// each model and a type `Session` that has their arena and runs each of them. What one model keeps from run to run is there for the
    /// others, and constants that several have are there once. `NAME` is the configured name, or `session`.
    ///
    /// An output that is named as the next value of another model's state (`present_k_0` where that has `past_k_0`) begins that state.
    ///
    /// # Errors
    /// As [`Config::compile_all`]; no state that two models have; an output that does not fit the state it is named after.
    pub fn compile_session<P: AsRef<Path>>(self, models: impl IntoIterator<Item = P>) -> Result<PathBuf, BuildError> {
        let models: Vec<PathBuf> = models.into_iter().map(|m| m.as_ref().to_path_buf()).collect();
        compile_session(self, &models, &out_dir()?, &Platform::of_cargo(), &mut std::io::stdout())
    }
}

fn out_dir() -> Result<PathBuf, Diagnostic> {
    let missing = || Diagnostic::error(codes::BAD_OPTION, "OUT_DIR is not set").help("call this from a build script");
    std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(missing)
}

fn compile_session(
    mut config: Config,
    models: &[PathBuf],
    folder: &Path,
    platform: &Platform,
    cargo: &mut dyn Write,
) -> Result<PathBuf, BuildError> {
    let name = config.take_name().unwrap_or_else(|| "session".into());
    let mut projects = Vec::new();
    for model in models {
        projects.push(open(config.clone(), model, Naming::FileOrFolder, platform, cargo)?);
    }
    let joined = Joined::compile(&name, projects, &mut |_| {})?;
    warn(cargo, &name, joined.warnings());
    write(&emit_session_module(&name, &joined.sources()), folder, &name)
}

/// Says something to cargo. Its absence is no failure: the script may be run by hand, its output cut off.
fn tell(cargo: &mut dyn Write, key: &str, value: &str) {
    drop(writeln!(cargo, "cargo::{key}={}", escape(value)));
}

/// Says to cargo what is worth a warning.
fn warn<'a>(cargo: &mut dyn Write, name: &str, warnings: impl Iterator<Item = &'a Diagnostic>) {
    for warning in warnings {
        tell(cargo, "warning", &format!("{name}: {} [{}]", warning.message, warning.code));
    }
}

/// Opens a model for the processor that cargo builds for, where none is chosen; cargo hears which files were read.
fn open(
    config: Config,
    path: &Path,
    naming: Naming,
    platform: &Platform,
    cargo: &mut dyn Write,
) -> Result<Project, Vec<Diagnostic>> {
    let (usual, said) = platform.target();
    let mut read = |file: &Path| tell(cargo, "rerun-if-changed", &file.to_string_lossy());
    let project = Project::open(path, config.with_usual_target(usual), naming, &mut read)?;
    let Project { config, name, .. } = &project;
    if let Some(said) = said.filter(|_| config.board.is_none() && config.target == usual) {
        tell(cargo, "warning", &format!("{name}: {said}"));
    }
    Ok(project)
}

fn unit(
    config: Config,
    path: &Path,
    naming: Naming,
    platform: &Platform,
    cargo: &mut dyn Write,
) -> Result<Unit, Vec<Diagnostic>> {
    let project = open(config, path, naming, platform, cargo)?;
    let unit = Unit::compile(project, &mut |_| {})?;
    warn(cargo, unit.name(), unit.compiled.warnings.iter());
    Ok(unit)
}

fn compile(
    config: Config,
    model: &Path,
    folder: &Path,
    platform: &Platform,
    cargo: &mut dyn Write,
) -> Result<PathBuf, BuildError> {
    let unit = unit(config, model, Naming::File, platform, cargo)?;
    write(&emit_module(&unit.source()), folder, &unit.project.name)
}

fn compile_all(
    mut config: Config,
    models: &[PathBuf],
    folder: &Path,
    platform: &Platform,
    cargo: &mut dyn Write,
) -> Result<PathBuf, BuildError> {
    let name = config.take_name().unwrap_or_else(|| "models".into());
    let mut units: Vec<Unit> = Vec::new();
    let mut faults = Vec::new();
    for model in models {
        match unit(config.clone(), model, Naming::FileOrFolder, platform, cargo) {
            Ok(unit) => units.push(unit),
            Err(diagnostics) => faults.extend(diagnostics),
        }
    }
    faults.extend(joined(&name, &mut units).err().into_iter().flatten());
    if !faults.is_empty() {
        return Err(BuildError(faults));
    }
    let sources: Vec<Source<'_>> = units.iter().map(Unit::source).collect();
    write(&emit_modules(&name, &sources), folder, &name)
}

fn write(package: &Package, folder: &Path, name: &str) -> Result<PathBuf, BuildError> {
    install_module(package, folder, Force::No).map_err(|e| e.diagnostic())?;
    Ok(folder.join(format!("{}.rs", name.replace('-', "_"))))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{BuildError, compile, compile_all};
    use crate::config::Config;
    use crate::targets::{self, Platform};

    /// A build for the machine that builds.
    const HERE: Platform = Platform { triple: None, host: None };

    /// What a build script for a triple writes and says; the target is chosen where one is named.
    fn built(triple: &str, chosen: Option<&str>, model: &str) -> (String, String) {
        let dir = tempfile::tempdir().unwrap();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(model);
        let platform = Platform { triple: Some(triple.into()), host: Some("x86_64-unknown-linux-gnu".into()) };
        let chosen = chosen.map(|name| targets::find(name).unwrap());
        let config = chosen.into_iter().fold(Config::new(), Config::target);
        let mut said = Vec::new();
        let path = compile(config, &model, dir.path(), &platform, &mut said).unwrap();
        let said = String::from_utf8(said).unwrap();
        let warnings = said.lines().filter(|l| l.starts_with("cargo::warning=")).collect();
        // One line names the target.
        let text = fs::read_to_string(path).unwrap();
        (text.lines().filter(|l| !l.contains("@generated")).collect::<Vec<_>>().join("\n"), warnings)
    }

    #[test]
    fn the_triple_of_cargo_gives_the_kernels() {
        for model in ["digits_int8/digits_int8.onnx", "digits/digits.onnx"] {
            let of = |triple: &str, chosen: Option<&str>| built(triple, chosen, model);
            // Both cores of one triple have the same code, so that neither has to be named.
            let m7 = of("thumbv7em-none-eabihf", Some("cortex-m7"));
            assert!(m7.0.contains("compact::Compact<arch::arm::dsp::Dsp<"), "the loops for DSP instructions");
            assert!(!m7.0.contains("mod x86 {"), "no other family's");
            assert!(m7 == of("thumbv7em-none-eabihf", None) && m7 == of("thumbv7em-none-eabihf", Some("cortex-m4")));
            let m55 = of("thumbv8m.main-none-eabihf", Some("cortex-m55"));
            assert!(m55 == of("thumbv8m.main-none-eabihf", None));
            assert!(of("wasm32-unknown-unknown", None) == of("x86_64-unknown-linux-gnu", Some("wasm32")));
            assert!(of("thumbv6m-none-eabi", None) == of("x86_64-unknown-linux-gnu", Some("cortex-m0")));
            // The smallest parts have the smallest code.
            let m0 = of("thumbv6m-none-eabi", None).0;
            assert!(m0.contains("compact::Compact<arch::portable::Portable<") && !m0.contains("mod arm {"));
            // What is chosen counts, whatever cargo builds for.
            assert!(of("thumbv6m-none-eabi", Some("cortex-m7")) == m7);
            assert_ne!(of("x86_64-unknown-linux-gnu", None).0, m7.0);
            let (text, warning) = of("riscv64gc-unknown-none-elf", None);
            assert!(text.contains("isa::Separate") && warning.contains("no kernels made for riscv64gc"), "{warning}");
            assert_eq!(m7.1, "");
        }
    }

    fn digits() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx")
    }

    #[test]
    fn a_model_becomes_a_module_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut said = Vec::new();
        let path = compile(Config::new(), &digits(), dir.path(), &HERE, &mut said).unwrap();
        assert_eq!(path, dir.path().join("digits.rs"));
        let text = fs::read_to_string(&path).unwrap();
        syn::parse_file(&text).unwrap();
        assert!(text.contains("pub mod digits {") && text.contains("include_bytes!(\"digits-"));
        let (_, blob) = text.split_once("include_bytes!(\"").unwrap();
        assert!(dir.path().join(blob.split('"').next().unwrap()).is_file());
        let said = String::from_utf8(said).unwrap();
        assert_eq!(said, format!("cargo::rerun-if-changed={}\n", digits().display()));
        // What is right already is not written again.
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        compile(Config::new(), &digits(), dir.path(), &HERE, &mut Vec::new()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    }

    #[test]
    fn a_module_has_its_files_name_or_the_chosen_one() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model.onnx");
        fs::copy(digits(), &model).unwrap();
        let out = dir.path().join("out");
        let path = compile(Config::new(), &model, &out, &HERE, &mut Vec::new()).unwrap();
        assert_eq!(path, out.join("model.rs"));
        assert!(fs::read_to_string(&path).unwrap().contains("pub mod model {"));
        for (name, file) in [("my_model", "my_model.rs"), ("my-model", "my_model.rs"), ("_Net", "_Net.rs")] {
            let path = compile(Config::new().name(name), &model, &out, &HERE, &mut Vec::new()).unwrap();
            assert_eq!(path, out.join(file));
            syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        }
        compile(Config::new().name("fn"), &model, &out, &HERE, &mut Vec::new()).unwrap_err();
    }

    #[test]
    fn models_share_one_runtime() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("other.onnx");
        fs::copy(digits(), &other).unwrap();
        let path =
            compile_all(Config::new().name("nets"), &[digits(), other], dir.path(), &HERE, &mut Vec::new()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let file = syn::parse_file(&text).unwrap();
        assert_eq!((file.items.len(), text.matches("mod rt {").count()), (1, 1));
        assert!(text.contains("pub mod digits {") && text.contains("pub mod other {"));
    }

    #[test]
    fn what_is_wrong_is_said_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let bad = dir.path().join("bad.onnx");
        fs::write(&bad, b"no model").unwrap();
        let models = [bad, digits(), digits()];
        let error: BuildError = compile_all(Config::new(), &models, dir.path(), &HERE, &mut Vec::new()).unwrap_err();
        let text = format!("{error:?}");
        assert!(text.contains("error[ZA0002]") && text.contains("two models are called `digits`"), "{text}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is written");
    }

    #[test]
    fn a_file_of_options_is_read_and_announced() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("digits.onnx");
        fs::copy(digits(), &model).unwrap();
        fs::write(dir.path().join("zant.toml"), "target = \"cortex-m0\"\nnumerics = \"fused\"\nmax-ram = \"1M\"\n")
            .unwrap();
        let mut said = Vec::new();
        compile(Config::new().name("net"), &model, &dir.path().join("out"), &HERE, &mut said).unwrap();
        let said = String::from_utf8(said).unwrap();
        assert!(
            said.contains("zant.toml\n") && said.contains("cargo::warning=net: ") && said.contains("[ZA0302]"),
            "{said}"
        );
        fs::write(dir.path().join("zant.toml"), "max-ram = 16\n").unwrap();
        let error = compile(Config::new(), &model, &dir.path().join("out"), &HERE, &mut Vec::new()).unwrap_err();
        assert_eq!(error.diagnostics()[0].code, "ZA0301");
    }
}
