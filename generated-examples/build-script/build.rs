//! Compiles the model to a module in `OUT_DIR`.

fn main() -> Result<(), zantc::BuildError> {
    zantc::Config::new().compile("../../models/digits/digits.onnx")?;
    Ok(())
}
