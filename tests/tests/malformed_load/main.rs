//! Malformed models: cut off, with bits flipped, with impossible shapes, nested deeply, announcing more than they hold.
//!
//! Whatever the bytes, loading and decoding every tensor ends soon, in a model or in an error with a code, without
//! a panic and with memory in proportion to the file.

mod sample;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;
use zant_tests::cases;
use zant_tests::meter::{Meter, metered};
use zantc::onnx::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};
use zantc::onnx::{ElementType, Limits, LoadError, RawTensor, load_bytes};

#[global_allocator]
static METER: Meter = Meter;

/// No input here is near to this; an endless loop is beyond it.
const TIME: Duration = Duration::from_secs(10);

/// Loads a model and decodes its tensors. Gives `loaded`, or the code of the error.
fn attempt(file: Bytes) -> Result<&'static str, LoadError> {
    let limits = Limits::default();
    let model = load_bytes(file, None, &limits)?;
    every_tensor(&model.proto.graph, &mut |tensor| RawTensor::decode(tensor, &limits).map(drop))?;
    Ok("loaded")
}

fn every_tensor(
    graph: &GraphProto,
    visit: &mut dyn FnMut(&TensorProto) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    graph.initializer.iter().try_for_each(&mut *visit)?;
    for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
        attribute.t.as_deref().into_iter().chain(&attribute.tensors).try_for_each(&mut *visit)?;
        attribute.g.as_deref().into_iter().chain(&attribute.graphs).try_for_each(|graph| every_tensor(graph, visit))?;
    }
    Ok(())
}

/// What becomes of a file, within the bounds of time and memory.
///
/// Memory: a message of two bytes may become a struct of a few hundred, and a vector that grows has its old half
/// beside it. Honest limits allow that up to a gigabyte; what is tried here are small files.
fn outcome(file: &[u8]) -> &'static str {
    let file = Bytes::copy_from_slice(file);
    let allowed = 512 * file.len() + (1 << 20);
    let start = Instant::now();
    let (code, [peak, _]) = metered(|| attempt(file).unwrap_or_else(|error| error.code()));
    assert!(start.elapsed() < TIME, "{:?}", start.elapsed());
    assert!(peak <= allowed, "{peak} bytes of memory, {allowed} are allowed");
    code
}

/// How often each outcome came.
fn outcomes(files: impl Iterator<Item = Vec<u8>>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for file in files {
        *counts.entry(outcome(&file)).or_default() += 1;
    }
    counts
}

/// The sample and, where it is there, a real model.
fn originals() -> Vec<Vec<u8>> {
    let mut files = vec![sample::model().encode_to_vec()];
    match cases::models().and_then(|models| models.into_iter().find(|case| case.name == "mnist-8")) {
        Some(case) => files.push(std::fs::read(case.model()).expect("mnist-8 can be read")),
        None => println!("skipped: mnist-8, for there is no shared folder"),
    }
    files
}

/// Splitmix64 (Steele, Lea, Flood 2014): the same numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

#[test]
fn originals_load() {
    for file in originals() {
        assert_eq!(outcome(&file), "loaded");
    }
}

#[test]
fn files_cut_off_anywhere() {
    for file in originals() {
        let step = file.len().div_ceil(2_000);
        let cut = outcomes((0..file.len()).step_by(step).map(|length| file[..length].to_vec()));
        // Between two fields of the model itself a cut leaves a whole, if smaller, model.
        let loaded = cut.get("loaded").copied().unwrap_or_default();
        assert!(loaded <= 16, "{cut:?}");
        assert!(cut.get("ZA0002").copied().unwrap_or_default() > 100, "{cut:?}");
    }
}

#[test]
fn files_with_flipped_bits() {
    for file in originals() {
        let mut random = Random(1);
        let flipped = outcomes((0..3_000).map(|round| {
            let mut bytes = file.clone();
            for _ in 0..=round % 8 {
                bytes[random.below(file.len())] ^= 1 << random.below(8);
            }
            bytes
        }));
        // Flips in structure are errors, flips in weights and texts are not.
        assert!(flipped.contains_key("ZA0002") && flipped.contains_key("loaded"), "{flipped:?}");
    }
}

#[test]
fn files_with_pieces_moved_repeated_and_overwritten() {
    for file in originals() {
        let mut random = Random(2);
        outcomes((0..2_000).map(|_| {
            let mut bytes = file.clone();
            let from = random.below(file.len());
            let length = 1 + random.below((file.len() - from).min(200));
            let piece = file[from..from + length].to_vec();
            let at = random.below(file.len());
            match random.below(3) {
                0 => drop(bytes.splice(at..at, piece)),
                1 => drop(bytes.drain(from..from + length)),
                _ => bytes[from..from + length].fill([0, 0x7f, 0x80, 0xff][random.below(4)]),
            }
            bytes
        }));
    }
}

/// A model with one initializer.
fn with_tensor(tensor: TensorProto) -> Vec<u8> {
    ModelProto { graph: GraphProto { initializer: vec![tensor], ..Default::default() }, ..Default::default() }
        .encode_to_vec()
}

#[test]
fn shapes_that_cannot_be() {
    let tensor = |dims: &[i64], bytes: usize| {
        with_tensor(TensorProto {
            data_type: ElementType::F32.code(),
            dims: dims.to_vec(),
            raw_data: Some(vec![0; bytes].into()),
            ..TensorProto::default()
        })
    };
    assert_eq!(outcome(&tensor(&[2, 2], 16)), "loaded");
    for (dims, bytes, code) in [
        (&[2, 2][..], 15, "ZA0006"),
        (&[2, 2], 17, "ZA0006"),
        (&[2, 2], 0, "ZA0006"),
        (&[1 << 30], 4, "ZA0006"),
        (&[1 << 20, 1 << 20], 4, "ZA0003"),
        (&[i64::MAX, i64::MAX], 4, "ZA0003"),
        (&[1 << 32, 1 << 32], 0, "ZA0003"),
        (&[0, i64::MAX, i64::MAX], 0, "ZA0003"),
        (&[-1], 4, "ZA0008"),
        (&[i64::MIN, i64::MIN], 4, "ZA0008"),
        (&[1; 33], 4, "ZA0003"),
    ] {
        assert_eq!(outcome(&tensor(dims, bytes)), code, "{dims:?} with {bytes} bytes");
    }
}

/// A length-delimited field.
fn field(number: u32, payload: &[u8]) -> Vec<u8> {
    announced(number, payload.len() as u64, payload)
}

/// A field that says it has `length` bytes.
fn announced(number: u32, length: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(u64::from(number << 3 | 2), &mut bytes);
    prost::encoding::encode_varint(length, &mut bytes);
    bytes.extend(payload);
    bytes
}

#[test]
fn graphs_in_graphs_in_graphs() {
    let nested = |depth: usize| {
        let graph = (0..depth).fold(GraphProto::default(), |inner, _| {
            let attribute = AttributeProto { g: Some(Box::new(inner)), ..Default::default() };
            GraphProto {
                node: vec![NodeProto { attribute: vec![attribute], ..Default::default() }],
                ..Default::default()
            }
        });
        ModelProto { graph, ..Default::default() }.encode_to_vec()
    };
    assert_eq!(outcome(&nested(Limits::default().graph_depth)), "loaded");
    assert_eq!(outcome(&nested(Limits::default().graph_depth + 1)), "ZA0003");
    // Far deeper than a stack, made without recursion: GraphProto.node, NodeProto.attribute, AttributeProto.g; types
    // of sequences of types.
    let graphs = (0..30_000).fold(Vec::new(), |inner, _| field(1, &field(5, &field(6, &inner))));
    assert_eq!(outcome(&field(7, &graphs)), "ZA0003");
    let types = (0..30_000).fold(Vec::new(), |inner, _| field(4, &field(1, &inner)));
    assert_eq!(outcome(&field(7, &field(11, &field(2, &types)))), "ZA0003");
}

#[test]
fn lengths_beyond_the_file() {
    for length in [1, 1 << 31, 1 << 32, 1 << 62, u64::MAX] {
        for (bytes, place) in [
            (announced(7, length, &[]), "graph"),
            (field(7, &announced(1, length, &[])), "node"),
            (field(7, &announced(5, length, &[])), "initializer"),
            (field(7, &field(5, &announced(9, length, &[]))), "raw_data"),
            (field(7, &field(5, &announced(4, length, &[]))), "float_data"),
            (field(7, &field(5, &announced(1, length, &[]))), "dims"),
            (field(7, &field(5, &announced(8, length, &[]))), "name"),
            (announced(99, length, &[]), "unknown field"),
        ] {
            assert_eq!(outcome(&bytes), "ZA0002", "{place} of {length} bytes");
        }
    }
}

#[test]
fn many_empty_messages_cost_no_more_than_the_limit() {
    let mut limits = Limits::default();
    limits.decoded_bytes = 16 << 20;
    for (number, name) in [(1, "nodes"), (5, "initializers"), (11, "inputs"), (14, "annotations"), (15, "sparse")] {
        let bytes = Bytes::from(field(7, &field(number, &[]).repeat(1_000_000)));
        let (result, [peak, _]) = metered(|| load_bytes(bytes, None, &limits));
        assert!(matches!(result, Err(LoadError::Limit { .. })), "{name}");
        assert!(peak < 1 << 20, "{peak} bytes for {name}");
    }
    // As many as the limit lets through take no more memory than it says.
    let bytes = Bytes::from(field(7, &field(1, &[]).repeat(20_000)));
    let (result, [peak, _]) = metered(|| load_bytes(bytes, None, &limits));
    assert_eq!(result.map(|model| model.proto.graph.node.len()).ok(), Some(20_000));
    assert!((1 << 20..limits.decoded_bytes).contains(&(peak as u64)), "{peak} bytes");
}

#[test]
fn names_that_are_not_text_or_endless() {
    assert_eq!(outcome(&field(7, &field(2, &[0xff, 0xfe]))), "ZA0002");
    assert_eq!(outcome(&field(7, &field(1, &field(1, &vec![b'a'; 70_000])))), "ZA0003");
    // Documentation may be long, and control characters are data.
    assert_eq!(outcome(&field(7, &field(10, &vec![b'a'; 70_000]))), "loaded");
    assert_eq!(outcome(&field(7, &field(2, b"*/ } fn main(){} //\n\x1b[2J\0"))), "loaded");
}

#[test]
fn wrong_wire_types_and_files_of_another_kind() {
    // The graph as a number, as fixed 8 and 4 bytes; a group; field number 0.
    for bytes in
        [&[7 << 3, 1][..], &[7 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0], &[7 << 3 | 5, 0, 0, 0, 0], &[7 << 3 | 3], &[0, 0]]
    {
        assert_eq!(outcome(bytes), "ZA0002", "{bytes:?}");
    }
    for text in
        [&b""[..], b"\0", b"PK\x03\x04", b"\x7fELF\x02\x01\x01", b"{\"graph\": {}}", b"\x93NUMPY\x01\0v\0{'descr'"]
    {
        assert_eq!(outcome(text), "ZA0002", "{text:?}");
    }
    let mut random = Random(3);
    let noise = outcomes((0..2_000).map(|length| (0..length % 300).map(|_| random.below(256) as u8).collect()));
    assert_eq!(noise.keys().copied().collect::<Vec<_>>(), ["ZA0002"], "{noise:?}");
}
