//! Emitted crates among other crates: in workspaces and beside them, and under the lints of their users.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use zant_tests::cases;
use zantc::emit::{Source, emit_crate};
use zantc::install::{Force, install_crate};
use zantc::targets::TARGETS;
use zantc::{Alloc, Compiled, Config, Optimize, compile, compile_graph, read};

fn digits() -> PathBuf {
    cases::workspace().join("models/digits/digits.onnx")
}

fn compiled(config: &Config) -> Compiled {
    read(&digits()).and_then(|m| compile(&m, config)).unwrap_or_else(|e| panic!("{e:?}"))
}

/// Writes a model's crate.
fn write(compiled: &Compiled, config: &Config, name: &str, folder: &Path) {
    let source = Source { program: &compiled.program, config, name, file: "", model_sha256: "", vectors: &[] };
    install_crate(&emit_crate(&source), folder, Force::No).unwrap_or_else(|e| panic!("{:?}", e.diagnostic()));
}

/// Cargo in a folder, as nobody's settings change it.
fn cargo(folder: &Path, args: &[&str]) -> Output {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for variable in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR", "RUSTC_WRAPPER"] {
        cargo.env_remove(variable);
    }
    cargo.env("RUSTFLAGS", "-Dwarnings").env("RUSTDOCFLAGS", "-Dwarnings");
    cargo.args(args).current_dir(folder).output().expect("cargo runs")
}

fn passes(folder: &Path, args: &[&str]) {
    let output = cargo(folder, args);
    assert!(output.status.success(), "{args:?} in {folder:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A program that uses the crate `net` by its path, as `manifest` ends.
fn program(folder: &Path, manifest: &str) {
    fs::create_dir_all(folder.join("src")).unwrap();
    let head = "[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n";
    fs::write(folder.join("Cargo.toml"), format!("{head}{manifest}")).unwrap();
    let main = "fn main() {\n    println!(\"{:?}\", net::take().map(|model| model.run(&[0.0; 64])[0]));\n}\n";
    fs::write(folder.join("src/main.rs"), main).unwrap();
}

#[test]
fn a_crate_builds_by_itself_wherever_it_lies() {
    let (dir, config) = (tempfile::tempdir().unwrap(), Config::new());
    let compiled = compiled(&config);
    for (folder, manifest) in
        [("plain", ""), ("root", "[workspace]\n"), ("other", "[workspace]\nmembers = []\nexclude = []\n")]
    {
        let folder = dir.path().join(folder);
        program(&folder, manifest);
        write(&compiled, &config, "net", &folder.join("net"));
        passes(&folder.join("net"), &["check", "--quiet", "--offline"]);
    }
    // Beside a program, and as the dependency of one that is no workspace.
    program(&dir.path().join("plain"), "[dependencies]\nnet = { path = \"net\" }\n");
    passes(&dir.path().join("plain"), &["check", "--quiet", "--offline"]);
}

#[test]
fn a_member_and_a_dependency_by_path_build_with_their_workspace() {
    let (dir, config) = (tempfile::tempdir().unwrap(), Config::new().member());
    let compiled = compiled(&config);
    let (root, members) = (dir.path().join("root"), dir.path().join("members"));
    program(&root, "[workspace]\n\n[dependencies]\nnet = { path = \"crates/net\" }\n");
    write(&compiled, &config, "net", &root.join("crates/net"));
    passes(&root, &["check", "--quiet", "--offline"]);
    passes(&root.join("crates/net"), &["check", "--quiet", "--offline"]);

    program(&members.join("app"), "[dependencies]\nnet = { path = \"../net\" }\n");
    fs::write(members.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"net\"]\n").unwrap();
    write(&compiled, &config, "net", &members.join("net"));
    passes(&members, &["check", "--quiet", "--offline", "--workspace"]);
    passes(&members, &["fmt", "--all", "--check"]);
    // Without the option it is its own workspace, which cargo refuses here: the test sees the difference.
    let alone = Config::new();
    write(&compiled, &alone, "net", &members.join("net"));
    let output = cargo(&members, &["check", "--quiet", "--offline"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("multiple workspace roots"));
}

/// Crates run their tests on the machine that builds, whatever they are made for: each has all that it needs there, and no more.
#[test]
fn crates_for_every_target_build_on_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let mut members = Vec::new();
    for model in ["digits", "digits_16x8", "digits_int4", "digits_int8"] {
        let path = cases::workspace().join(format!("models/{model}/{model}.onnx"));
        let model = read(&path).unwrap_or_else(|e| panic!("{e:?}"));
        for (target, optimize) in TARGETS.iter().flat_map(|t| [(t, Optimize::Speed), (t, Optimize::Size)]) {
            let config = Config::new().target(target).optimize(optimize).member();
            let compiled = compile(&model, &config).unwrap_or_else(|e| panic!("{}: {e:?}", target.name));
            let name = format!("net{}", members.len());
            write(&compiled, &config, &name, &dir.path().join(&name));
            members.push(name);
        }
    }
    let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    passes(dir.path(), &["check", "--quiet", "--offline", "--workspace", "--all-targets"]);
}

/// Names that mean something to Markdown, to HTML, to Rust or to a terminal.
const HOSTILE: [&str; 9] = [
    "",
    "[x]",
    "[a](b)",
    "<script>",
    "https://example.com/a_b",
    "`",
    "*/",
    "a|b",
    "[`Vec`] <T> http://x.y {@} \\u{202e}",
];

/// A model whose names are all hostile.
fn hostile(name: &str) -> Compiled {
    let name = name.replace('\\', "");
    let text = format!(
        "graph \"{name}\"\n  in %0 \"{name}\": f32[1,4]\n  $1 = f32[4] random 1\n  %2 = map %0, $1 {{Mul(x0, x1)}} : f32[1,4]\n  out \"{name}\" = %2\n"
    );
    let graph = zantc::ir::text::parse(&text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    compile_graph(graph, &Config::new()).unwrap_or_else(|e| panic!("{e:?}"))
}

#[test]
fn crates_pass_the_lints_of_their_users() {
    let dir = tempfile::tempdir().unwrap();
    let clean = |compiled: &Compiled, config: &Config, name: &str, folder: &Path| {
        write(compiled, config, name, folder);
        for args in [
            &["check", "--quiet", "--offline", "--all-targets"][..],
            &["doc", "--quiet", "--offline"],
            &["fmt", "--check"],
        ] {
            passes(folder, args);
        }
    };
    for (i, alloc) in [Alloc::Static, Alloc::Caller, Alloc::Heap].into_iter().enumerate() {
        let config = Config::new().alloc(alloc);
        let name = ["my_model", "_MyModel", "my--Model-2"][i];
        clean(&compiled(&config), &config, name, &dir.path().join(name));
    }
    for (i, name) in HOSTILE.iter().enumerate() {
        clean(&hostile(name), &Config::new(), "net", &dir.path().join(format!("hostile{i}")));
    }
    let folder = cases::shared().map(|s| s.join("models"));
    let mut skipped = 0;
    for name in ["hello_world_int8", "kws_dscnn_int8", "gpt_small_decode", "beer"] {
        let path = folder.as_ref().map(|f| f.join(name).join("model.onnx")).filter(|p| p.is_file());
        let Some(path) = path else {
            skipped += 1;
            continue;
        };
        let mut config = Config::new();
        if let Ok(Some((_, options))) = zantc::project::read_options(&path) {
            config = config.with_options(&options);
        }
        match read(&path).and_then(|m| compile(&m, &config)) {
            Ok(compiled) => clean(&compiled, &config, "net", &dir.path().join(name)),
            Err(e) => panic!("{name}: {e:?}"),
        }
    }
    println!("{skipped} models skipped, whose files are missing");
}

#[test]
fn names_are_those_that_cargo_takes() {
    use zantc::emit::is_crate_name;
    for good in ["my_model", "my-model", "_net", "model", "Net8", "a", "mnist-8", "rt", "main"] {
        assert!(is_crate_name(good), "{good}");
    }
    let long = "a".repeat(65);
    for bad in [
        "", "_", "-", "8bit", "a b", "fn", "self", "gen", "test", "std", "f32", "é", "a/b", "../a", "a\"", "a.b", &long,
    ] {
        assert!(!is_crate_name(bad), "{bad}");
    }
}
