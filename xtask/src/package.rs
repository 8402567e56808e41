//! `cargo xtask package`: what a registry would get builds by itself and compiles a model.

use crate::command::{cargo, command, root, status};

pub(crate) fn package() -> Result<bool, String> {
    let packages = ["package", "--quiet", "--allow-dirty", "--package", "zant-runtime", "--package", "zantc"];
    if !cargo(&packages)? {
        return Ok(false);
    }
    // Cargo has built both from their packages; what it unpacked for that is run here.
    let unpacked = root().join("target/package").join(format!("zantc-{}", env!("CARGO_PKG_VERSION")));
    let runtime = root().join("target/package").join(format!("zant-runtime-{}", env!("CARGO_PKG_VERSION")));
    let patch = format!("patch.crates-io.zant-runtime.path={:?}", runtime.to_string_lossy());
    let out = root().join("target/zant-package/digits");
    let _ = std::fs::remove_dir_all(&out);
    let model = root().join("models/digits/digits.onnx");
    let mut run = command("cargo", &["run", "--quiet", "--config", &patch, "--", "compile"]);
    run.arg(&model).arg("-o").arg(&out).current_dir(&unpacked);
    run.env("CARGO_TARGET_DIR", root().join("target/zant-package/build"));
    if !status(&mut run)? {
        return Ok(false);
    }
    let mut tests = command("cargo", &["test", "--quiet"]);
    status(tests.current_dir(&out))
}
