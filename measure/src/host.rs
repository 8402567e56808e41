//! An emitted crate in a bare process of the host, built by cargo and asked for what it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::elf::{self, HostSizes};
use crate::served::{Contender, Served};
use crate::{Error, cargo, manifest, process, valgrind};

const BINARY: &str = "zant-process";
const FILES: [(&str, &str); 6] = [
    ("main.rs", include_str!("../harness/host/main.rs")),
    ("heap.rs", include_str!("../harness/host/heap.rs")),
    ("libc.rs", include_str!("../harness/host/libc.rs")),
    ("stack.rs", include_str!("../harness/host/stack.rs")),
    ("session.rs", include_str!("../harness/host/session.rs")),
    ("steps.rs", include_str!("../harness/host/steps.rs")),
];

/// A crate in a folder, to be built as a process.
#[derive(Clone, Debug)]
pub struct Process {
    folder: PathBuf,
    /// How many steps the model tells of, where it does.
    steps: Option<usize>,
    /// What a decoder has that computes sessions: a feature of the harness.
    session: Option<&'static str>,
}

/// A linked process, and the inputs that it is given.
#[derive(Clone, Debug)]
pub struct Executable {
    /// The linked file.
    pub path: PathBuf,
    /// How long cargo took.
    pub build_time: Duration,
    folder: PathBuf,
    steps: Option<usize>,
}

/// What a process counted from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heap {
    /// Bytes of the model in statics.
    pub model_bytes: u64,
    /// Calls of the allocator.
    pub allocations: u64,
    /// All bytes that were allocated.
    pub total: u64,
    /// Bytes of the largest allocation.
    pub largest: u64,
    /// The most bytes at a time.
    pub peak: u64,
    /// Bytes that were not freed.
    pub leaked: u64,
}

impl Process {
    /// Writes the harness for the emitted crate `name` in `krate` into `folder`, in which builds go as well. `inference` is the
    /// text of the module with the model's runs, `inputs` the bytes of its inputs and states as that module expects them.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn write(folder: &Path, krate: &Path, name: &str, inference: &str, inputs: &[u8]) -> Result<Process, Error> {
        let source = folder.join("src");
        fs::create_dir_all(&source).map_err(Error::io("make a folder"))?;
        let files = FILES.into_iter().chain([("inference.rs", inference)]);
        for (name, text) in files {
            fs::write(source.join(name), text).map_err(Error::io("write the harness"))?;
        }
        fs::write(folder.join("Cargo.toml"), manifest::text(BINARY, name, krate, folder))
            .and_then(|()| fs::write(folder.join("input.bin"), inputs))
            .map_err(Error::io("write the harness"))?;
        Ok(Process { folder: folder.to_path_buf(), steps: None, session: None })
    }

    /// The same where the model tells of so many steps.
    #[must_use]
    pub fn with_steps(self, steps: usize) -> Process {
        Process { steps: Some(steps), ..self }
    }

    /// The same for a decoder, which computes sessions: see [`crate::Session`].
    #[must_use]
    pub fn with_session(self) -> Process {
        Process { session: Some("session"), ..self }
    }

    /// The same where a model beside it reads prompts at once.
    #[must_use]
    pub fn with_prompt(self) -> Process {
        Process { session: Some("prompt"), ..self }
    }

    /// Builds it at a level of optimisation, from nothing.
    ///
    /// # Errors
    /// A toolchain that is missing, or code that does not build.
    pub fn build(&self, level: &str) -> Result<Executable, Error> {
        let profile = manifest::profile(level)?;
        let target = self.folder.join("target");
        if target.exists() {
            fs::remove_dir_all(&target).map_err(Error::io("remove an earlier build"))?;
        }
        let mut command = cargo::command();
        command
            .current_dir(&self.folder)
            .args(["build", "--quiet", "--offline", "--color", "never", "--profile", &profile])
            .args(self.steps.map(|_| ["--features", "steps"]).into_iter().flatten())
            .args(self.session.map(|feature| ["--features", feature]).into_iter().flatten())
            .arg("--target-dir")
            .arg(&target)
            .env("CARGO_ENCODED_RUSTFLAGS", "");
        let start = Instant::now();
        cargo::run(&mut command, &format!("the process at opt-level {level}"))?;
        let build_time = start.elapsed();
        let path = target.join(profile).join(BINARY);
        Ok(Executable { path, build_time, folder: self.folder.clone(), steps: self.steps })
    }
}

/// glibc chooses how it copies and fills memory by the processor. Without these it chooses on every one with AVX2 what it chooses on
/// valgrind's, so that what is counted is what is timed.
const LIBC: &str = "glibc.cpu.hwcaps=-ERMS,-FSRM,-RTM,-AVX512F,-AVX512VL,-AVX512BW";

impl Executable {
    /// What the linked file takes; its whole without symbols.
    ///
    /// # Errors
    /// A file that is no ELF, or `strip` that is missing.
    pub fn sizes(&self) -> Result<HostSizes, Error> {
        let stripped = self.folder.join("stripped");
        let output = process::output(Command::new("strip").arg("-o").arg(&stripped).arg(&self.path));
        let output =
            output.map_err(|_| Error::Missing { what: "strip".into(), install: "apt-get install binutils".into() })?;
        if !output.status.success() {
            return Err(Error::Run("`strip` refuses the linked file".into()));
        }
        let stripped = fs::metadata(&stripped).map_err(Error::io("read the stripped file"))?.len();
        let linked = fs::read(&self.path).map_err(Error::io("read the linked file"))?;
        elf::host_sizes(&linked, stripped)
    }

    /// The linked file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The command that starts it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(self.inputs()).arg(self.outputs()).env("GLIBC_TUNABLES", LIBC);
        command
    }

    /// The file of its inputs and states.
    pub fn inputs(&self) -> PathBuf {
        self.folder.join("input.bin")
    }

    fn outputs(&self) -> PathBuf {
        self.folder.join("output.bin")
    }

    /// Microseconds of each step in so many runs after a warm-up, without what telling takes: a list for each run. Nothing where
    /// the model tells of no steps.
    ///
    /// # Errors
    /// Where the process fails.
    pub fn times(&self, runs: usize) -> Result<Vec<Vec<f64>>, Error> {
        let Some(steps) = self.steps else { return Ok(Vec::new()) };
        let mut process = Contender::new(self.serve()?)?.into_process();
        let runs = process.ask_for("times", runs, steps + 1)?;
        let telling = runs.iter().filter_map(|run| run.first()).min().copied().unwrap_or(0);
        let step = |ns: &u64| ns.saturating_sub(telling) as f64 / 1e3;
        Ok(runs.iter().map(|run| run.iter().skip(1).map(step).collect()).collect())
    }

    /// Instructions of each step, without those of telling. Nothing where the model tells of no steps.
    ///
    /// # Errors
    /// As [`valgrind::parts`].
    pub fn step_instructions(&self) -> Result<Vec<u64>, Error> {
        let Some(steps) = self.steps else { return Ok(Vec::new()) };
        let parts = valgrind::parts(&self.command(), "1\ncount\n", &self.folder.join("callgrind"))?;
        // Up to the first mark, between the two marks, each step, the rest.
        match parts.get(1..) {
            Some([telling, rest @ ..]) if rest.len() == steps + 1 => {
                Ok(rest[..steps].iter().map(|n| n.saturating_sub(*telling)).collect())
            }
            Some(_) | None => Err(Error::Run(format!("callgrind wrote {} parts, for {steps} steps", parts.len()))),
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn serve(&self) -> Result<Served, Error> {
        Served::start(&mut self.command())
    }

    /// The bytes of outputs and states after one run, and the bytes of stack that a run takes.
    ///
    /// # Errors
    /// Where the model refuses the inputs, or the process fails.
    pub fn run(&self) -> Result<(Vec<u8>, u64), Error> {
        let mut process = self.serve()?;
        process.ask("outputs")?;
        let outputs = fs::read(self.outputs()).map_err(Error::io("read the outputs"))?;
        Ok((outputs, process.ask("stack")?))
    }
}

impl Heap {
    /// Ends a process and takes what it says at its end.
    ///
    /// # Errors
    /// Where it fails, or says something else.
    pub fn of(process: Served) -> Result<Heap, Error> {
        match process.end()?.as_slice() {
            &[model_bytes, allocations, total, largest, peak, leaked] => {
                Ok(Heap { model_bytes, allocations, total, largest, peak, leaked })
            }
            other => Err(Error::Run(format!("the process said {} numbers at its end", other.len()))),
        }
    }
}
