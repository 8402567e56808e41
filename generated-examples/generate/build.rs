//! Compiles the decoder and the reader of its prompt to one module in `OUT_DIR`; puts the linker script of the firmware beside it.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let models = ["prefill", "decode"].map(|name| format!("../../models/wonderland/{name}.onnx"));
    zantc::Config::new().name("wonderland").max_ram(512 << 10).max_flash(1 << 20).compile_session(models)?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("memory.x"), include_bytes!("memory.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rerun-if-changed=memory.x");
    Ok(())
}
