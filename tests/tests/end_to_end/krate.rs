//! One crate with every model as a module: its `main` runs all vectors and writes what comes out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use zantc::config::Alloc;

use crate::models::Model;

/// Multiply-adds above which a model runs one vector alone without optimisation: that is a hundred times slower.
const HEAVY: u64 = 20_000_000;

const MANIFEST: &str = "[package]\nname = \"all-models\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[profile.release]\ndebug = false\n";

const HEAD: &str = r#"//! Runs every model on its vectors.
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use all_models::*;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static HEAP: Counting = Counting;

fn array<const N: usize>(path: &str) -> Box<[f32; N]> {
    let bytes = std::fs::read(path).unwrap();
    let floats: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    floats.into_boxed_slice().try_into().unwrap()
}

fn finish(before: usize, path: &str, output: &[f32]) {
    let allocations = ALLOCATIONS.load(Relaxed) - before;
    assert!(allocations == 0, "{path}: {allocations} allocations in a run");
    let bytes: Vec<u8> = output.iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(path, bytes).unwrap();
}

"#;

/// The crate on disk.
pub(crate) struct Crate {
    pub(crate) folder: PathBuf,
}

impl Crate {
    /// Writes the sources and the inputs.
    pub(crate) fn write(folder: PathBuf, models: &[Model]) -> Crate {
        let mut library = "//! The models.\n#![no_std]\nextern crate std;\n/// Whether vector instructions are left alone.\npub static PORTABLE: core::sync::atomic::AtomicBool = core::sync::atomic::AtomicBool::new(false);\n".to_string();
        let (mut statics, mut calls) = (String::new(), String::new());
        fs::create_dir_all(folder.join("src")).expect("a folder");
        fs::create_dir_all(folder.join("data")).expect("a folder");
        for m in models {
            for (name, bytes) in &m.package().files {
                // The choice of the CPU is made by a switch here, so that one build runs both bodies.
                match std::str::from_utf8(bytes) {
                    Ok(text) if name.ends_with(".rs") => {
                        let portable = if text.contains("pub type Cpu = arch::compact::") {
                            "super::rt::arch::compact::Compact::new(super::rt::arch::narrow::Narrow::portable())"
                        } else {
                            "Cpu::portable()"
                        };
                        let is_portable = "crate::PORTABLE.load(core::sync::atomic::Ordering::Relaxed)";
                        let switch = format!("if {is_portable} {{ {portable} }} else {{ Cpu::detect() }}");
                        put(&folder.join("src").join(name), text.replace("Cpu::detect()", &switch).as_bytes());
                    }
                    _ => put(&folder.join("src").join(name), bytes),
                }
            }
            library += &format!("include!(\"{}.rs\");\n", m.module);
            statics += &static_of(m);
            calls += &calls_of(m);
            for (n, v) in m.vectors.iter().enumerate() {
                put(&folder.join(format!("data/{}_{n}.in", m.module)), v.input.data());
            }
        }
        put(&folder.join("Cargo.toml"), MANIFEST.as_bytes());
        put(&folder.join("src/lib.rs"), library.as_bytes());
        let main = format!(
            "{HEAD}{statics}\nfn main() {{\n    let arguments: Vec<String> = std::env::args().collect();\n    let (out, heavy) = (&arguments[1], &arguments[2] == \"all\");\n    PORTABLE.store(arguments[3] == \"portable\", Relaxed);\n{calls}}}\n"
        );
        put(&folder.join("src/main.rs"), main.as_bytes());
        Crate { folder }
    }

    /// Builds at an optimisation level, warnings being errors; gives the program.
    pub(crate) fn build(&self, level: &str) -> PathBuf {
        let target = self.folder.join(format!("target-{level}"));
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--release", "--offline", "--quiet"]).current_dir(&self.folder);
        for variable in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"] {
            cargo.env_remove(variable);
        }
        cargo.env("RUSTFLAGS", "-Dwarnings").env("CARGO_TARGET_DIR", &target);
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level);
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "opt-level {level}:\n{}", String::from_utf8_lossy(&output.stderr));
        target.join("release/all-models")
    }

    /// Runs the program; its outputs lie in the folder given back.
    pub(crate) fn run(&self, program: &Path, level: &str, body: &str) -> PathBuf {
        let out = self.folder.join(format!("out-{level}-{body}"));
        fs::create_dir_all(&out).expect("a folder");
        let extent = if runs_heavy(level) { "all" } else { "light" };
        let output = Command::new(program).arg(&out).args([extent, body]).current_dir(&self.folder).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "opt-level {level}:\n{}", String::from_utf8_lossy(&output.stderr));
        out
    }
}

/// Whether all vectors of heavy models run at a level.
fn runs_heavy(level: &str) -> bool {
    level != "0"
}

/// Whether a vector runs at a level.
pub(crate) fn runs(model: &Model, vector: usize, level: &str) -> bool {
    vector == 0 || runs_heavy(level) || model.compiled.program.macs() <= HEAVY
}

fn put(path: &Path, bytes: &[u8]) {
    if !fs::read(path).is_ok_and(|old| old == bytes) {
        fs::write(path, bytes).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    }
}

/// The symbol of a model's static memory.
pub(crate) fn symbol(model: &Model) -> String {
    format!("ZANT_STATIC_{}", model.module.to_ascii_uppercase())
}

/// Where the arena is: in a static model, or in a static of its own.
fn static_of(m: &Model) -> String {
    let (name, module) = (symbol(m), &m.module);
    match m.config.alloc {
        Alloc::Static => format!(
            "#[unsafe(no_mangle)]\nstatic {name}: Mutex<{module}::Model> = Mutex::new({module}::Model::new());\n"
        ),
        Alloc::Caller => format!(
            "#[unsafe(no_mangle)]\nstatic {name}: Mutex<{module}::Arena<{{ {module}::ARENA_BYTES }}>> = Mutex::new({module}::Arena::new());\n"
        ),
        Alloc::Heap => String::new(),
    }
}

/// The runs of a model.
fn calls_of(m: &Model) -> String {
    let (name, module) = (symbol(m), &m.module);
    let (make, run) = match m.config.alloc {
        Alloc::Static => (format!("let mut model = {name}.lock().unwrap();"), "model.run(&input)"),
        Alloc::Caller => (
            format!("let mut arena = {name}.lock().unwrap();\n        let model = {module}::Model::new();"),
            "model.run(&mut arena, &input)",
        ),
        Alloc::Heap => (format!("let mut model = {module}::Model::new();"), "model.run(&input)"),
    };
    let mut text = String::new();
    for n in 0..m.vectors.len() {
        let always = runs(m, n, "0");
        let condition = if always { "" } else { "if heavy " };
        text += &format!(
            "    {condition}{{\n        let path = format!(\"{{out}}/{module}_{n}.out\");\n        let input = array(\"data/{module}_{n}.in\");\n        {make}\n        let before = ALLOCATIONS.load(Relaxed);\n        let output = {run};\n        finish(before, &path, output);\n    }}\n"
        );
    }
    if m.config.alloc == Alloc::Static {
        text += &format!("    assert!({module}::take().is_some() && {module}::take().is_none());\n");
    }
    text
}
