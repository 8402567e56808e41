//! Compiles the digit classifier, in floats and in bytes, to one module in `OUT_DIR`: the two share their kernels, those for the
//! processor that cargo builds for, and one arena. Puts the linker script beside them.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let models = ["../../models/digits/digits.onnx", "../../models/digits_int8/digits_int8.onnx"];
    zantc::Config::new().share_arena().max_ram(64 << 10).max_flash(256 << 10).compile_all(models)?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("memory.x"), include_bytes!("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rerun-if-changed=memory.x");
    Ok(())
}
