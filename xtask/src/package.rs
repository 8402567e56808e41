//! `cargo xtask package`: what a registry would get builds by itself and compiles a model.

use crate::command::{cargo, command, root, status};

/// The package of the binary.
const BINARY: &str = "zant-cli";

/// What it depends on.
const PACKAGES: [&str; 4] = ["zant-runtime", "zantc", "zant-measure", "zant-compress"];

pub(crate) fn package() -> Result<bool, String> {
    // Not verified by cargo, which would take a runtime of the same version that it has unpacked before.
    let mut packages = vec!["package", "--quiet", "--allow-dirty", "--no-verify"];
    packages.extend(PACKAGES.iter().chain(&[BINARY]).flat_map(|p| ["--package", p]));
    if !cargo(&packages)? {
        return Ok(false);
    }
    let folder = root().join("target/package/unpacked");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let unpack = |name: &str| {
        let name = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
        let archive = root().join("target/package").join(format!("{name}.crate"));
        let mut tar = command("tar", &["-xzf"]);
        tar.arg(&archive).arg("-C").arg(&folder);
        Ok::<_, String>(if status(&mut tar)? { Some(folder.join(name)) } else { None })
    };
    let mut run = command("cargo", &["run", "--quiet"]);
    for name in PACKAGES {
        let Some(dependency) = unpack(name)? else { return Ok(false) };
        run.arg("--config").arg(format!("patch.crates-io.{name}.path={:?}", dependency.to_string_lossy()));
    }
    let Some(unpacked) = unpack(BINARY)? else { return Ok(false) };
    let out = root().join("target/zant-package/digits");
    let _ = std::fs::remove_dir_all(&out);
    let model = root().join("models/digits/digits.onnx");
    run.args(["--", "compile"]).arg(&model).arg("-o").arg(&out).current_dir(&unpacked);
    run.env("CARGO_TARGET_DIR", root().join("target/zant-package/build"));
    if !status(&mut run)? {
        return Ok(false);
    }
    let mut tests = command("cargo", &["test", "--quiet"]);
    status(tests.current_dir(&out))
}
