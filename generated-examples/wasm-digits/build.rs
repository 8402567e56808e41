//! Compiles the digit classifier to a module in `OUT_DIR`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    zantc::Config::new().compile("../../models/digits/digits.onnx")?;
    Ok(())
}
