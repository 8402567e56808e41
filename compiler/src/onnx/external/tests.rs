//! External data: what is read, and every way out of the folder.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use prost::Message;
use tempfile::TempDir;

use crate::onnx::proto::{ModelProto, StringStringEntryProto, TensorProto};
use crate::onnx::{Limits, LoadError, Model, RawTensor, load, load_bytes};

/// A tensor of four bytes with the given external data.
fn tensor(entries: &[(&str, &str)]) -> TensorProto {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto { key: (*key).into(), value: (*value).into() };
    TensorProto {
        name: "w".into(),
        data_type: 2,
        dims: vec![4],
        data_location: TensorProto::LOCATION_EXTERNAL,
        external_data: entries.iter().map(entry).collect(),
        ..TensorProto::default()
    }
}

fn model(initializer: Vec<TensorProto>) -> Bytes {
    let mut model = ModelProto::default();
    model.graph.initializer = initializer;
    model.encode_to_vec().into()
}

/// A folder `model` with `w.bin` of eight bytes, beside it `secret.bin`.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("model/sub")).unwrap();
    fs::write(dir.path().join("model/w.bin"), [0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
    fs::write(dir.path().join("secret.bin"), [9; 8]).unwrap();
    dir
}

fn read_in(dir: &Path, entries: &[(&str, &str)]) -> Result<Model, LoadError> {
    load_bytes(model(vec![tensor(entries)]), Some(&dir.join("model")), &Limits::default())
}

fn code(dir: &TempDir, entries: &[(&str, &str)]) -> &'static str {
    read_in(dir.path(), entries).map_or_else(|error| error.code(), |_| "loaded")
}

fn code_at(dir: &TempDir, location: &str) -> &'static str {
    code(dir, &[("location", location), ("length", "4")])
}

#[test]
fn tensors_are_slices_of_one_read() {
    let dir = folder();
    let first = tensor(&[("location", "w.bin"), ("offset", "2"), ("length", "4"), ("basepath", "elsewhere")]);
    let second = tensor(&[("location", "./w.bin"), ("offset", "4")]);
    let path = dir.path().join("model/m.onnx");
    fs::write(&path, model(vec![first, second])).unwrap();
    let model = load(&path, &Limits::default()).unwrap();
    let data: Vec<_> = model.proto.graph.initializer.iter().map(|t| RawTensor::decode(t, &Limits::default())).collect();
    let [Ok(first), Ok(second)] = &data[..] else { panic!("{data:?}") };
    assert_eq!((&first.data[..], &second.data[..]), (&[2, 3, 4, 5][..], &[4, 5, 6, 7][..]));
    assert_eq!(first.data[2..].as_ptr(), second.data.as_ptr());
    assert_eq!(model.external_files, [dir.path().join("model/w.bin")]);
}

#[test]
fn tensors_in_attributes_subgraphs_and_functions_are_found() {
    use crate::onnx::proto::{AttributeProto, FunctionProto, GraphProto, NodeProto, SparseTensorProto};
    let dir = folder();
    let external = || tensor(&[("location", "w.bin"), ("length", "4")]);
    let sparse = || SparseTensorProto { values: Some(external()), indices: Some(external()), dims: vec![] };
    let node = |attribute| NodeProto { attribute: vec![attribute], ..NodeProto::default() };
    let leaf = AttributeProto {
        t: Some(Box::new(external())),
        tensors: vec![external()],
        sparse_tensor: Some(Box::new(sparse())),
        ..AttributeProto::default()
    };
    let inner = GraphProto { node: vec![node(leaf.clone())], sparse_initializer: vec![sparse()], ..Default::default() };
    let outer = AttributeProto { g: Some(Box::new(inner.clone())), graphs: vec![inner], ..AttributeProto::default() };
    let mut proto = ModelProto::default();
    proto.graph.node = vec![node(outer)];
    proto.functions = vec![FunctionProto { node: vec![node(leaf)], ..FunctionProto::default() }];
    let loaded = load_bytes(proto.encode_to_vec().into(), Some(&dir.path().join("model")), &Limits::default()).unwrap();
    assert!(format!("{proto:?}").contains("w.bin"));
    assert!(!format!("{:?}", loaded.proto).contains("w.bin"));
}

#[test]
fn paths_out_of_the_folder_are_refused_before_they_are_looked_at() {
    let dir = folder();
    let absolute = dir.path().join("model/w.bin");
    for location in ["../secret.bin", "sub/../../secret.bin", "..", "/", "sub/../w.bin", absolute.to_str().unwrap()] {
        assert_eq!(code_at(&dir, location), "ZA0004", "{location}");
    }
    for location in ["..\\secret.bin", "sub\\w.bin", "w.bin\0"] {
        assert_eq!(code_at(&dir, location), "ZA0004", "{location:?}");
    }
    let nowhere = load_bytes(model(vec![tensor(&[("location", "w.bin")])]), None, &Limits::default());
    assert_eq!(nowhere.unwrap_err().code(), "ZA0004");
}

#[cfg(unix)]
#[test]
fn links_may_not_lead_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let dir = folder();
    let inside = dir.path().join("model");
    symlink("../w.bin", inside.join("sub/in.bin")).unwrap();
    assert_eq!(code_at(&dir, "sub/in.bin"), "loaded");
    symlink("../secret.bin", inside.join("out.bin")).unwrap();
    symlink("..", inside.join("up")).unwrap();
    symlink("/dev/zero", inside.join("zero")).unwrap();
    for location in ["out.bin", "up/secret.bin", "zero"] {
        assert_eq!(code_at(&dir, location), "ZA0004", "{location}");
    }
    // The same prefix is not the same folder.
    fs::create_dir(dir.path().join("model2")).unwrap();
    fs::write(dir.path().join("model2/w.bin"), [0; 8]).unwrap();
    symlink("../model2", inside.join("twin")).unwrap();
    assert_eq!(code_at(&dir, "twin/w.bin"), "ZA0004");
    symlink("loop", inside.join("loop")).unwrap();
    assert_eq!(code_at(&dir, "loop"), "ZA0001");
    // The folder itself may be reached by a link.
    symlink("model", dir.path().join("alias")).unwrap();
    let entries = [("location", "w.bin"), ("length", "4")];
    let model = load_bytes(model(vec![tensor(&entries)]), Some(&dir.path().join("alias")), &Limits::default());
    assert_eq!(model.unwrap().external_files, [dir.path().join("alias/w.bin")]);
}

#[cfg(unix)]
#[test]
fn only_regular_files_with_one_name_are_read() {
    let dir = folder();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("model/socket")).unwrap();
    assert_eq!(code_at(&dir, "socket"), "ZA0004");
    assert_eq!(code_at(&dir, "sub"), "ZA0004");
    assert_eq!(code_at(&dir, "absent"), "ZA0001");
    fs::hard_link(dir.path().join("secret.bin"), dir.path().join("model/hard.bin")).unwrap();
    assert_eq!(code_at(&dir, "hard.bin"), "ZA0004");
}

#[test]
fn lengths_are_those_of_the_tensor_and_within_the_file() {
    let dir = folder();
    let at = |offset: &str, length: &str| code(&dir, &[("location", "w.bin"), ("offset", offset), ("length", length)]);
    assert_eq!(at("4", "4"), "loaded");
    assert_eq!(at("5", "4"), "ZA0005");
    assert_eq!(at("18446744073709551615", "4"), "ZA0009");
    assert_eq!(at("0", "3"), "ZA0006");
    assert_eq!(at("0", "5"), "ZA0006");
    // Without a length the rest of the file is meant.
    assert_eq!(code(&dir, &[("location", "w.bin")]), "ZA0006");
    assert_eq!(code(&dir, &[("location", "w.bin"), ("offset", "4")]), "loaded");
    assert_eq!(code(&dir, &[("location", "w.bin"), ("offset", "9")]), "ZA0005");
}

#[test]
fn entries_that_make_no_sense_are_refused() {
    let dir = folder();
    for number in ["", "-1", "+4", " 4", "4.0", "0x4", "18446744073709551616"] {
        assert_eq!(code(&dir, &[("location", "w.bin"), ("length", number)]), "ZA0009", "{number:?}");
        assert_eq!(code(&dir, &[("location", "w.bin"), ("offset", number)]), "ZA0009", "{number:?}");
    }
    assert_eq!(code(&dir, &[]), "ZA0009");
    assert_eq!(code(&dir, &[("location", "")]), "ZA0009");
    assert_eq!(code(&dir, &[("location", "w.bin"), ("location", "w.bin")]), "ZA0009");
    let both = TensorProto { raw_data: Some(Bytes::from_static(&[0; 4])), ..tensor(&[("location", "w.bin")]) };
    let result = load_bytes(model(vec![both]), Some(&dir.path().join("model")), &Limits::default());
    assert_eq!(result.unwrap_err().code(), "ZA0009");
}

#[test]
fn checksums_must_match() {
    let dir = folder();
    let with = |checksum: &str| code(&dir, &[("location", "w.bin"), ("length", "4"), ("checksum", checksum)]);
    // sha1sum of the bytes 0 to 7.
    assert_eq!(with("67423ebfa8454f19ac6f4686d6c0dc731a3ddd6b"), "loaded");
    assert_eq!(with("67423EBFA8454F19AC6F4686D6C0DC731A3DDD6B"), "loaded");
    assert_eq!(with("67423ebfa8454f19ac6f4686d6c0dc731a3ddd6c"), "ZA0009");
    assert_eq!(with("67423ebf"), "ZA0009");
    assert_eq!(with("67423ebfa8454f19ac6f4686d6c0dc731a3ddd6bb"), "ZA0009");
    assert_eq!(with("not hexadecimal"), "ZA0009");
}

#[test]
fn all_external_files_together_are_limited() {
    let dir = folder();
    fs::write(dir.path().join("model/v.bin"), [0; 4]).unwrap();
    let tensors = vec![tensor(&[("location", "w.bin"), ("length", "4")]), tensor(&[("location", "v.bin")])];
    let mut limits = Limits { external_bytes: 12, ..Limits::default() };
    let folder = dir.path().join("model");
    assert_eq!(load_bytes(model(tensors.clone()), Some(&folder), &limits).unwrap().external_files.len(), 2);
    limits.external_bytes = 11;
    assert_eq!(load_bytes(model(tensors), Some(&folder), &limits).unwrap_err().code(), "ZA0003");
}
