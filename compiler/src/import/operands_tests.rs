//! Nodes of every operator on operands of every rank and of empty ones: what does not fit gets a diagnostic, what fits a program.
//! Nothing here may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::config::Config;
use crate::import::{Options, import, registry, signature};
use crate::ir::DType;

/// The largest rank that is tried.
const MAX_RANK: u64 = 6;
/// Nodes of each operator.
const ROUNDS: u64 = 120;
/// Opsets that are tried.
const OPSETS: [i64; 5] = [7, 11, 13, 18, 27];
/// Texts that attributes may hold.
const TEXTS: [&str; 12] = [
    "linear",
    "cubic",
    "SAME_UPPER",
    "VALID",
    "sum",
    "none",
    "mean",
    "gated_delta",
    "constant",
    "reflect",
    "add",
    "ij,jk->ik",
];

/// A small generator: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n.max(1)
    }

    fn dims(&mut self, rank: u64) -> Vec<i64> {
        // One length for most, so that operands often fit; now and then one without elements.
        (0..rank).map(|_| if self.below(5) == 0 { self.below(4) as i64 } else { 2 }).collect()
    }

    fn attribute(&mut self, name: &str) -> AttributeProto {
        let a = AttributeProto { name: name.into(), ..AttributeProto::default() };
        let small = |r: &mut Random| r.below(4) as i64 - i64::from(r.below(6) == 0);
        let is_list = name.ends_with('s') || name.contains("shape") || name == "perm";
        match self.below(8) {
            0 => AttributeProto { kind: 1, f: Some(self.below(3) as f32 * 0.5), ..a },
            1 => AttributeProto { kind: 3, s: Some(TEXTS[self.below(12) as usize].into()), ..a },
            2..6 if is_list => {
                let n = self.below(5);
                AttributeProto { kind: 7, ints: (0..n).map(|_| small(self)).collect(), ..a }
            }
            _ => AttributeProto { kind: 2, i: Some(small(self)), ..a },
        }
    }
}

/// The elements of a constant: numbers from 0 to 2.
fn constant(name: &str, code: i32, dtype: DType, dims: &[i64], random: &mut Random) -> TensorProto {
    let elements: i64 = dims.iter().product();
    let numbers: Vec<f64> = (0..elements).map(|_| random.below(3) as f64).collect();
    let scalars = numbers.iter().map(|&v| crate::ir::Scalar::from_f64(v, dtype));
    let shape: Vec<usize> = dims.iter().map(|&d| d as usize).collect();
    let data = Tensor::from_scalars(crate::ir::Type::new(dtype, shape), scalars);
    let raw_data = Some(data.data().to_vec().into());
    TensorProto { name: name.into(), data_type: code, dims: dims.to_vec(), raw_data, ..TensorProto::default() }
}

/// A model of one node: operand `varied` has another rank than the others.
fn one_node(entry: &registry::OpEntry, opset_version: i64, round: u64, random: &mut Random) -> ModelProto {
    const TYPES: [(i32, DType); 6] =
        [(1, DType::F32), (7, DType::I64), (6, DType::I32), (2, DType::U8), (3, DType::I8), (9, DType::Bool)];
    let (most, attributes) = signature::widest(entry.name, opset_version).unwrap_or((9, Vec::new()));
    let count = if random.below(4) == 0 { random.below(most as u64) + 1 } else { most as u64 };
    let (varied, rank, base) = (random.below(count), round % (MAX_RANK + 1), 1 + random.below(4));
    let kinds = if random.below(2) == 0 { 1 } else { 6 };
    let common = TYPES[random.below(kinds) as usize];
    let (mut input, mut initializer, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..count {
        let name = format!("x{i}");
        if i > 0 && i != varied && random.below(8) == 0 {
            names.push(String::new());
            continue;
        }
        let (code, dtype) = if random.below(3) == 0 { TYPES[random.below(6) as usize] } else { common };
        let own = if i == varied { rank } else { base };
        let dims = random.dims(own);
        if random.below(2) == 0 {
            initializer.push(constant(&name, code, dtype, &dims, random));
        } else {
            input.push(port(&name, code, &dims));
        }
        names.push(name);
    }
    let outputs = 1 + random.below(3).saturating_sub(1);
    let attribute = attributes.iter().filter(|_| random.below(2) == 0).copied().collect::<Vec<_>>();
    let attribute = attribute.into_iter().map(|a| random.attribute(a)).collect();
    let node = NodeProto {
        op_type: entry.name.into(),
        domain: entry.domain.into(),
        input: names,
        output: (0..outputs).map(|i| format!("y{i}")).collect(),
        attribute,
        ..NodeProto::default()
    };
    let output = (0..outputs).map(|i| ValueInfoProto { name: format!("y{i}"), ..ValueInfoProto::default() }).collect();
    let graph = GraphProto { node: vec![node], input, output, initializer, ..GraphProto::default() };
    let opset_import = vec![opset("", opset_version), opset("com.microsoft", 1)];
    ModelProto { ir_version: 10, opset_import, graph, ..ModelProto::default() }
}

/// Whether the model is compiled; else it was refused.
fn compiles(model: &ModelProto) -> bool {
    let Ok(import) = import(model, &Options::default()) else { return false };
    crate::pipeline::compile_graph(import.graph, &Config::new()).is_ok()
}

#[test]
fn operands_of_any_rank_get_a_program_or_a_diagnostic() {
    let mut panics = Vec::new();
    let (mut tried, mut compiled) = (0, 0);
    for (n, entry) in registry::entries().enumerate() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (n as u64 + 1));
        for round in 0..ROUNDS {
            let opset = OPSETS[random.below(5) as usize];
            let model = one_node(entry, opset, round, &mut random);
            tried += 1;
            match catch_unwind(AssertUnwindSafe(|| compiles(&model))) {
                Ok(done) => compiled += usize::from(done),
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().map(String::as_str);
                    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_string();
                    let operands: Vec<String> = model
                        .graph
                        .initializer
                        .iter()
                        .map(|t| format!("{} = constant {} {:?}", t.name, t.data_type, t.dims))
                        .collect();
                    let graph = &model.graph;
                    let node = &graph.node[0];
                    panics.push(format!(
                        "{} opset {opset} {:?}: {text}\n    {operands:?}\n    {:?}\n    {:?}",
                        entry.name, node.input, graph.input, node.attribute
                    ));
                }
            }
        }
    }
    println!("{tried} nodes, {compiled} compiled");
    assert!(panics.is_empty(), "{} panics in {tried} nodes:\n{}", panics.len(), panics.join("\n"));
    // Most do not fit; where next to none did, nothing would be tried.
    assert!(compiled * 20 > tried, "only {compiled} of {tried} nodes were compiled");
}
