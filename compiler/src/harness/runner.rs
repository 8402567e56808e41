//! A program that runs an emitted crate on files: what `zantc verify` builds, and what measurements time.

use crate::config::Alloc;
use crate::emit::call::{call, element, helpers, model, reset};
use crate::emit::names::Names;
use crate::emit::{Package, Source};

/// The levels of optimisation that the runner can be built with: each is a profile of its manifest.
pub const OPT_LEVELS: [&str; 3] = ["0", "3", "z"];

/// The name of the profile for a level of optimisation.
pub fn profile(level: &str) -> String {
    format!("level-{level}")
}

/// A crate `runner` beside the emitted one, which lies in `../model`. Started with folders, it reads `input_K.bin` of each
/// (elements in little-endian order), runs the model, and writes `output_K.bin`. The memory of states is read from `state_K.bin`,
/// where there is such a file, and written to `state_K.bin` after the run. Started with `--serve` and one folder, it
/// reads counts from its input, runs the model so many times on the folder's inputs, and answers with the nanoseconds
/// that they took together, a line for each.
pub fn emit_runner(source: &Source<'_>) -> Package {
    let names = Names::new(source.program);
    let mut package = Package::default();
    let mut manifest = format!(
        "[package]\nname = \"zantc-runner\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n[dependencies]\n{} = {{ path = \"../model\" }}\n",
        source.name
    );
    for level in OPT_LEVELS {
        let value = if level == "z" { "\"z\"" } else { level };
        manifest += &format!(
            "\n[profile.{}]\ninherits = \"release\"\nopt-level = {value}\ncodegen-units = 1\n",
            profile(level)
        );
    }
    package.text("Cargo.toml", manifest);
    package.text("src/main.rs", main(source, &names));
    package
}

const MAIN: &str = r#"fn main() -> std::process::ExitCode {
    let serve = std::env::args().any(|a| a == "--serve");
    for folder in std::env::args_os().skip(1).filter(|a| a != "--serve") {
        if let Err(why) = run(std::path::Path::new(&folder), serve) {
            eprintln!("error: {why}");
            return std::process::ExitCode::FAILURE;
        }
    }
    std::process::ExitCode::SUCCESS
}
"#;

const LOAD: &str = r#"/// Elements from their bytes.
fn load<T: Element>(bytes: &[u8], elements: &mut [T]) {
    for (element, bytes) in elements.iter_mut().zip(bytes.chunks_exact(size_of::<T>())) {
        *element = T::load(bytes);
    }
}

"#;

fn main(source: &Source<'_>, names: &Names) -> String {
    let program = source.program;
    let mut text = String::from("//! Runs the model on files of elements.\n\n");
    text += &format!("use {}::*;\n\n{}", source.name.replace('-', "_"), helpers(&[program]));
    text += "fn run(folder: &std::path::Path, serve: bool) -> Result<(), String> {\n";
    for (i, p) in program.inputs.iter().enumerate() {
        text += &format!(
            "    let {} = array::<{}, {}>(&std::fs::read(folder.join(\"input_{i}.bin\")).map_err(|e| e.to_string())?);\n",
            names.inputs[i],
            element(p.ty.dtype),
            p.ty.elements()
        );
    }
    text += &model(source);
    text += &reset(source);
    let arena = if source.config.alloc == Alloc::Caller { "&mut arena" } else { "" };
    for (k, n) in names.states.iter().enumerate() {
        text += &format!(
            "    if let Ok(memory) = std::fs::read(folder.join(\"state_{k}.bin\")) {{\n        load(&memory, model.{n}({arena}));\n    }}\n"
        );
    }
    let question = if program.is_fallible() { ".map_err(|e| format!(\"{e:?}\"))?" } else { "" };
    let call = call(source, names);
    text += &format!(
        "    if serve {{\n        for count in std::io::stdin().lines() {{\n            let count = count.map_err(|e| e.to_string())?.parse::<u64>().map_err(|e| e.to_string())?;\n            let start = std::time::Instant::now();\n            for _ in 0..count {{\n                std::hint::black_box({call}{question});\n            }}\n            println!(\"{{}}\", start.elapsed().as_nanos());\n        }}\n        return Ok(());\n    }}\n"
    );
    text += &format!("    let result = {call}{question};\n");
    for (i, n) in names.outputs.iter().enumerate() {
        let value = if names.outputs.len() == 1 { "result".to_string() } else { format!("result.{n}") };
        text += &format!(
            "    std::fs::write(folder.join(\"output_{i}.bin\"), bytes({value})).map_err(|e| e.to_string())?;\n"
        );
    }
    for (k, n) in names.states.iter().enumerate() {
        text += &format!(
            "    std::fs::write(folder.join(\"state_{k}.bin\"), bytes(model.{n}({arena}))).map_err(|e| e.to_string())?;\n"
        );
    }
    text += "    Ok(())\n}\n\n";
    text += if names.states.is_empty() { "" } else { LOAD };
    text += MAIN;
    text
}
