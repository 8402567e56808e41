//! TensorFlow Lite for Microcontrollers beside ours on a Cortex-M: its sources, built by `arm-none-eabi-g++` at `-O3`, with a model in
//! LiteRT's format, in the harness of our firmware.
//!
//! Invariant: what is counted is `Invoke`, as a program calls it once for each inference; its arena counts as far as it is used.

mod operators;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::gcc::{Foreign, GCC, GXX, archive, compiler, tool, version};
use crate::machine::Machine;
use crate::process::Scratch;
use crate::qemu::Run;
use crate::{Error, Sizes};
use sources::Tree;

/// What every file is built with: as TFLM builds for microcontrollers, with CMSIS-NN where that is there.
const DEFINITIONS: [&str; 4] =
    ["-DTF_LITE_STATIC_MEMORY", "-DTF_LITE_STRIP_ERROR_STRINGS", "-DNDEBUG", "-DGEMMLOWP_ALLOW_SLOW_SCALAR_FALLBACK"];
const CPP: [&str; 6] =
    ["-std=gnu++17", "-fpermissive", "-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics", "-fno-use-cxa-atexit"];
const SECTIONS: [&str; 3] = ["-ffunction-sections", "-fdata-sections", "-fno-unwind-tables"];
const GLUE: &str = include_str!("../../harness/tflm/model.cc");
const SYSTEM: &str = include_str!("../../harness/tflm/system.c");
/// The section of the model.
const MODEL: &str = ".tflite";
/// Bytes of the arena that it is given: what it uses of them is counted.
const ARENA: u64 = 4 << 20;
/// Bytes of the largest model.
const LONGEST: u64 = 12 << 20;

/// TFLM's sources, built for a machine.
#[derive(Debug)]
pub struct Library {
    folder: Scratch,
    tree: Tree,
    machine: &'static Machine,
    objects: Vec<PathBuf>,
    /// What did not build, and why: a link may not need it.
    failed: Vec<String>,
}

/// A model for TFLM.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The model in LiteRT's format.
    pub model: &'a Path,
    /// Bytes of each input.
    pub inputs: &'a [usize],
    /// Bytes of each output.
    pub outputs: &'a [usize],
}

/// What it takes and gives.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The run.
    pub run: Run,
    /// What is linked.
    pub sizes: Sizes,
    /// Bytes of its arena that are in use.
    pub arena: u64,
    /// Whether all its operators are linked, for this version cannot leave any out by name.
    pub whole: bool,
    /// The compiler's version, and whether CMSIS-NN's kernels run.
    pub how: String,
}

impl Library {
    /// Builds what is in a folder, on all cores.
    ///
    /// # Errors
    /// A folder without TFLM, a compiler that is missing, an interpreter that does not build.
    pub fn build(folder: &Path, machine: &'static Machine) -> Result<Library, Error> {
        let tree = Tree::find(folder)?;
        // A compiler that is missing is said once.
        version()?;
        let folder = Scratch::new().map_err(Error::io("make a temporary folder"))?;
        let mut library = Library { folder, tree, machine, objects: Vec::new(), failed: Vec::new() };
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        let work = || {
            while let Some(source) = library.tree.sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                let built = library.compile(source, &[]);
                done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((source.clone(), built));
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(work);
            }
        });
        let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        done.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (source, built) in done {
            match built {
                Ok(object) => library.objects.push(object),
                Err(e) if source.ends_with("tensorflow/lite/micro/micro_interpreter.cc") => return Err(e),
                Err(e) => library.failed.push(e.to_string().lines().take(2).collect::<Vec<_>>().join(" ")),
            }
        }
        Ok(library)
    }

    /// Builds and runs a model on a vector: the bytes of its inputs.
    ///
    /// # Errors
    /// Models of operators that this version lacks, whose inputs or outputs have other sizes, or that do not fit.
    pub fn measure(&self, job: &Job<'_>, folder: &Path, vector: Vec<u8>) -> Result<Measured, Error> {
        let said = fs::metadata(job.model).map_err(Error::io("read the model"))?.len();
        if said > LONGEST {
            return Err(Error::Run(format!("a model of {said} bytes does not fit beside its arena")));
        }
        let model = fs::read(job.model).map_err(Error::io("read the model"))?;
        let calls = self.calls(&model)?;
        let place = folder.join("tflm");
        fs::create_dir_all(&place).map_err(Error::io("make a folder"))?;
        let text = |calls: &Vec<String>| calls.iter().map(|c| format!("resolver->{c}();\n")).collect::<String>();
        for (name, text) in [
            ("model.cc", GLUE.into()),
            ("system.c", SYSTEM.into()),
            ("operators.inc", calls.as_ref().map(text).unwrap_or_default()),
        ] {
            fs::write(place.join(name), text).map_err(Error::io("write the harness"))?;
        }
        let file = place.join("model.tflite");
        fs::write(&file, &model).map_err(Error::io("write the model"))?;
        let count: Vec<String> = calls.iter().map(|c| format!("-DZANT_OPERATORS={}", c.len().max(1))).collect();
        let glue = self.compile(&place.join("model.cc"), &count)?;
        let system = self.compile(&place.join("system.c"), &[])?;
        let library = place.join("libtflm.a");
        archive(&library, &[&[glue, system], self.objects.as_slice()].concat())?;
        let foreign = Foreign {
            name: "tflm-model",
            inference: &inference(job, &file),
            archive: &library,
            libraries: &["libm.a", "libc.a", "libnosys.a"],
            weights_section: MODEL,
            weights_bytes: model.len() as u64,
            arena_bytes: ARENA,
        };
        let output_bytes: usize = job.outputs.iter().sum();
        let (mut run, sizes) =
            foreign.measure(self.machine, folder, vector, output_bytes + 4).map_err(|e| self.explained(e))?;
        let used = run.outputs.split_off(output_bytes);
        let arena = used.try_into().map_or(0, |bytes: [u8; 4]| u64::from(u32::from_le_bytes(bytes)));
        let kernels = if self.tree.cmsis { "CMSIS-NN" } else { "its reference kernels" };
        Ok(Measured {
            run,
            sizes,
            arena,
            whole: calls.is_none(),
            how: format!("{} at -O3, with {kernels}", version()?),
        })
    }

    /// The calls that add a model's operators.
    fn calls(&self, model: &[u8]) -> Result<Option<Vec<String>>, Error> {
        let read = |path: &str| {
            fs::read_to_string(self.tree.root.join("tensorflow/lite").join(path))
                .map_err(Error::io("read a header of TFLM"))
        };
        let (schema, resolver) = (read("schema/schema_generated.h")?, read("micro/micro_mutable_op_resolver.h")?);
        operators::codes(model).and_then(|codes| operators::calls(&codes, &schema, &resolver)).map_err(Error::Run)
    }

    /// What the linker missed, with what did not build.
    fn explained(&self, error: Error) -> Error {
        match error {
            Error::Build { what, mut output } => {
                output.extend(self.failed.iter().take(4).map(|why| format!("left out: {why}")));
                Error::Build { what, output }
            }
            other => other,
        }
    }

    fn compile(&self, source: &Path, more: &[String]) -> Result<PathBuf, Error> {
        let cpp = source.extension().is_none_or(|e| e != "c");
        let mut command = compiler(if cpp { GXX } else { GCC }, self.machine);
        command.args(DEFINITIONS).args(SECTIONS).args(more);
        command.args(if cpp { CPP.as_slice() } else { &["-std=gnu11"] });
        command.args(self.tree.cmsis.then_some("-DCMSIS_NN"));
        for folder in &self.tree.includes {
            command.arg("-I").arg(folder);
        }
        let object = match source.strip_prefix(&self.tree.root) {
            Ok(inside) => self.folder.path().join(format!("{}.o", inside.to_string_lossy().replace(['/', '\\'], "-"))),
            Err(_) => source.with_extension("o"),
        };
        command.arg("-c").arg(source).arg("-o").arg(&object);
        let name = source.file_name().map_or_else(Default::default, |n| n.to_string_lossy().into_owned());
        tool(&mut command, &format!("{name} of TFLM"))?;
        Ok(object)
    }
}

/// The module that fills the inputs, invokes, and writes the outputs and the bytes of arena in use.
fn inference(job: &Job<'_>, model: &Path) -> String {
    let mut text = format!(
        r#"//! The interpreter, its model and arena, and one run.

use model as _;

#[repr(C, align(16))]
struct Aligned<const N: usize>([u8; N]);

#[unsafe(link_section = "{MODEL}")]
static MODEL: Aligned<{{ include_bytes!({model:?}).len() }}> = Aligned(*include_bytes!({model:?}));
#[unsafe(link_section = ".arena")]
static mut ARENA: Aligned<{ARENA}> = Aligned([0; {ARENA}]);
static mut STARTED: bool = false;

unsafe extern "C" {{
    fn zant_tflm_start(model: *const u8, arena: *mut u8, bytes: usize) -> i32;
    fn zant_tflm_input(index: usize, bytes: usize) -> *mut u8;
    fn zant_tflm_output(index: usize, bytes: usize) -> *mut u8;
    fn zant_tflm_invoke() -> i32;
    fn zant_tflm_used() -> usize;
}}

#[unsafe(link_section = ".harness.checked")]
fn checked(place: *mut u8) -> *mut u8 {{
    if place.is_null() {{
        super::zant_exit(super::REFUSED);
    }}
    place
}}

pub(crate) unsafe fn run(input: super::File, output: super::File) {{
    // SAFETY: there is one thread; inputs and outputs have so many bytes.
    unsafe {{
        if !STARTED && zant_tflm_start(MODEL.0.as_ptr(), (&raw mut ARENA).cast(), {ARENA}) != 0 {{
            super::zant_exit(super::REFUSED);
        }}
        STARTED = true;
"#
    );
    for (i, bytes) in job.inputs.iter().enumerate() {
        text += &format!("        super::read(input, checked(zant_tflm_input({i}, {bytes})), {bytes});\n");
    }
    text += "        let start = super::begin();\n        let code = zant_tflm_invoke();\n        super::end(output, start);\n";
    text += "        if code != 0 {\n            super::zant_exit(super::REFUSED);\n        }\n";
    for (i, bytes) in job.outputs.iter().enumerate() {
        text += &format!("        super::write(output, checked(zant_tflm_output({i}, {bytes})), {bytes});\n");
    }
    text + "        let used = zant_tflm_used() as u32;\n        super::write(output, (&raw const used).cast(), 4);\n    }\n}\n"
}
