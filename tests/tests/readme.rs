//! The README shows code that is emitted, and code that is built as it is printed.

use std::fs;
use std::path::Path;
use std::process::Command;

use zant_tests::cases::workspace;

#[test]
fn the_excerpt_is_what_is_emitted() {
    let read = |path: &str| fs::read_to_string(workspace().join(path)).expect("it is part of the project");
    let (readme, model) = (read("README.md"), read("generated-examples/digits/src/model.rs"));
    let (_, shown) = readme.split_once("<!-- excerpt -->\n```rust\n").expect("there is an excerpt");
    let (shown, _) = shown.split_once("```").expect("it ends");
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_string()).filter(|line| !line.is_empty()).collect()
    };
    let mut emitted = lines(&model).into_iter();
    for line in lines(shown) {
        assert!(emitted.any(|other| other == line), "`{line}` is not emitted, or not in this place");
    }
}

/// The table of passes has all of them, in the order in which they first run.
#[test]
fn the_passes_are_described_in_their_order() {
    let text = fs::read_to_string(workspace().join("docs/architecture.md")).expect("it is part of the project");
    let (_, section) = text.split_once("\n## Passes\n").expect("there is a section of passes");
    let (section, _) = section.split_once("\n## ").expect("another section follows");
    let described = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let described: Vec<&str> =
        described.flat_map(|names| names.split(['`', ',', ' ']).filter(|n| !n.is_empty())).collect();
    let mut passes: Vec<&str> = Vec::new();
    for pass in zantc::passes::PASSES {
        if !passes.contains(&pass.name) {
            passes.push(pass.name);
        }
    }
    assert_eq!(described, passes);
}

/// The block of code after a mark.
fn block<'a>(readme: &'a str, mark: &str) -> &'a str {
    let (_, rest) = readme.split_once(&format!("<!-- {mark} -->\n```rust\n")).expect("the README has it");
    rest.split_once("```").expect("it ends").0
}

#[test]
fn the_tour_of_a_build_script_is_built_as_printed() {
    let root = workspace();
    let readme = fs::read_to_string(root.join("README.md")).expect("it is part of the project");
    let target = root.join("target/zant-readme");
    let folder = target.join("project");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("src")).expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file is written");
    let zantc = root.join("compiler");
    let manifest =
        "[package]\nname = \"tour\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[build-dependencies]\n";
    write("Cargo.toml", &format!("{manifest}zantc = {{ path = {zantc:?} }}\n"));
    write("build.rs", block(&readme, "build.rs"));
    write("src/main.rs", block(&readme, "src/main.rs"));
    let copy = |from: &Path, to: &str| assert!(fs::copy(from, folder.join(to)).is_ok(), "{to} is copied");
    copy(&root.join("models/digits/digits.onnx"), "model.onnx");
    copy(&root.join("Cargo.lock"), "Cargo.lock");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for variable in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"] {
        cargo.env_remove(variable);
    }
    cargo.args(["run", "--quiet", "--offline"]).current_dir(&folder).env("CARGO_TARGET_DIR", target.join("build"));
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.matches(',').count(), 9, "ten scores: {said}");
}
