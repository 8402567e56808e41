//! Real and random models with some bytes, or some fields, changed.

use std::path::PathBuf;

use prost::Message as _;
use zantc::onnx::proto::{ModelProto, NodeProto};

use super::{Ended, compiled};
use crate::cases;
use crate::random::{Random, sample};

/// The largest file that is mutated: beyond, almost every byte is a weight.
const MAX_BYTES: u64 = 120_000;

/// The small models that there are.
pub fn sources() -> Vec<PathBuf> {
    let own = cases::workspace().join("models/digits/digits.onnx");
    let shared = cases::models().unwrap_or_default().into_iter().map(|c| c.model());
    let small = |p: &PathBuf| std::fs::metadata(p).is_ok_and(|m| m.len() <= MAX_BYTES);
    std::iter::once(own).chain(shared).filter(small).collect()
}

/// The bytes of a case.
///
/// # Panics
/// Where a source can no longer be read.
pub fn bytes(case: u64, sources: &[PathBuf]) -> Vec<u8> {
    let mut r = Random::new(case ^ 0x5eed_0000_0000);
    let original = if sources.is_empty() || r.one_in(3) {
        sample(r.below(100_000) as u64).model.encode_to_vec()
    } else {
        let path = &sources[r.below(sources.len())];
        std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    if r.one_in(2)
        && let Ok(mut model) = ModelProto::decode(original.as_slice())
    {
        for _ in 0..r.within(1, 3) {
            change(&mut r, &mut model);
        }
        return model.encode_to_vec();
    }
    let mut bytes = original;
    for _ in 0..r.within(1, 4) {
        damage(&mut r, &mut bytes);
    }
    bytes
}

/// Runs a case.
///
/// # Errors
/// What is wrong with how it ended.
pub fn run(case: u64, sources: &[PathBuf]) -> Result<Ended, String> {
    compiled(bytes(case, sources)).map(|(ended, _)| ended)
}

/// The number as the format writes lengths and integers.
fn varint(mut v: u64) -> Vec<u8> {
    let mut bytes = vec![];
    while v >= 0x80 {
        bytes.push(v as u8 | 0x80);
        v >>= 7;
    }
    bytes.push(v as u8);
    bytes
}

/// Numbers at which something may give.
const EDGES: [u64; 14] = [
    0,
    1,
    2,
    127,
    255,
    65_536,
    1 << 31,
    (1 << 31) - 1,
    1 << 32,
    (1 << 40) + 1,
    i64::MAX as u64,
    i64::MIN as u64,
    u64::MAX,
    u64::MAX - 1,
];

/// Changes some bytes, wherever they are.
fn damage(r: &mut Random, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    // Structure lies at both ends of most files.
    let window = if r.one_in(2) { bytes.len() } else { bytes.len().min(2000) };
    let at = r.below(window);
    match r.below(7) {
        0 => bytes[at] ^= 1 << r.below(8),
        1 => bytes[at] = r.bits() as u8,
        2 if r.one_in(4) => bytes.truncate(at),
        3 => {
            let length = r.within(1, 200).min(bytes.len() - at);
            let part = bytes[at..at + length].to_vec();
            let to = r.below(bytes.len());
            bytes.splice(to..to, part);
        }
        4 => {
            let v = varint(r.pick(&EDGES));
            let end = (at + if r.one_in(2) { 1 } else { v.len() }).min(bytes.len());
            bytes.splice(at..end, v);
        }
        5 => {
            let end = (at + r.within(1, 20)).min(bytes.len());
            bytes.drain(at..end);
        }
        _ => {
            let end = (at + r.within(1, 8)).min(bytes.len());
            bytes[at..end].fill(r.pick(&[0, 0x7f, 0x80, 0xff]));
        }
    }
}

fn edge(r: &mut Random) -> i64 {
    if r.one_in(2) { r.below(9) as i64 - 3 } else { r.pick(&EDGES) as i64 }
}

/// Changes a field: the file stays well formed.
fn change(r: &mut Random, model: &mut ModelProto) {
    let graph = &mut model.graph;
    match r.below(9) {
        0 => {
            if let Some(set) = model.opset_import.first_mut() {
                set.version = if r.one_in(4) { edge(r) } else { r.within(1, 28) as i64 };
            }
        }
        1 if !graph.initializer.is_empty() => {
            let at = r.below(graph.initializer.len());
            let t = &mut graph.initializer[at];
            match r.below(4) {
                0 => t.data_type = r.within(0, 30) as i32,
                1 if !t.dims.is_empty() => {
                    let d = r.below(t.dims.len());
                    t.dims[d] = edge(r);
                }
                2 => t.dims.push(edge(r)),
                _ => t.raw_data = Some(vec![r.bits() as u8; r.below(40)].into()),
            }
        }
        2 if !graph.initializer.is_empty() => {
            let at = r.below(graph.initializer.len());
            graph.initializer.remove(at);
        }
        3 if !graph.input.is_empty() => {
            let at = r.below(graph.input.len());
            retype(r, &mut graph.input[at]);
        }
        4 if graph.node.len() > 1 => {
            let (a, b) = (r.below(graph.node.len()), r.below(graph.node.len()));
            graph.node.swap(a, b);
        }
        5 if !graph.output.is_empty() => {
            let at = r.below(graph.output.len());
            let again = graph.output[at].clone();
            graph.output.push(again);
        }
        _ if !graph.node.is_empty() => {
            let at = r.below(graph.node.len());
            let names: Vec<String> = graph.node.iter().flat_map(|n| n.output.iter().chain(&n.input)).cloned().collect();
            of_node(r, &mut graph.node[at], &names);
        }
        _ => {}
    }
}

fn retype(r: &mut Random, info: &mut zantc::onnx::proto::ValueInfoProto) {
    use zantc::onnx::proto::{DimensionValue, TypeValue};
    let Some(TypeValue::Tensor(t)) = info.ty.as_mut().and_then(|t| t.value.as_mut()) else { return };
    match t.shape.as_mut().filter(|s| !s.dim.is_empty() && !r.one_in(4)) {
        Some(shape) => {
            let at = r.below(shape.dim.len());
            match r.below(3) {
                0 => drop(shape.dim.remove(at)),
                1 => shape.dim[at].value = Some(DimensionValue::Value(edge(r))),
                _ => {
                    let again = shape.dim[at].clone();
                    shape.dim.push(again);
                }
            }
        }
        None => t.elem_type = r.within(0, 30) as i32,
    }
}

fn of_node(r: &mut Random, node: &mut NodeProto, names: &[String]) {
    match r.below(7) {
        0 if !node.input.is_empty() => {
            let at = r.below(node.input.len());
            node.input[at] = names[r.below(names.len())].clone();
        }
        1 if !node.input.is_empty() => {
            let at = r.below(node.input.len());
            node.input.remove(at);
        }
        2 => node.input.push(if r.one_in(2) || names.is_empty() {
            String::new()
        } else {
            names[r.below(names.len())].clone()
        }),
        3 => {
            let entries: Vec<&str> = crate::random::OPERATORS.iter().map(|e| e.name).collect();
            node.op_type = r.pick(&entries).into();
        }
        4 if !node.output.is_empty() => {
            let again = node.output[0].clone();
            node.output.push(again + "_more");
        }
        _ if !node.attribute.is_empty() => {
            let at = r.below(node.attribute.len());
            let a = &mut node.attribute[at];
            match r.below(6) {
                0 => a.kind = r.within(0, 14) as i32,
                1 => a.i = Some(edge(r)),
                2 => a.f = Some(r.pick(&[f32::NAN, f32::INFINITY, 0.0, -1.0, 1e30])),
                3 if !a.ints.is_empty() => {
                    let i = r.below(a.ints.len());
                    a.ints[i] = edge(r);
                }
                4 => a.ints.push(edge(r)),
                _ => drop(node.attribute.remove(at)),
            }
        }
        _ => {}
    }
}
