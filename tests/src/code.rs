//! The size of a model's code: how it is built to be measured, and the limits that the project promises.

use std::path::Path;

use object::{Object as _, ObjectSection as _};
use zantc::emit::Package;
use zantc::harness::profile;
use zantc::program::Program;

/// The most bytes of code on x86-64 that a model and all it calls may have with `--optimize size` at `opt-level = "z"`.
pub const LIMITS: [(&str, u64); 4] =
    [("mnist-8", 6 << 10), ("kws_dscnn_f32", 8 << 10), ("vww_mobilenetv1_f32", 10 << 10), ("mobilenet_v2", 12 << 10)];

/// How the linker is told to add nothing to a [`library`].
pub const FLAGS: &str = "-Clink-arg=-nostartfiles";

/// A library of the model alone, beside its crate, which lies in `../model`: without `std`, and with nothing that is not
/// called. It has a profile for each of the levels of optimisation.
pub fn library(program: &Program, name: &str, levels: &[&str]) -> Package {
    let mut package = Package::default();
    let mut manifest = format!(
        "[package]\nname = \"{name}-code\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n[workspace]\n\n[dependencies]\n{name} = {{ path = \"../model\" }}\n"
    );
    for level in levels {
        manifest += &format!(
            "\n[profile.{}]\ninherits = \"release\"\nopt-level = {}\ncodegen-units = 1\nlto = true\npanic = \"abort\"\n",
            profile(level),
            if *level == "z" { "\"z\"" } else { level }
        );
    }
    let inputs = match program.inputs.as_slice() {
        [one] => format!("&[{}; {}]", one.ty.dtype.name(), one.ty.elements()),
        _ => "Inputs<'_>".into(),
    };
    let text = format!(
        "//! The model's code.\n#![no_std]\nuse {}::*;\n\n#[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {{\n    loop {{}}\n}}\n\n#[unsafe(no_mangle)]\npub fn run(model: &mut Model, inputs: {inputs}) {{\n    core::hint::black_box(&model.run(inputs));\n}}\n",
        name.replace('-', "_")
    );
    package.files.insert("Cargo.toml".into(), manifest.into_bytes());
    package.files.insert("src/lib.rs".into(), text.into_bytes());
    package
}

/// Bytes of code in the library of model `name` that was built into `folder`.
///
/// # Errors
/// Where there is no such library.
pub fn text_bytes(folder: &Path, name: &str) -> Result<u64, String> {
    let path = folder.join(format!("lib{}_code.so", name.replace('-', "_")));
    let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let file = object::File::parse(&*bytes).map_err(|e| e.to_string())?;
    let text = file.section_by_name(".text").ok_or_else(|| format!("{} has no code", path.display()))?;
    Ok(text.size())
}
