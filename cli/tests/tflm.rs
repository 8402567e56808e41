#![cfg(unix)]
//! `zantc bench --tflm`: an interpreter from its sources, counted on the machine that ours is counted on. The sources here have
//! TFLM's interface and compute `Relu`.

use std::path::Path;
use std::process::Command;

use zant_measure::report::Report;

const SCHEMA: &str = "#pragma once
namespace tflite {
enum BuiltinOperator {
  BuiltinOperator_CONV_2D = 3,
  BuiltinOperator_RELU = 19,
};
struct Model {};
inline const Model* GetModel(const void* data) { return static_cast<const Model*>(data); }
}
";

const RESOLVER: &str = "#pragma once
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
namespace tflite {
template <unsigned N> struct MicroMutableOpResolver {
  int known = 0;
  TfLiteStatus AddRelu() { known += 1; return kTfLiteOk; }
};
}
";

const INTERPRETER: &str = "#pragma once
#include <cstddef>
#include <cstdint>
#include \"tensorflow/lite/micro/micro_mutable_op_resolver.h\"
#include \"tensorflow/lite/schema/schema_generated.h\"
union TfLitePtrUnion { char* raw; float* f; };
struct TfLiteTensor { TfLitePtrUnion data; size_t bytes; };
namespace tflite {
struct MicroInterpreter {
  MicroInterpreter(const Model*, const MicroMutableOpResolver<1>& resolver, uint8_t* arena, size_t)
      : known(resolver.known), tensor{{reinterpret_cast<char*>(arena)}, 64 * sizeof(float)} {}
  TfLiteStatus AllocateTensors() { return known == 1 ? kTfLiteOk : kTfLiteError; }
  TfLiteStatus Invoke();
  TfLiteTensor* input(size_t) { return &tensor; }
  TfLiteTensor* output(size_t) { return &tensor; }
  size_t arena_used_bytes() { return 256; }
  int known;
  TfLiteTensor tensor;
};
}
";

const SOURCE: &str = "#include \"tensorflow/lite/micro/micro_interpreter.h\"
TfLiteStatus tflite::MicroInterpreter::Invoke() {
  for (int i = 0; i < 64; i++) tensor.data.f[i] = tensor.data.f[i] > 0.0f ? tensor.data.f[i] : 0.0f;
  return kTfLiteOk;
}
";

/// A model in LiteRT's format with one operator: tables as `measure/src/tflm/operators.rs` reads them.
fn twin(code: u8) -> Vec<u8> {
    let halves = |values: &[u16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let words = |values: &[u32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let parts = [
        words(&[20]),
        halves(&[8, 12, 0, 8]),
        vec![0; 8],
        words(&[16, 0, 4, 1, 20]),
        halves(&[12, 12, 4, 0, 0, 8]),
        vec![0; 4],
        words(&[16, u32::from(code), 0]),
    ];
    parts.concat()
}

/// `Relu` of 64 numbers.
fn relu() -> Vec<u8> {
    use prost::Message as _;
    use zantc::onnx::proto::*;
    let dim = |d| Dimension { value: Some(DimensionValue::Value(d)), ..Dimension::default() };
    let port = |name: &str| {
        let shape = Some(TensorShapeProto { dim: vec![dim(1), dim(64)] });
        let ty =
            TypeProto { value: Some(TypeValue::Tensor(TensorType { elem_type: 1, shape })), ..TypeProto::default() };
        ValueInfoProto { name: name.into(), ty: Some(ty), ..ValueInfoProto::default() }
    };
    let node =
        NodeProto { op_type: "Relu".into(), input: vec!["x".into()], output: vec!["y".into()], ..NodeProto::default() };
    let graph =
        GraphProto { node: vec![node], input: vec![port("x")], output: vec![port("y")], ..GraphProto::default() };
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 13 }];
    ModelProto { ir_version: 8, opset_import, graph, ..ModelProto::default() }.encode_to_vec()
}

/// Writes the sources below a folder.
fn tree(folder: &Path, interpreter: &str) {
    let files = [
        ("schema/schema_generated.h", SCHEMA),
        ("micro/micro_mutable_op_resolver.h", RESOLVER),
        ("micro/micro_interpreter.h", INTERPRETER),
        ("micro/micro_interpreter.cc", interpreter),
        ("micro/kernels/never.cc", "this is no C++\n"),
    ];
    for (name, text) in files {
        let path = folder.join("tensorflow/lite").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// What a report says of it: a row, or why there is none.
fn bench(folder: &Path, sources: &str) -> Report {
    let args = ["bench", "relu.onnx", "--target", "cortex-m7", "--profiles", "fast", "--tflm", sources, "-o", "report"];
    let run = Command::new(env!("CARGO_BIN_EXE_zantc")).args(args).current_dir(folder).output();
    let run = run.expect("the binary starts");
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    Report::read(&folder.join("report/report.json")).unwrap()
}

#[test]
fn an_interpreter_is_counted_where_it_computes_the_same() {
    let tools = ["arm-none-eabi-g++", "qemu-system-arm"];
    if tools.iter().any(|tool| Command::new(tool).arg("--version").output().is_err()) {
        println!("skipped: 1 measurement of C++, for arm-none-eabi-g++ or qemu-system-arm is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("relu.onnx"), relu()).unwrap();
    std::fs::write(folder.join("relu.tflite"), twin(19)).unwrap();
    tree(&folder.join("good"), SOURCE);
    tree(&folder.join("wrong"), &SOURCE.replace("0.0f;", "9.0f;"));

    let report = bench(folder, "good");
    let theirs = report.others.iter().find(|o| o.name == "TFLM").unwrap_or_else(|| panic!("{:?}", report.notes));
    assert!((100..5000).contains(&theirs.instructions.unwrap()), "{theirs:?}");
    assert!(theirs.ram.unwrap() >= 256 && theirs.flash.unwrap() > 60, "{theirs:?}");
    assert!(theirs.source.contains("reference kernels") && !theirs.source.contains("all its operators"));

    let told = |report: Report, what: &str| {
        assert!(
            report.others.is_empty() && report.notes.iter().any(|n| n.contains(what)),
            "{what}: {:?}",
            report.notes
        );
    };
    told(bench(folder, "wrong"), "computes something else");
    std::fs::write(folder.join("relu.tflite"), twin(3)).unwrap();
    told(bench(folder, "good"), "no operator CONV_2D");
    told(bench(folder, "report"), "no tensorflow/lite/micro");
    std::fs::remove_file(folder.join("relu.tflite")).unwrap();
    told(bench(folder, "good"), "no .tflite file");
}
