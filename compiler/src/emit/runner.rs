//! A program that runs an emitted crate on files: what `zantc verify` builds.

use super::golden::{call, element, helpers, model};
use super::names::Names;
use super::{Package, Source};

/// The levels of optimisation that the runner can be built with: each is a profile of its manifest.
pub const OPT_LEVELS: [&str; 3] = ["0", "3", "z"];

/// The name of the profile for a level of optimisation.
pub fn profile(level: &str) -> String {
    format!("level-{level}")
}

/// A crate `runner` beside the emitted one, which lies in `../model`. Started with folders, it reads `input_K.bin` of each
/// (elements in little-endian order), runs the model, and writes `output_K.bin`.
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

fn main(source: &Source<'_>, names: &Names) -> String {
    let program = source.program;
    let mut text = String::from("//! Runs the model on files of elements.\n\n");
    text += &format!("use {}::*;\n\n{}", source.name.replace('-', "_"), helpers(program));
    text += "fn run(folder: &std::path::Path) -> Result<(), String> {\n";
    for (i, p) in program.inputs.iter().enumerate() {
        text += &format!(
            "    let {} = array::<{}, {}>(&std::fs::read(folder.join(\"input_{i}.bin\")).map_err(|e| e.to_string())?);\n",
            names.inputs[i],
            element(p.ty.dtype),
            p.ty.elements()
        );
    }
    text += &model(source);
    let question = if program.is_fallible() { ".map_err(|e| format!(\"{e:?}\"))?" } else { "" };
    text += &format!("    let result = {}{question};\n", call(source, names));
    for (i, n) in names.outputs.iter().enumerate() {
        let value = if names.outputs.len() == 1 { "result".to_string() } else { format!("result.{n}") };
        text += &format!(
            "    std::fs::write(folder.join(\"output_{i}.bin\"), bytes({value})).map_err(|e| e.to_string())?;\n"
        );
    }
    text += "    Ok(())\n}\n\nfn main() -> std::process::ExitCode {\n    for folder in std::env::args_os().skip(1) {\n        if let Err(why) = run(std::path::Path::new(&folder)) {\n            eprintln!(\"error: {why}\");\n            return std::process::ExitCode::FAILURE;\n        }\n    }\n    std::process::ExitCode::SUCCESS\n}\n";
    text
}
