//! Emitted crates and modules as their users have them: what is in them, between their steps, and inputs that lie in the arena.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use zant_tests::cases;
use zantc::emit::{Source, emit_crate, emit_models_crate, emit_module};
use zantc::group::{Unit, joined};
use zantc::install::{Force, install_crate, install_module};
use zantc::project::{Naming, Project};
use zantc::{Compiled, Config, Inputs, compile, read, targets};

fn model(name: &str) -> PathBuf {
    cases::workspace().join(format!("models/{name}/{name}.onnx"))
}

fn compiled(path: &Path, config: &Config) -> Compiled {
    read(path).and_then(|m| compile(&m, config)).unwrap_or_else(|e| panic!("{e:?}"))
}

fn source<'a>(compiled: &'a Compiled, config: &'a Config, name: &'a str) -> Source<'a> {
    Source { program: &compiled.program, config, name, file: "", model_sha256: "", vectors: &[] }
}

/// Runs cargo in a folder; what it printed.
fn cargo(folder: &Path, args: &[&str]) -> String {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for variable in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR", "RUSTC_WRAPPER"] {
        cargo.env_remove(variable);
    }
    let output = cargo.env("RUSTFLAGS", "-Dwarnings").args(args).current_dir(folder).output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?} in {folder:?}:\n{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A package `app` in a folder.
fn program(folder: &Path, dependencies: &str, main: &str) {
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{dependencies}"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), main).unwrap();
}

const STEPPED: &str = r#"
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Polls a future until it is ready; the result, and how often others had their turn.
fn block_on<T>(future: impl Future<Output = T>) -> (T, usize) {
    let (mut future, mut turns) = (pin!(future), 0);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => return (result, turns),
            Poll::Pending => turns += 1,
        }
    }
}

fn main() {
    let image: [f32; 64] = std::array::from_fn(|i| (i * 7 % 17) as f32 / 16.0);
    let model = lent::take().expect("taken once");
    assert!(lent::take().is_none());
    assert_eq!(format!("{model:?}"), "Model { .. }");
    let whole = *model.run(&image);

    let mut steps = model.run_steps(&image);
    assert_eq!(steps.next(), Some(0));
    assert!(format!("{steps:?}").contains("next: 1"));
    let done: Vec<usize> = steps.by_ref().collect();
    assert_eq!(done, (1..lent::Steps::COUNT).collect::<Vec<_>>());
    assert_eq!(*steps.finish(), whole);
    // What is left is done by `finish`.
    let mut steps = model.run_steps(&image);
    steps.next();
    assert_eq!(*steps.finish(), whole);
    let (result, turns) = block_on(model.run_async(&image));
    assert_eq!((*result, turns), (whole, lent::Steps::COUNT));

    let model = own::take().expect("taken once");
    *model.input_mut() = image;
    assert_eq!(*model.run(), whole);
    assert_eq!(*model.run_with(&image), whole);
    *model.input_mut() = image;
    assert_eq!(*block_on(model.run_async()).0, whole);
    assert_eq!(own::argmax(&whole), lent::argmax(&whole));

    let arena = both::take().expect("taken once");
    let (floats, bytes) = (both::digits::Model::new(), both::digits_int8::Model::new());
    *floats.input_mut(arena) = image;
    assert_eq!(*floats.run(arena), whole);
    bytes.input_mut(arena).copy_from_slice(&image);
    let from_bytes = *bytes.run(arena);
    assert_eq!(floats.run_with(arena, &image), &whole);
    assert_eq!(*bytes.run_with(arena, &image), from_bytes);
    assert_eq!(size_of_val(arena), both::ARENA_BYTES);
    println!("right");
}
"#;

#[test]
fn runs_stop_between_steps_and_inputs_lie_in_the_arena() {
    let dir = tempfile::tempdir().unwrap();
    let path = model("digits");
    for (name, inputs) in [("lent", Inputs::Slice), ("own", Inputs::Arena)] {
        let config = Config::new().inputs(inputs).member();
        let compiled = compiled(&path, &config);
        assert_eq!(compiled.program.has_own_inputs(), inputs == Inputs::Arena);
        let package = emit_crate(&source(&compiled, &config, name));
        install_crate(&package, &dir.path().join(name), Force::No).unwrap_or_else(|e| panic!("{:?}", e.diagnostic()));
    }
    let mut units: Vec<Unit> =
        ["digits", "digits_int8"].map(|name| unit(name, Config::new().member().share_arena())).into();
    joined("both", &mut units).unwrap_or_else(|e| panic!("{e:?}"));
    let sources: Vec<Source<'_>> = units.iter().map(Unit::source).collect();
    let package = emit_models_crate("both", &sources);
    let lib = String::from_utf8(package.files["src/lib.rs"].clone()).unwrap();
    assert_eq!(lib.matches("mod rt {").count(), 1, "one runtime");
    install_crate(&package, &dir.path().join("both"), Force::No).unwrap_or_else(|e| panic!("{:?}", e.diagnostic()));
    let crates = ["lent", "own", "both"].map(|name| format!("{name} = {{ path = \"{name}\" }}\n")).concat();
    program(dir.path(), &crates, STEPPED);
    assert_eq!(cargo(dir.path(), &["run", "--quiet", "--offline"]), "right\n");
}

fn unit(name: &str, config: Config) -> Unit {
    let config = config.inputs(Inputs::Arena);
    let project = Project::open(&model(name), config, Naming::File, &mut |_| {}).unwrap_or_else(|_| panic!("{name}"));
    Unit::compile(project, &mut |_| {}).unwrap_or_else(|e| panic!("{e:?}"))
}

#[test]
fn models_with_a_state_do_not_share_an_arena_with_others() {
    let path = cases::workspace().join("models/wonderland/decode.onnx");
    let config = Config::new().share_arena().state("past_k_0", "present_k_0");
    let project = Project::open(&path, config, Naming::File, &mut |_| {}).unwrap_or_else(|_| panic!("it is a model"));
    let mut units = vec![Unit::compile(project, &mut |_| {}).unwrap_or_else(|e| panic!("{e:?}"))];
    assert!(joined("all", &mut units).is_err_and(|e| e[0].message.contains("from run to run")));
}

/// Under the strictest lints, around an `include!`.
#[test]
fn modules_pass_strict_lints() {
    let dir = tempfile::tempdir().unwrap();
    for (name, inputs) in [("digits", Inputs::Slice), ("digits_int8", Inputs::Arena)] {
        let config = Config::new().inputs(inputs);
        let compiled = compiled(&model(name), &config);
        let package = emit_module(&source(&compiled, &config, name));
        install_module(&package, dir.path(), Force::No).unwrap_or_else(|e| panic!("{:?}", e.diagnostic()));
    }
    let main = "#![warn(clippy::pedantic)]\n#![deny(unreachable_pub, missing_debug_implementations, missing_docs)]\n//! Models.\n\n\
                include!(\"../digits.rs\");\ninclude!(\"../digits_int8.rs\");\n\n\
                fn main() {\n    if let (Some(a), Some(b)) = (digits::take(), digits_int8::take()) {\n        \
                println!(\"{} {}\", digits::argmax(a.run(&[0.0; 64])), digits_int8::argmax(b.run_with(&[0.0; 64])));\n    }\n}\n";
    program(dir.path(), "", main);
    cargo(dir.path(), &["clippy", "--quiet", "--offline", "--", "-Dwarnings"]);
}

/// Lines of the runtime in a crate for the Cortex-M7.
fn runtime_lines(path: &Path) -> (usize, String) {
    let config = Config::new().target(targets::find("cortex-m7").unwrap());
    let compiled = compiled(path, &config);
    let package = emit_crate(&source(&compiled, &config, "net"));
    let files = package.files.iter().filter(|(path, _)| path.starts_with("src/rt/"));
    let text: String = files.map(|(_, text)| String::from_utf8(text.clone()).unwrap()).collect();
    (text.lines().count(), text)
}

#[test]
fn crates_have_only_what_their_target_can_run() {
    let (lines, text) = runtime_lines(&model("digits_int8"));
    for foreign in ["x86_64", "aarch64", "_mm256", "avx"] {
        assert!(!text.to_lowercase().contains(foreign), "a crate for the M7 has {foreign}");
    }
    assert!(text.contains("smlad") || text.contains("smlabb"), "it has loops of its own processor");
    assert!(lines < 4000, "{lines}");
    // Before, with whole files: 4,024, 5,563, 5,011 and 5,479.
    for (name, most) in
        [("hello_world_int8", 2700), ("kws_dscnn_int8", 3894), ("mnist-8", 3507), ("mobilenet_v2", 3835)]
    {
        let path = cases::shared().map(|s| s.join("models").join(name).join("model.onnx")).filter(|p| p.is_file());
        let Some(path) = path else { continue };
        let (lines, _) = runtime_lines(&path);
        println!("{name}: {lines} lines of runtime");
        assert!(lines <= most, "{name}: {lines}");
    }
}

#[test]
fn quantized_inputs_and_outputs_say_what_their_integers_stand_for() {
    let path = cases::shared().map(|s| s.join("models/hello_world_int8/model.onnx")).filter(|p| p.is_file());
    let Some(path) = path else { return };
    let config = Config::new().member();
    let compiled = compiled(&path, &config);
    let package = emit_crate(&source(&compiled, &config, "net"));
    let text = |path: &str| String::from_utf8(package.files[path].clone()).unwrap();
    for constant in [
        "INPUT_SCALE: f32",
        "INPUT_ZERO_POINT: i32 = -128",
        "OUTPUT_RANGE: [f32; 2]",
        "pub fn quantize(",
        "pub fn dequantize(",
    ] {
        assert!(text("src/model.rs").contains(constant), "{constant}");
    }
    assert!(text("README.md").contains("stands for `(q + 128) *"));
    assert!(!text("README.md").contains("fused multiply-add"), "there are no products of floats");
    assert!(text("zant.json").contains("\"zero_point\": -128"));
    let dir = tempfile::tempdir().unwrap();
    install_crate(&package, &dir.path().join("net"), Force::No).unwrap_or_else(|e| panic!("{:?}", e.diagnostic()));
    // The net has learned the sine.
    let main = "fn main() {\n    let model = net::take().unwrap();\n    for x in [0.5_f32, 1.5, 3.0, 4.5] {\n        \
                let [q] = *model.run(&[net::Model::quantize(x)]);\n        let y = net::Model::dequantize(q);\n        \
                assert!((y - x.sin()).abs() < 0.2, \"{x} {y}\");\n    }\n    \
                assert_eq!(net::Model::quantize(f32::INFINITY), 127);\n    assert_eq!(net::Model::quantize(-9.0), -128);\n}\n";
    program(dir.path(), "net = { path = \"net\" }\n", main);
    cargo(dir.path(), &["run", "--quiet", "--offline"]);
}

#[test]
fn classes_are_named_by_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("digits.txt");
    fs::write(&file, (0..10).map(|n| format!("digit \"{n}\"\n")).collect::<String>()).unwrap();
    let config = Config::new().labels(file.to_string_lossy());
    let compiled = compiled(&model("digits"), &config);
    let package = emit_crate(&source(&compiled, &config, "net"));
    let text = String::from_utf8(package.files["src/model.rs"].clone()).unwrap();
    assert!(text.contains("pub const LABELS: [&str; 10]") && text.contains("\"digit \\\"9\\\"\""));
    fs::write(&file, "one\ntwo\n").unwrap();
    let refused = read(&model("digits")).and_then(|m| compile(&m, &config));
    assert!(refused.is_err_and(|e| e[0].message.contains("2 labels")));
}
