#![cfg(unix)]
//! `zantc bench --onnx2c`: C that a program writes for a model, counted on the machine that ours is counted on.

use std::process::{Command, Output};

use zant_measure::report::{Metric, Report};

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

#[test]
fn c_of_onnx2c_is_counted_where_it_computes_the_same() {
    if ["arm-none-eabi-gcc", "qemu-system-arm"].iter().any(|tool| Command::new(tool).arg("--version").output().is_err())
    {
        println!("skipped: 1 measurement of C, for arm-none-eabi-gcc or qemu-system-arm is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, c: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{c}\nEND\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.to_string_lossy().into_owned()
    };
    let model = folder.path().join("relu.onnx");
    std::fs::write(&model, relu()).unwrap();
    let good = script(
        "good",
        "static const float zero[1] = { 0.0f };\nvoid entry(const float x[1][64], float y[1][64]) {\n  for (int i = 0; i < 64; i++) y[0][i] = x[0][i] > zero[0] ? x[0][i] : zero[0];\n}",
    );
    let wrong = script("wrong", "void entry(const float x[1][64], float y[1][64]) { y[0][0] = x[0][0]; }");
    for (program, name) in [(&good, "good"), (&wrong, "wrong")] {
        let (model, out) = (model.to_string_lossy().into_owned(), format!("{name}-report"));
        let args = ["bench", &model, "--target", "cortex-m7", "--profiles", "fast", "--onnx2c", program, "-o", &out];
        let run = Command::new(env!("CARGO_BIN_EXE_zantc")).args(args).current_dir(folder.path()).output();
        let Output { status, stderr, .. } = run.expect("the binary starts");
        let (code, stderr) = (status.code(), String::from_utf8_lossy(&stderr));
        assert_eq!(code, Some(0), "{stderr}");
        let report = Report::read(&folder.path().join(&out).join("report.json")).unwrap();
        let theirs = report.others.iter().find(|other| other.name == "onnx2c");
        if name == "wrong" {
            assert!(
                theirs.is_none() && report.notes.iter().any(|n| n.contains("computes something else")),
                "{:?}",
                report.notes
            );
            continue;
        }
        let theirs = theirs.unwrap_or_else(|| panic!("{:?}", report.notes));
        assert!((100..5000).contains(&theirs.instructions.unwrap()) && theirs.flash.unwrap() > 20, "{theirs:?}");
        assert!(theirs.source.contains("arm-none-eabi-gcc") && theirs.target == "cortex-m7");
        // An instruction is a cycle of 216 MHz.
        let row = &report.rows[0];
        let [instructions, estimate] = [Metric::Instructions, Metric::Estimate].map(|m| row.number(m).unwrap());
        assert!((estimate * 216.0 - instructions).abs() < 1e-6 * instructions, "{estimate}");
    }
}
