//! No kernel can panic: compiled for speed and for size, the object file of all kernels names no function of `core`
//! that panics.
#![cfg(not(miri))]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Symbols that panicking code refers to, in either mangling.
const PANICS: [&str; 3] = ["panicking", "_fail", "unwrap_failed"];

/// The object file of one of the crates beside this file.
fn compile(crate_name: &str, level: &str) -> Vec<u8> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/panic_free");
    let object = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{crate_name}-{level}.o"));
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition=2024", "--crate-type=lib", "--emit=obj", "-Cpanic=abort", "-Ccodegen-units=1"])
        .arg(format!("-Copt-level={level}"))
        .arg("-o")
        .arg(&object)
        .arg(tests.join(format!("{crate_name}.rs")))
        .output()
        .expect("rustc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(&object).expect("rustc has written the object file")
}

/// Symbols that name a panic. They stand in the string table of the object file as they are.
fn panics(object: &[u8]) -> BTreeSet<String> {
    object
        .split(|byte| !(byte.is_ascii_alphanumeric() || b"_.$".contains(byte)))
        .filter_map(|symbol| std::str::from_utf8(symbol).ok())
        .filter(|symbol| symbol.starts_with("_ZN") || symbol.starts_with("_R"))
        .filter(|symbol| PANICS.iter().any(|panic| symbol.contains(panic)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn kernels_compiled_for_speed_do_not_panic() {
    assert_eq!(panics(&compile("kernels", "3")), BTreeSet::new());
}

#[test]
fn kernels_compiled_for_size_do_not_panic() {
    assert_eq!(panics(&compile("kernels", "z")), BTreeSet::new());
}

#[test]
fn a_panic_would_be_found() {
    let found = panics(&compile("control", "z"));
    assert!(found.iter().any(|symbol| symbol.contains("panic_bounds_check")), "{found:?}");
}
