//! Other implementations, brought on demand into a folder of the user's cache, each a process that is timed as emitted crates are.
//!
//! Invariants: nothing is installed unless it is asked for, and nothing outside that folder; versions are fixed; one thread each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::report::Metric;
use crate::{Error, Served, Session, cargo, process};

/// What Python needs, in fixed versions.
const PACKAGES: [&str; 3] = ["numpy==2.4.6", "onnxruntime==1.31.1", "ai-edge-litert==2.3.0"];
/// Runs a model by one of these: `RUNTIME MODEL FOLDER NAME:DTYPE:SHAPE..`.
const SCRIPT: &str = include_str!("../peers/python.py");
/// Computes sessions by onnxruntime: `INPUTS MODEL LOGITS COUNT PORTS.. COUNT STATES..`, the same of a reader of prompts.
const SESSION: &str = include_str!("../peers/session.py");

/// Another implementation.
#[derive(Debug, PartialEq, Eq)]
pub struct Peer {
    /// The quantity that its time is; its name is that of the implementation.
    pub metric: Metric,
    how: How,
}

/// How it is run.
#[derive(Debug, PartialEq, Eq)]
enum How {
    /// By the script, under this name.
    Python(&'static str),
    /// By a program that is built: its text, and what it depends on.
    Rust(&'static str, &'static str),
}

/// All. LiteRT has a `.tflite` file; the exact onnxruntime is told not to saturate sums of products of bytes in 16 bits.
pub static PEERS: [Peer; 5] = [
    Peer { metric: Metric::Onnxruntime, how: How::Python("ort") },
    Peer { metric: Metric::OnnxruntimeExact, how: How::Python("ort-exact") },
    Peer { metric: Metric::Litert, how: How::Python(LITERT) },
    Peer { metric: Metric::Tract, how: How::Rust(include_str!("../peers/tract.rs"), "tract-onnx = \"=0.23.9\"\n") },
    Peer {
        metric: Metric::Rten,
        how: How::Rust(include_str!("../peers/rten.rs"), "rten = \"=0.27.0\"\nrten-tensor = \"=0.27.0\"\n"),
    },
];

/// What the script calls LiteRT.
const LITERT: &str = "litert";

/// A model, with its inputs in files.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The ONNX file.
    pub model: &'a Path,
    /// The same model as `.tflite`, where there is one.
    pub tflite: Option<&'a Path>,
    /// The folder with `input_K.bin`.
    pub folder: &'a Path,
    /// `NAME:DTYPE:SHAPE` of each input; types as numpy names them.
    pub ports: &'a [String],
}

impl Peer {
    /// Its name on the command line and in reports.
    pub fn name(&self) -> &'static str {
        self.metric.definition().name
    }

    /// Starts it on a model; brings it first where it is not there.
    ///
    /// # Errors
    /// What is missing, or what the network refused.
    pub fn start(&self, job: &Job<'_>) -> Result<Served, Error> {
        let cache = cache()?;
        let mut command = match self.how {
            How::Python(runtime) => script(&cache, runtime)?,
            How::Rust(main, dependencies) => program(&cache, self.name(), main, dependencies)?,
        };
        let install = "a .tflite file of that name beside it".to_string();
        let missing = || Error::Missing { what: "the model in LiteRT's format".into(), install };
        let model = if self.how == How::Python(LITERT) { job.tflite.ok_or_else(missing)? } else { job.model };
        Served::start(command.arg(model).arg(job.folder).args(job.ports))
    }
}

impl Peer {
    /// Bytes of its library, or of its program, where it is installed: what a product that uses it ships beside the model.
    pub fn bytes(&self) -> Option<u64> {
        let cache = cache().ok()?;
        match self.how {
            How::Rust(..) => {
                let program = cache.join(self.name()).join("target/release").join(format!("{}-peer", self.name()));
                fs::metadata(program).ok().map(|m| m.len())
            }
            How::Python(runtime) => {
                let package = if runtime == LITERT { "ai_edge_litert" } else { "onnxruntime" };
                let versions = fs::read_dir(cache.join("python/lib")).ok()?.flatten();
                versions.map(|version| shared_libraries(&version.path().join("site-packages").join(package))).max()
            }
        }
    }
}

/// Bytes of the shared libraries below a folder.
fn shared_libraries(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => shared_libraries(&path),
            Ok(kind) if kind.is_file() && entry.file_name().to_string_lossy().contains(".so") => {
                entry.metadata().map_or(0, |m| m.len())
            }
            Ok(_) | Err(_) => 0,
        }
    };
    entries.flatten().map(size).sum()
}

/// A model in a session of onnxruntime.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// The ONNX file.
    pub model: &'a Path,
    /// The output whose rows are scores of tokens.
    pub logits: &'a str,
    /// `NAME:DTYPE:SHAPE:PLACE` of inputs, `PLACE` their first byte in the file of inputs.
    pub ports: Vec<String>,
    /// `INPUT=>OUTPUT:DTYPE:SHAPE` of caches.
    pub states: Vec<String>,
}

/// Starts a session of onnxruntime, its caches inputs and outputs, with one thread: of a decoder, and of the reader of its prompt where there is
/// one.
///
/// # Errors
/// What is missing, or what the network refused.
pub fn session(inputs: &Path, decoder: &Part<'_>, reader: Option<&Part<'_>>) -> Result<Session, Error> {
    let mut command = Command::new(python(&cache()?.join("python"), &PACKAGES)?);
    command.args(["-c", SESSION]).arg(inputs);
    for part in std::iter::once(decoder).chain(reader) {
        command.arg(part.model).arg(part.logits).arg(part.ports.len().to_string()).args(&part.ports);
        command.arg(part.states.len().to_string()).args(&part.states);
    }
    Ok(Session::with(Served::start(&mut command)?, inputs))
}

/// The folder of the user's cache.
fn cache() -> Result<PathBuf, Error> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|h| h.join(".cache")));
    let base =
        base.ok_or_else(|| Error::Io("there is no folder for a cache: neither XDG_CACHE_HOME nor HOME".into()))?;
    let cache = base.join("zantc").join("peers");
    fs::create_dir_all(&cache).map_err(Error::io("make the folder of the cache"))?;
    Ok(cache)
}

fn script(cache: &Path, runtime: &str) -> Result<Command, Error> {
    let mut command = Command::new(python(&cache.join("python"), &PACKAGES)?);
    command.args(["-c", SCRIPT, runtime]);
    Ok(command)
}

/// The Python of a virtual environment with some packages, which is made where it is missing or has others.
///
/// # Errors
/// Where there is no Python, or the packages cannot be had.
pub fn python(folder: &Path, packages: &[&str]) -> Result<PathBuf, Error> {
    let (python, done) = (folder.join("bin/python"), folder.join("complete"));
    if fs::read_to_string(&done).is_ok_and(|there| there == packages.join("\n")) {
        return Ok(python);
    }
    let missing = |_| Error::Missing { what: "python3".into(), install: "apt-get install python3-venv".into() };
    let made = process::output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder)).map_err(missing)?;
    if !made.status.success() {
        return Err(missing(std::io::ErrorKind::Other.into()));
    }
    let pip = process::output(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages));
    let pip = pip.map_err(Error::io("run pip"))?;
    if !pip.status.success() {
        return Err(Error::Run(format!("pip cannot install {}", packages.join(" "))));
    }
    fs::write(done, packages.join("\n")).map_err(Error::io("write into the cache"))?;
    Ok(python)
}

/// A program of one file and its dependencies, built where it is missing or is an older one.
fn program(cache: &Path, name: &str, main: &str, dependencies: &str) -> Result<Command, Error> {
    let folder = cache.join(name);
    let manifest = format!(
        "[package]\nname = \"{name}-peer\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n[dependencies]\n{dependencies}"
    );
    let files =
        [("Cargo.toml", manifest.as_str()), ("src/main.rs", main), ("src/ports.rs", include_str!("../peers/ports.rs"))];
    fs::create_dir_all(folder.join("src")).map_err(Error::io("make a folder in the cache"))?;
    for (file, text) in files {
        let path = folder.join(file);
        // What is as it was keeps its time, so that cargo builds nothing.
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        fs::write(path, text).map_err(Error::io("write into the cache"))?;
    }
    let mut build = cargo::command();
    build.current_dir(&folder).args(["build", "--release", "--quiet", "--color", "never"]);
    build.args(["--target-dir", "target"]).env("CARGO_ENCODED_RUSTFLAGS", "");
    cargo::run(&mut build, &format!("the program for {name}"))?;
    Ok(Command::new(folder.join("target/release").join(format!("{name}-peer"))))
}
