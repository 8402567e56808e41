//! Code that breaks promises on purpose: each is found at opt-level 3 and "z", with a panic handler that ends the program and with
//! one that loops.

use std::fs;
use std::path::Path;

use zant_measure::audit::{Kind, audit};
use zant_measure::{Firmware, Machine, Model};

/// What each root breaks. Under a handler that loops, a panic may have become that loop.
const ROOTS: [(&str, &[Kind]); 13] = [
    ("sound_sum", &[]),
    ("sound_float", &[]),
    ("sound_table", &[]),
    ("breaks_bounds", &[Kind::Panic, Kind::Endless]),
    ("breaks_lengths", &[Kind::Panic, Kind::Endless]),
    ("breaks_unwrap", &[Kind::Panic, Kind::Endless]),
    ("breaks_division", &[Kind::Panic, Kind::Endless]),
    ("breaks_overflow", &[Kind::Panic, Kind::Endless]),
    ("breaks_allocation", &[Kind::Allocation]),
    ("breaks_float", &[Kind::SoftFloat]),
    ("breaks_recursion", &[Kind::Recursion]),
    ("breaks_indirect", &[Kind::Indirect]),
    ("breaks_endless", &[Kind::Endless]),
];

/// Writes the firmware; `handler` is the body of its panic handler.
fn firmware(folder: &Path, handler: &str) -> Firmware {
    let krate = folder.join("firmware/model");
    fs::create_dir_all(krate.join("src")).unwrap();
    let manifest = "[package]\nname = \"violations\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(krate.join("Cargo.toml"), manifest).unwrap();
    fs::write(krate.join("src/lib.rs"), include_str!("violations/model.rs")).unwrap();
    let model = Model {
        folder: &krate,
        name: "violations",
        inference: include_str!("violations/inference.rs"),
        weights_bytes: 0,
        weights_section: None,
        arena_bytes: 0,
    };
    let folder = folder.join("firmware");
    let firmware = Firmware::write(&folder, &model, Machine::with_cpu("cortex-m7").unwrap()).unwrap();
    let replace = |file: &str, from: &str, to: &str| {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(folder.join(file), text.replace(from, to)).unwrap();
    };
    replace("src/main.rs", "zant_exit(PANICKED)\n", &format!("{handler}\n"));
    replace("Cargo.toml", "lto = true", "lto = true\noverflow-checks = true");
    firmware
}

#[test]
#[ignore = "needs Rust's target; `cargo xtask firmware` installs it and runs this"]
fn every_broken_promise_is_found() {
    for handler in ["zant_exit(PANICKED)", "loop {}"] {
        let folder = tempfile::tempdir().unwrap();
        let firmware = firmware(folder.path(), handler);
        for level in ["3", "z"] {
            let built = firmware.build(level, false).unwrap_or_else(|e| panic!("{e}"));
            let elf = fs::read(&built.elf).unwrap();
            for (root, expected) in ROOTS {
                let audit = audit(&elf, root).unwrap();
                let found: Vec<Kind> = audit.violations.iter().map(|v| v.kind).collect();
                let listed: Vec<String> = audit.violations.iter().map(ToString::to_string).collect();
                let context = format!("{root} at {level} under {handler}: {listed:#?}");
                let allowed = match handler {
                    "loop {}" => expected,
                    _ => &expected[..expected.len().min(1)],
                };
                assert_eq!(found.is_empty(), expected.is_empty(), "{context}");
                assert!(expected.is_empty() || allowed.iter().any(|k| found.contains(k)), "{context}");
                for v in &audit.violations {
                    assert_eq!(v.path.first().map(String::as_str), Some(root), "{context}");
                    assert_eq!(v.path.last(), Some(&v.symbol), "{context}");
                }
                assert_eq!(audit.stack_bytes.is_none(), root == "breaks_recursion", "{context}");
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_an_error() {
    assert!(audit(b"no file of any kind", "run").is_err());
    let here = fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(audit(&here, "main").is_err());
}
