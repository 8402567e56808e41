//! The emitted crates: for speed at level 3 and for size at level "z", each with a program that is timed and a library
//! whose code is counted.

use std::path::{Path, PathBuf};
use std::process::Command;

use zant_cli::bench::port_argument;
use zant_tests::code;
use zantc::emit::{Package, Source, emit_crate};
use zantc::harness::{emit_runner, profile};
use zantc::pipeline::compile;
use zantc::project::{crate_name, read};
use zantc::verify::data;
use zantc::{Config, Optimize};

use super::served::Served;
use crate::command::{command, root, status};

/// A way to build: the folder's name, what is preferred, the level of optimisation.
pub(crate) type Way = (&'static str, Optimize, &'static str);
pub(crate) const FAST: Way = ("speed", Optimize::Speed, "3");
pub(crate) const SMALL: Way = ("size", Optimize::Size, "z");

/// Operations of one round of the limits' multiply-adds.
pub(crate) const FMA_FLOPS: f64 = 192_000.0;

/// A model's crates on disk, built.
pub(crate) struct Crate {
    folder: PathBuf,
    name: String,
    /// `NAME:DTYPE:SHAPE` of each input.
    pub(crate) inputs: Vec<String>,
    pub(crate) macs: u64,
    pub(crate) weight_bytes: usize,
    pub(crate) arena_bytes: usize,
}

impl Crate {
    /// Compiles `model` in both ways; its inputs are those of the first data set in `vectors`.
    pub(crate) fn build(folder: &Path, model: &Path, vectors: &Path, config: &Config) -> Result<Crate, String> {
        let say = |d: Vec<zantc::diag::Diagnostic>| d.into_iter().map(|d| d.message).collect::<Vec<_>>().join("; ");
        let parsed = read(model).map_err(say)?;
        let name = crate_name(config, model).map_err(|d| d.message)?;
        let mut krate = None;
        for (way, optimize, level) in [FAST, SMALL] {
            let config = config.clone().optimize(optimize);
            let compiled = compile(&parsed, &config).map_err(say)?;
            let program = &compiled.program;
            let source = Source { program, config: &config, name: &name, model_sha256: "", vectors: &[] };
            let here = folder.join(way);
            let packages = [
                ("model", emit_crate(&source)),
                ("runner", emit_runner(&source)),
                ("library", code::library(program, &name, &[FAST.2, SMALL.2])),
            ];
            for (part, package) in packages {
                package.write(&here.join(part)).map_err(|e| e.to_string())?;
            }
            cargo(&here.join("runner"), &["--profile", &profile(level)], "")?;
            cargo(&here.join("library"), &["--profile", &profile(level)], code::FLAGS)?;
            krate = Some(Crate {
                folder: folder.to_path_buf(),
                name: name.clone(),
                inputs: program.inputs.iter().map(port_argument).collect(),
                macs: program.macs(),
                weight_bytes: program.weights_bytes(),
                arena_bytes: program.layout.as_ref().map_or(0, |l| l.arena_bytes),
            });
            let set = data::folders(vectors).into_iter().next().ok_or("the model has no data sets")?;
            let set = data::read_set(&set, program).map_err(say)?;
            std::fs::create_dir_all(folder.join("data")).map_err(|e| e.to_string())?;
            for (i, t) in set.inputs.iter().enumerate() {
                std::fs::write(folder.join(format!("data/input_{i}.bin")), t.data()).map_err(|e| e.to_string())?;
            }
        }
        krate.ok_or_else(|| "nothing was built".into())
    }

    /// Where the inputs lie.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn built(&self, way: Way, part: &str) -> PathBuf {
        self.folder.join(way.0).join(part).join("target").join(profile(way.2))
    }

    /// The arguments of the program that runs the model.
    fn arguments(&self) -> [String; 2] {
        ["--serve".into(), self.data().to_string_lossy().into_owned()]
    }

    pub(crate) fn serve(&self, way: Way) -> Result<Served, String> {
        Served::start(&self.built(way, "runner").join("zantc-runner"), &self.arguments())
    }

    /// Instructions of one run, counted by callgrind: the difference of three runs and one, halved.
    pub(crate) fn instructions(&self, way: Way) -> Result<u64, String> {
        let count = |runs: u64| {
            let mut valgrind = Command::new("valgrind");
            valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
            valgrind.arg(self.built(way, "runner").join("zantc-runner")).args(self.arguments());
            let input = self.folder.join("runs");
            std::fs::write(&input, format!("{runs}\n")).map_err(|e| e.to_string())?;
            let input = std::fs::File::open(input).map_err(|e| e.to_string())?;
            let output = valgrind.stdin(input).output().map_err(|e| format!("valgrind: {e}"))?;
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let line = text.lines().find_map(|l| l.split_once("Collected :")).ok_or("valgrind counted nothing")?;
            line.1.trim().parse::<u64>().map_err(|e| e.to_string())
        };
        Ok((count(3)?.saturating_sub(count(1)?)) / 2)
    }

    /// Bytes of code of the model and all it calls.
    pub(crate) fn text_bytes(&self, way: Way) -> Result<u64, String> {
        code::text_bytes(&self.built(way, "library"), &self.name)
    }
}

/// The program that measures the limits of the core.
pub(crate) fn limits(folder: &Path) -> Result<PathBuf, String> {
    let here = folder.join("limits");
    let runtime = root().canonicalize().map_err(|e| e.to_string())?.join("runtime");
    let mut package = Package::default();
    let manifest = format!(
        "[package]\nname = \"limits\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n[dependencies]\nzant-runtime = {{ path = {:?} }}\n",
        runtime.to_string_lossy()
    );
    let main =
        format!("{}\n/// Operations of a round.\nconst FLOPS: usize = {FMA_FLOPS};\n", include_str!("limits.rs"));
    package.files.insert("Cargo.toml".into(), manifest.into_bytes());
    package.files.insert("src/main.rs".into(), main.into_bytes());
    package.write(&here).map_err(|e| e.to_string())?;
    cargo(&here, &["--release"], "")?;
    Ok(here.join("target/release/limits"))
}

/// Builds in a folder, free of what the caller's environment would change.
fn cargo(folder: &Path, args: &[&str], flags: &str) -> Result<(), String> {
    let mut cargo =
        command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()), &["build", "--quiet", "--offline"]);
    cargo.args(args).current_dir(folder).env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", folder.join("target"));
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
    if status(&mut cargo)? { Ok(()) } else { Err(format!("{} does not build", folder.display())) }
}
