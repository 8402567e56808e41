//! Compiles the digit classifier to a module in `OUT_DIR`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = zantc::target::find("wasm32").ok_or("no such target")?;
    zantc::Config::new().target(target).compile("../../models/digits/digits.onnx")?;
    Ok(())
}
