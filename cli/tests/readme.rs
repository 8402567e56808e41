//! The README's tour, line by line from top to bottom in an empty folder: commands run as they are printed, on the digit classifier; of
//! those that take minutes or need other models, each option is one that the command has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use zantc::ir::Tensor;
use zantc::verify::data::read_tensor;

/// Commands that take too long for a test, or need what a fresh machine lacks.
const LONG: [&str; 5] = ["bench", "profile", "ladder", "fit", "install"];

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The lines of the tour without their comments.
fn tour() -> Vec<String> {
    let readme = fs::read_to_string(workspace("README.md")).expect("it is part of the project");
    let (_, rest) = readme.split_once("\n## A tour\n").expect("there is a tour");
    let (_, rest) = rest.split_once("```\n").expect("it is a block");
    let (block, _) = rest.split_once("```").expect("it ends");
    block.lines().map(|l| l.split(" # ").next().unwrap_or(l).trim().to_string()).collect()
}

/// The files that the tour speaks of.
fn prepare(folder: &Path) {
    for (model, name) in [("digits", "MODEL.onnx"), ("digits", "A.onnx"), ("digits_int8", "B.onnx")] {
        fs::copy(workspace(&format!("models/{model}/{model}.onnx")), folder.join(name)).unwrap();
    }
    fs::write(folder.join("classes.txt"), "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n").unwrap();
    let digits: Vec<Tensor> = (0..3)
        .map(|i| read_tensor(&workspace(&format!("models/digits/test_data_set_{i}/input_0.pb"))).expect("a tensor").1)
        .collect();
    let numbers = |t: &Tensor| t.scalars().map(|v| v.to_f64() as f32).collect::<Vec<f32>>();
    let all: Vec<f32> = digits.iter().flat_map(numbers).collect();
    let write = |name: &str, tensor: &Tensor| {
        zantc::import::to_raw("x", tensor).write_npy(&folder.join(name)).expect("it is written");
    };
    write("x.npy", &digits[0]);
    write("calibrate.npy", &Tensor::from_elements([3, 1, 8, 8], &all));
    write("y.npy", &Tensor::from_elements([1], &[0i64]));
    fs::create_dir(folder.join("crates")).unwrap();
    fs::write(folder.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n").unwrap();
}

/// Runs a line in a shell that finds the binary.
fn run(folder: &Path, line: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_zantc"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = vec![binary.parent().expect("it lies in a folder").to_path_buf()];
    paths.extend(std::env::split_paths(&path));
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env("PATH", std::env::join_paths(paths).unwrap());
    command.env("ZANTC_CACHE", folder.join("cache")).env_remove("CARGO_TARGET_DIR");
    command.output().expect("there is a shell")
}

/// Each option of a line is one that its command has.
fn has_options(folder: &Path, line: &str) {
    let command: Vec<&str> = line.split_whitespace().take_while(|w| !w.starts_with('-') && !w.contains('.')).collect();
    let help = run(folder, &format!("{} --help", command.join(" ")));
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for option in line.split_whitespace().filter(|w| w.starts_with("--")) {
        assert!(help.contains(option), "{line}: `{option}` is none of\n{help}");
    }
}

#[test]
fn every_line_of_the_tour_runs_as_printed() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    prepare(folder);
    let lines = tour();
    assert!(lines.len() > 15, "{lines:?}");
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.len() < 2 || LONG.contains(&words[1]) || line.contains("DECODER") || line.contains("OLD.json") {
            if line.starts_with("zantc") {
                has_options(folder, &line);
            }
            continue;
        }
        let output = run(folder, &line);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line}\n{out}{err}");
    }
    for made in [
        "my-model/Cargo.toml",
        "results/output_0.npy",
        "int8.onnx",
        "model.html",
        "crates/net/src/lib.rs",
        "both/src/lib.rs",
    ] {
        assert!(folder.join(made).is_file(), "{made}");
    }
}
