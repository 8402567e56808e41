//! Compiles the digit classifier, in floats and in bytes, to modules in `OUT_DIR`, with the kernels for the
//! processor that cargo builds for; puts the linker script beside them.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for model in ["../../models/digits/digits.onnx", "../../models/digits_int8/digits_int8.onnx"] {
        zantc::Config::new().max_ram(64 << 10).max_flash(256 << 10).compile(model)?;
    }

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("memory.x"), include_bytes!("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rerun-if-changed=memory.x");
    Ok(())
}
