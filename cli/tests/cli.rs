//! The commands as a user runs them: what they print, what they write, and how they end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A file of the workspace.
fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn digits() -> String {
    workspace("models/digits/digits.onnx").to_string_lossy().into_owned()
}

/// A model of the corpus that must not compile.
fn hostile(name: &str) -> String {
    workspace("tests/corpus").join(name).to_string_lossy().into_owned()
}

/// What a command left behind.
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn zantc_in(folder: &Path, args: &[&str]) -> Ran {
    let run = Command::new(env!("CARGO_BIN_EXE_zantc")).args(args).current_dir(folder).output();
    let Output { status, stdout, stderr } = run.expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

fn zantc(args: &[&str]) -> Ran {
    zantc_in(Path::new(env!("CARGO_MANIFEST_DIR")), args)
}

impl Ran {
    /// Checks the exit code, and shows what was printed where it is another.
    fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it is readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The lines of a machine-readable report.
fn messages(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn compile_writes_a_crate_and_says_what_it_needs() {
    let out = TempDir::new().unwrap();
    let ran =
        zantc(&["compile", &digits(), "-o", &out.path().join("net").to_string_lossy(), "--name", "my-net"]).ended(0);
    assert!(
        ran.stderr.contains("2304 bytes of RAM (2048 arena + 256 inputs)") && ran.stdout.is_empty(),
        "{}",
        ran.stderr
    );
    let expected = ["Cargo.toml", "README.md", "src", "tests", "weights.bin", "zant.json"];
    let found = files(&out.path().join("net"));
    assert!(expected.iter().all(|f| found.iter().any(|g| g == f)), "{found:?}");
    let manifest = fs::read_to_string(out.path().join("net/Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"my-net\""), "{manifest}");
}

#[test]
fn other_forms_go_to_standard_output() {
    for (form, mark) in [("ir", "Conv"), ("plan", "arena 2048 bytes"), ("dot", "digraph")] {
        let ran = zantc(&["compile", &digits(), "--emit", form]).ended(0);
        assert!(ran.stdout.contains(mark), "{form}: {}", ran.stdout);
    }
    let out = TempDir::new().unwrap();
    zantc(&["compile", &digits(), "--emit", "module", "-o", &out.path().to_string_lossy()]).ended(0);
    let module = files(out.path()).into_iter().find(|f| f.ends_with(".rs")).expect("a module");
    let text = fs::read_to_string(out.path().join(module)).unwrap();
    assert!(text.contains("pub mod digits") && !text.contains("//!\n#!["), "it can be included");
}

#[test]
fn nothing_is_written_where_a_model_is_refused() {
    let out = TempDir::new().unwrap();
    let folder = out.path().join("net");
    let ran = zantc(&["compile", &hostile("attribute_unknown.onnx"), "-o", &folder.to_string_lossy()]).ended(1);
    assert!(ran.stderr.contains("error[ZA0207]") && !folder.exists(), "{}", ran.stderr);
    // What was there stays as it was.
    zantc(&["compile", &digits(), "-o", &folder.to_string_lossy()]).ended(0);
    let before = fs::read(folder.join("zant.json")).unwrap();
    zantc(&["compile", &hostile("attribute_unknown.onnx"), "-o", &folder.to_string_lossy()]).ended(1);
    assert_eq!(fs::read(folder.join("zant.json")).unwrap(), before);
}

#[test]
fn limits_of_memory_are_kept() {
    let ran = zantc(&["compile", &digits(), "--max-ram", "1K", "--emit", "plan"]).ended(1);
    assert!(ran.stderr.contains("2048") && ran.stderr.contains("relu1"), "the peak is named: {}", ran.stderr);
    let ran = zantc(&["compile", &digits(), "--max-flash", "4K", "--emit", "plan"]).ended(1);
    assert!(ran.stderr.contains("7592"), "{}", ran.stderr);
    zantc(&["compile", &digits(), "--max-ram", "3K", "--max-flash", "8K", "--emit", "plan"]).ended(0);
}

#[test]
fn unknown_options_and_values_are_usage_errors() {
    zantc(&["compile", &digits(), "--frob"]).ended(2);
    zantc(&["compile", &digits(), "--alloc", "pool"]).ended(2);
    zantc(&["compile", &digits(), "--max-ram", "many"]).ended(2);
    zantc(&["frobnicate"]).ended(2);
    let ran = zantc(&["compile", "no-such-model.onnx"]).ended(2);
    assert!(ran.stderr.contains("ZA0001") && ran.stderr.contains("help"), "{}", ran.stderr);
}

#[test]
fn run_computes_what_the_vectors_hold() {
    let out = TempDir::new().unwrap();
    let input = workspace("models/digits/test_data_set_0/input_0.pb");
    let input = input.to_string_lossy();
    let printed = zantc(&["run", &digits(), "--input", &input]).ended(0);
    assert!(printed.stdout.starts_with("probabilities: f32[1,10]"), "{}", printed.stdout);
    zantc(&["run", &digits(), "--input", &input, "--output", &out.path().to_string_lossy()]).ended(0);
    assert_eq!(files(out.path()).len(), 1, "one output");
    let missing = zantc(&["run", &digits()]).ended(1);
    assert!(missing.stderr.contains("image"), "the input is named: {}", missing.stderr);
    let other = workspace("models/digits/test_data_set_0/output_0.pb");
    let wrong = zantc(&["run", &digits(), "--input", &other.to_string_lossy()]).ended(1);
    assert!(wrong.stderr.contains("f32[1,10]"), "{}", wrong.stderr);
}

#[test]
fn verify_passes_and_fails_by_the_vectors() {
    let passed = zantc(&["verify", &digits(), "--in-process", "--per-node"]).ended(0);
    assert!(passed.stdout.contains("PASS") && passed.stdout.contains("cosine"), "{}", passed.stdout);
    assert!(passed.stderr.contains("compared with the model's vectors, 3 data sets"), "{}", passed.stderr);
    // The vectors of another data set are not what this input gives.
    let mixed = TempDir::new().unwrap();
    let set = mixed.path().join("test_data_set_0");
    fs::create_dir(&set).unwrap();
    fs::copy(workspace("models/digits/test_data_set_0/input_0.pb"), set.join("input_0.pb")).unwrap();
    fs::copy(workspace("models/digits/test_data_set_1/output_0.pb"), set.join("output_0.pb")).unwrap();
    let data = mixed.path().to_string_lossy();
    let failed = zantc(&["verify", &digits(), "--in-process", "--data", &data]).ended(1);
    assert!(failed.stdout.contains("FAIL"), "{}", failed.stdout);
    // With no tolerance at all it passes only if the bits are equal; with a huge one anything does.
    zantc(&["verify", &digits(), "--in-process", "--data", &data, "--tolerance", "10"]).ended(0);
    let empty = TempDir::new().unwrap();
    zantc(&["verify", &digits(), "--in-process", "--data", &empty.path().to_string_lossy()]).ended(1);
    zantc(&["verify", &digits(), "--in-process", "--quanta", "-1"]).ended(2);
}

#[test]
fn verify_measures_quantized_outputs_in_quanta() {
    let model = workspace("models/digits_int8/digits_int8.onnx").to_string_lossy().into_owned();
    let ran = zantc(&["verify", &model, "--in-process", "--per-node"]).ended(0);
    assert!(ran.stderr.contains("within 1 quantum in at most one element of 1000"), "{}", ran.stderr);
    assert!(ran.stdout.contains("fed with the bytes of the graph as the model writes it"), "{}", ran.stdout);
    assert!(ran.stdout.contains("steps equal the reference of the compiled graph to the bit"), "{}", ran.stdout);
    let ran = zantc(&["verify", &model, "--in-process", "--json"]).ended(0);
    let found = messages(&ran.stdout);
    let verified = found.iter().find(|m| m["reason"] == "verified").expect("a comparison");
    assert_eq!((&verified["verdict"], &verified["reference"]), (&"pass".into(), &"vectors".into()), "{verified}");
    let distance = &verified["distance"];
    assert!(distance["max_quanta"].is_number() && distance["max_ulps"].is_null(), "{distance}");
    assert!(distance["rmse"].is_number() && distance["cosine"].is_number(), "{distance}");
    let failed = workspace("models/digits_int8/test_data_set_0");
    let mixed = TempDir::new().unwrap();
    fs::copy(failed.join("input_0.pb"), mixed.path().join("input_0.pb")).unwrap();
    fs::copy(workspace("models/digits_int8/test_data_set_1/output_0.pb"), mixed.path().join("output_0.pb")).unwrap();
    let data = mixed.path().to_string_lossy();
    let ran = zantc(&["verify", &model, "--in-process", "--data", &data]).ended(1);
    let line = "the graph as the model writes it does not give the vectors' output";
    let spread = "ties do not explain it";
    assert!(ran.stdout.contains(line) || ran.stdout.contains(spread), "{}", ran.stdout);
    assert!(ran.stdout.contains("FAIL") && !ran.stdout.contains("PASS"), "{}", ran.stdout);
}

#[test]
fn verify_without_vectors_says_so_and_compares_with_the_naive_reference() {
    let folder = TempDir::new().unwrap();
    fs::copy(workspace("models/digits/digits.onnx"), folder.path().join("net.onnx")).unwrap();
    let ran = zantc_in(folder.path(), &["verify", "net.onnx", "--in-process", "--per-node"]).ended(0);
    let said = "no vectors: compared with zantc's naive reference on 3 seeded inputs";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(!ran.stderr.contains("the model's vectors") && !ran.stdout.contains("from the vectors"), "{}", ran.stdout);
    let rows = |text: &str| text.lines().filter(|l| l.starts_with("seeded ") && l.ends_with("PASS")).count();
    assert_eq!(rows(&ran.stdout), 3, "{}", ran.stdout);
    let ran = zantc_in(folder.path(), &["verify", "net.onnx", "--in-process", "--seeded", "5"]).ended(0);
    assert_eq!(rows(&ran.stdout), 5, "{}", ran.stdout);
    zantc_in(folder.path(), &["verify", "net.onnx", "--in-process", "--seeded", "0"]).ended(2);
    // Vectors of other shapes, as beside a model that is compiled for another batch, are no vectors of this one.
    let set = folder.path().join("test_data_set_0");
    fs::create_dir(&set).unwrap();
    let port = zantc::ir::Tensor::from_elements([2, 1, 8, 8], &[0.5f32; 128]);
    zantc::import::to_raw("image", &port).write_pb(&set.join("input_0.pb")).unwrap();
    let ran = zantc_in(folder.path(), &["verify", "net.onnx", "--in-process"]).ended(0);
    assert!(ran.stderr.contains("is f32[2,1,8,8] in test_data_set_0, the model's is f32[1,1,8,8]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("no vectors of these shapes: compared with zantc's naive"), "{}", ran.stderr);
    let given = set.to_string_lossy();
    zantc_in(folder.path(), &["verify", "net.onnx", "--in-process", "--data", &given]).ended(1);
}

#[test]
fn inspect_reports_what_programs_read() {
    let ran = zantc(&["inspect", &digits(), "--json"]).ended(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    assert_eq!(report["arena_bytes"], 2048);
    assert_eq!(report["arena_lower_bound_bytes"], 2048);
    assert_eq!(report["weights_bytes"], 7592);
    assert_eq!(report["macs"], 23680);
    assert_eq!(report["steps"].as_array().map(Vec::len), Some(6));
    assert_eq!(report["format"], "zantc-inspection");
    let out = TempDir::new().unwrap();
    let picture = out.path().join("arena.svg");
    zantc(&["inspect", &digits(), "--svg", &picture.to_string_lossy()]).ended(0);
    let picture = fs::read_to_string(picture).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("relu1") && picture.contains("peak"));
}

#[test]
fn compare_reads_what_inspect_writes_and_fails_on_what_is_worse() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (old, new) = (at("old.json"), at("new.json"));
    let text = zantc(&["inspect", &digits(), "--json"]).ended(0).stdout;
    fs::write(&old, &text).unwrap();
    let ran = zantc(&["compare", &old, &old]).ended(0);
    assert!(ran.stdout.starts_with("# zantc inspect: unchanged\n"), "{}", ran.stdout);
    // The report's own row of the arena.
    let worse = text.replace("\"count\": 2048", "\"count\": 4096");
    assert_ne!(worse, text);
    fs::write(&new, &worse).unwrap();
    let ran = zantc(&["compare", &old, &new]).ended(1);
    assert!(ran.stderr.contains("ZA0509") && ran.stderr.contains("digits / host: arena by 100.0 %"), "{}", ran.stderr);
    zantc(&["compare", &old, &new, "--threshold", "150%"]).ended(0);
    zantc(&["compare", &old, &new, "--fail-on", "never"]).ended(0);
    zantc(&["compare", &new, &old]).ended(0);
    let limits = at("zant.budget.toml");
    fs::write(&limits, "[[budget]]\nmodel = \"digits\"\nram = 2048\n").unwrap();
    zantc(&["compare", &new, &old, "--budget", &limits]).ended(0);
    let ran = zantc(&["compare", &old, &new, "--fail-on", "never", "--budget", &limits]).ended(1);
    assert!(ran.stderr.contains("ZA0301") && ran.stderr.contains("2048 more than the 2048 allowed"), "{}", ran.stderr);
    let page = at("page.html");
    zantc(&["compare", &new, &old, "--format", "html", "-o", &page]).ended(0);
    assert!(fs::read_to_string(page).unwrap().starts_with("<!doctype html>"));
    let json = zantc(&["compare", &new, &old, "--format", "json"]).ended(0).stdout;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["verdict"], "improved");
    fs::write(&new, text.replace("\"version\": 1", "\"version\": 0")).unwrap();
    let ran = zantc(&["compare", &old, &new]).ended(2);
    assert!(ran.stderr.contains("ZA0508") && ran.stderr.contains("`version` is 0"), "{}", ran.stderr);
    zantc(&["compare", &old, &at("nothing.json")]).ended(2);
    zantc(&["compare", &old]).ended(2);
    // What is gone fails, unless it may be.
    let mut less: serde_json::Value = serde_json::from_str(&text).unwrap();
    let values = less["report"]["rows"][0]["values"].as_object_mut().unwrap();
    assert!(values.remove("arena").is_some());
    fs::write(&new, less.to_string()).unwrap();
    let ran = zantc(&["compare", &old, &new]).ended(1);
    assert!(ran.stderr.contains("arena of digits / host is not measured any more"), "{}", ran.stderr);
    zantc(&["compare", &old, &new, "--allow-vanished"]).ended(0);
    // Three reports are a trend.
    fs::write(&new, &worse).unwrap();
    let ran = zantc(&["compare", &old, &new, &old]).ended(0);
    assert!(ran.stdout.starts_with("# zantc inspect: unchanged\n"), "{}", ran.stdout);
    zantc(&["compare", &old, &new, "--threshold", "much"]).ended(2);
}

/// `Softmax(DequantizeLinear(x))`, whose result is an output.
fn softmax_of_bytes() -> Vec<u8> {
    use prost::Message as _;
    use zantc::onnx::proto::*;
    let dim = |d| Dimension { value: Some(DimensionValue::Value(d)), ..Dimension::default() };
    let port = |name: &str, elem_type| {
        let shape = Some(TensorShapeProto { dim: vec![dim(1), dim(4)] });
        let value = Some(TypeValue::Tensor(TensorType { elem_type, shape }));
        let ty = Some(TypeProto { value, ..TypeProto::default() });
        ValueInfoProto { name: name.into(), ty, ..ValueInfoProto::default() }
    };
    let node = |op_type: &str, input: &[&str], output: &str| NodeProto {
        op_type: op_type.into(),
        name: output.into(),
        input: input.iter().map(|i| i.to_string()).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    };
    let scale = TensorProto {
        name: "scale".into(),
        data_type: 1,
        raw_data: Some(0.5f32.to_le_bytes().to_vec().into()),
        ..TensorProto::default()
    };
    let graph = GraphProto {
        node: vec![node("DequantizeLinear", &["x", "scale"], "real"), node("Softmax", &["real"], "shares")],
        input: vec![port("x", 3)],
        output: vec![port("shares", 1)],
        initializer: vec![scale],
        ..GraphProto::default()
    };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 13 }];
    ModelProto { ir_version: 8, opset_import, graph, ..ModelProto::default() }.encode_to_vec()
}

#[test]
fn inspect_says_what_stays_in_floats_and_why() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("shares.onnx");
    fs::write(&path, softmax_of_bytes()).unwrap();
    let model = path.to_string_lossy().into_owned();
    let reason = "its result is an output of the model in floats";
    let ran = zantc(&["inspect", &model, "--json"]).ended(0);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    let stays = report["stays_float"].as_array().expect("a list");
    assert_eq!(stays.len(), 1, "{stays:?}");
    assert_eq!(stays[0]["nodes"][0]["op_type"], "Softmax");
    assert_eq!(stays[0]["reason"], reason);
    let text = zantc(&["inspect", &model]).ended(0).stdout;
    assert!(text.contains(&format!("in floats: Softmax \"shares\": {reason}\n")), "{text}");
    assert!(!zantc(&["inspect", &digits()]).ended(0).stdout.contains("in floats"));
}

#[test]
fn check_lists_everything_at_once_and_explain_explains_it() {
    let ran = zantc(&["check", &hostile("attribute_unknown.onnx"), "--message-format", "json"]).ended(1);
    let found = messages(&ran.stdout);
    let diagnostic = found.iter().find(|m| m["reason"] == "diagnostic").expect("a finding");
    assert_eq!(diagnostic["code"], "ZA0207");
    assert!(diagnostic["node"]["line"].is_string(), "{diagnostic}");
    let good = zantc(&["check", &digits()]).ended(0);
    assert!(!good.stderr.contains("error"), "{}", good.stderr);
    assert!(zantc(&["explain", "ZA0207"]).ended(0).stdout.starts_with("ZA0207: "));
    assert!(zantc(&["explain", "ZA9"]).ended(2).stderr.contains("nearest"));
    assert!(zantc(&["ops"]).ended(0).stdout.contains("Conv"));
}

#[test]
fn a_configuration_beside_the_model_means_what_the_options_mean() {
    let folder = TempDir::new().unwrap();
    fs::copy(workspace("models/digits/digits.onnx"), folder.path().join("net.onnx")).unwrap();
    fs::write(folder.path().join("zant.toml"), "max-ram = 1024\n").unwrap();
    zantc_in(folder.path(), &["compile", "net.onnx", "--emit", "plan"]).ended(1);
    zantc_in(folder.path(), &["compile", "net.onnx", "--emit", "plan", "--max-ram", "3K"]).ended(0);
    fs::write(folder.path().join("zant.toml"), "# limits\nname = \"a\"\nmax-ramm = 1024 # too much\n").unwrap();
    let ran = zantc_in(folder.path(), &["compile", "net.onnx", "--emit", "plan"]).ended(2);
    let quoted = " --> zant.toml:3:1\n  |\n  | max-ramm = 1024 # too much\n  | ^^^^^^^^\n";
    assert!(ran.stderr.contains("unknown field `max-ramm`") && ran.stderr.contains(quoted), "{}", ran.stderr);
    assert!(!ran.stderr.contains("\\u{a}"), "{}", ran.stderr);
}

/// What is compiled by mistake is named, with its path and what to do.
#[test]
fn files_that_are_no_models_are_named_for_what_they_are() {
    let folder = TempDir::new().unwrap();
    let zip = [b"PK\x03\x04", &[0; 26][..], b"net/data.pkl"].concat();
    let tensors = b"\x10\0\0\0\0\0\0\0{\"a\":[1,2,3,4]}  ";
    let cases: [(&str, &[u8], &str, &str); 12] = [
        (
            "lfs.onnx",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n",
            "pointer of Git LFS",
            "git lfs pull",
        ),
        ("net.tflite", b"\x1c\0\0\0TFL3\x14\0\0\0", "TensorFlow Lite", "tf2onnx"),
        ("net.pt", &zip, "PyTorch", "torch.onnx.export"),
        ("old.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "pickle", "torch.onnx.export"),
        ("net.safetensors", tensors, "safetensors", "export"),
        ("page.onnx", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "HTML page", "download"),
        ("net.onnx.gz", b"\x1f\x8b\x08\0\0\0\0\0", "gzip", "gunzip"),
        ("net.h5", b"\x89HDF\r\n\x1a\n\0\0", "Keras", "export"),
        ("net.gguf", b"GGUF\x03\0\0\0", "GGUF", "export"),
        ("net.zip", b"PK\x03\x04\x14\0\0\0", "zip archive", "unpack"),
        ("net.ort", b"\x1c\0\0\0ORTM\x14\0\0\0", ".ort", ".onnx"),
        ("empty.onnx", b"", "it is empty", "again"),
    ];
    for (name, bytes, kind, help) in cases {
        fs::write(folder.path().join(name), bytes).unwrap();
        let said = zantc_in(folder.path(), &["compile", name]).ended(2).stderr;
        assert!([name, kind, help, "ZA0002"].iter().all(|part| said.contains(part)), "{name}: {said}");
    }
    fs::create_dir(folder.path().join("model")).unwrap();
    let said = zantc_in(folder.path(), &["compile", "model"]).ended(2).stderr;
    assert!(said.contains("it is a folder") && said.contains("name the .onnx file"), "{said}");
    fs::write(folder.path().join("noise.onnx"), [0xff; 40]).unwrap();
    let said = zantc_in(folder.path(), &["compile", "noise.onnx"]).ended(2).stderr;
    assert!(said.contains("noise.onnx") && said.contains("is not a ModelProto"), "{said}");
}

#[test]
fn mistyped_inputs_have_neighbours() {
    let said = zantc(&["run", &digits(), "-i", "imag=x.npy"]).ended(2).stderr;
    let parts = ["no input `imag`", "`image` (f32[", "nearest is `image`"];
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    // A file whose name has the sign is a file.
    let folder = TempDir::new().unwrap();
    fs::copy(workspace("models/digits/test_data_set_0/input_0.pb"), folder.path().join("a=b.pb")).unwrap();
    zantc_in(folder.path(), &["run", &digits(), "-i", "a=b.pb"]).ended(0);
}
