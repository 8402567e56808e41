//! The pages in a browser: `browser.py` sorts, filters and turns them in headless Chromium.
//!
//! It runs with the Python in `ZANT_PYTHON` (which `cargo xtask pages` makes), else with `python3` where that has playwright and
//! Chromium is there. Otherwise it says that it skipped.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use zant_measure::compare::Comparison;
use zant_measure::inspection::{Inspection, Step, page};
use zant_measure::overview::write;
use zant_measure::report::Report;

/// A name that does all that a name can.
const EVIL: &str =
    "</script><script>window.pwned=1;alert(1)</script><img src=x onerror=\"window.pwned=1\">' \" | `x` @me";
/// A drawing whose style would colour the whole page.
const DRAWING: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"300\" height=\"100\"><style>text{fill:red}</style>\
    <text x=\"9\" y=\"20\">arena</text><rect width=\"9\" height=\"9\"><title>buffer</title></rect></svg>";

/// The Python to run, if there is one that can.
fn python() -> Option<String> {
    if let Ok(python) = std::env::var("ZANT_PYTHON") {
        return Some(python);
    }
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".into());
    let has = Command::new("python3").args(["-c", "import playwright"]).output().is_ok_and(|o| o.status.success());
    (has && Path::new(&chromium).is_file()).then(|| "python3".into())
}

fn read(text: &str) -> Report {
    Report::from_json(text).expect("a report")
}

/// Reports and a comparison, with hostile names, as pages below `folder`.
fn pages(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut bench = read(include_str!("data/bench.json"));
    let old = bench.clone();
    for row in bench.rows.iter_mut().filter(|row| row.key.subject == "hello_world_int8") {
        row.key.subject = EVIL.into();
    }
    bench.notes.push(EVIL.into());
    bench.machine.cpu = EVIL.into();
    let mut profile = read(include_str!("data/profile.json"));
    profile.rows[0].key.step = Some(format!("0 {EVIL}"));
    write(&folder.join("bench"), &bench, &[(EVIL.into(), DRAWING.into())].into()).expect("it is written");
    write(&folder.join("profile"), &profile, &[].into()).expect("it is written");
    let comparison = Comparison::of(&old, &bench, zant_measure::compare::Asked::default()).expect("comparable");
    std::fs::write(folder.join("compared.html"), comparison.to_html()).expect("it is written");
    for name in ["bench", "profile"] {
        std::fs::rename(folder.join(name).join("report.html"), folder.join(format!("{name}.html")))
            .expect("it is there");
    }
    std::fs::write(folder.join("model.html"), page(&model())).expect("it is written");
    ["bench", "profile", "compared", "model"].map(|name| folder.join(format!("{name}.html"))).into()
}

/// A model of a chain with a residual and a hostile name.
fn model() -> Inspection {
    let step = |i: usize| Step {
        kernel: "qconv2d".into(),
        nodes: EVIL.into(),
        result: "i8[1,28,28,16]".into(),
        reads: if i % 5 == 4 { vec![i - 1, i - 4] } else { (0..i).last().into_iter().collect() },
        weights: 300 * (20 - i),
        bits: (i == 2).then_some(1.6),
        macs: 100_000 * i as u64,
        live: 2048 * (1 + i % 4),
        peak: i == 3,
    };
    let board = |name: &str, fits: bool| {
        let words = if fits { "fits" } else { "no: 4096 bytes of RAM too many" };
        (name.to_string(), "1M flash; 256K RAM".to_string(), fits, words.to_string())
    };
    Inspection {
        name: EVIL.into(),
        target: "cortex-m7".into(),
        memory: ["8192 bytes of RAM (8192 arena + 0 inputs)".into(), "63000 bytes of weights".into()],
        bytes: [8192, 63000],
        arena: [8192, 8192],
        macs: 19_000_000,
        ports: vec![["input".into(), EVIL.into(), "f32[1,1,28,28]".into()]],
        steps: (0..20).map(step).collect(),
        floats: vec![[EVIL.into(), "it is not linear".into()]],
        boards: vec![board("nrf52840", true), board("nrf51822", false)],
        arena_svg: DRAWING.into(),
    }
}

#[test]
fn pages_sort_filter_and_turn_without_a_fault() {
    let Some(python) = python() else {
        // Past the capture of a test's output: what is skipped must be seen.
        let line = b"SKIPPED the pages in a browser: python3 with playwright, or Chromium, is missing; `cargo xtask pages` installs both\n";
        std::io::stderr().write_all(line).expect("stderr");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser.py");
    let mut run = Command::new(&python);
    run.arg(script).args(pages(folder.path()));
    if let Some(screenshots) = std::env::var_os("ZANT_SCREENSHOTS") {
        run.arg("--screenshots").arg(screenshots);
    }
    let output = run.output().expect("python starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    print!("{out}");
}
