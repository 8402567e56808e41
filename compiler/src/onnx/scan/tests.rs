//! Limits hold before decoding, and the walk's tables agree with the messages.

use prost::Message as _;

use super::*;
use crate::onnx::proto::{DimensionValue, TypeValue};

fn scan(model: &ModelProto, limits: &Limits) -> Result<(), LoadError> {
    scan_model(&model.encode_to_vec(), limits)
}

fn limit<T>(result: Result<T, LoadError>) -> &'static str {
    match result {
        Err(LoadError::Limit { what, .. }) => what,
        Err(other) => panic!("{other}"),
        Ok(_) => "within",
    }
}

/// A graph inside `depth` graphs.
fn nested(depth: usize) -> GraphProto {
    (0..depth).fold(GraphProto::default(), |inner, _| {
        let attribute = AttributeProto { g: Some(Box::new(inner)), ..AttributeProto::default() };
        GraphProto { node: vec![NodeProto { attribute: vec![attribute], ..Default::default() }], ..Default::default() }
    })
}

/// Wraps bytes as a length-delimited field.
fn tagged(number: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(u64::from(number << 3 | 2), &mut bytes);
    prost::encoding::encode_varint(payload.len() as u64, &mut bytes);
    bytes.extend(payload);
    bytes
}

#[test]
fn nodes_are_counted_over_all_graphs() {
    let model = ModelProto { graph: nested(5), ..ModelProto::default() };
    let limits = Limits { nodes: 5, ..Limits::default() };
    assert_eq!(limit(scan(&model, &limits)), "within");
    assert_eq!(limit(scan(&model, &Limits { nodes: 4, ..limits })), "nodes");
}

#[test]
fn graphs_may_nest_only_so_deep() {
    let model = |depth| ModelProto { graph: nested(depth), ..ModelProto::default() };
    assert_eq!(limit(scan(&model(16), &Limits::default())), "within");
    assert_eq!(limit(scan(&model(17), &Limits::default())), "levels of nested graphs");
    assert!(ModelProto::decode(&model(16).encode_to_vec()[..]).is_ok());
}

#[test]
fn nesting_of_any_messages_is_bounded() {
    // Sequences of sequences: TypeProto.sequence_type (4), Sequence.elem_type (1).
    let mut ty = Vec::new();
    for _ in 0..10_000 {
        ty = tagged(4, &tagged(1, &ty));
    }
    let model = tagged(7, &tagged(11, &tagged(2, &ty)));
    assert_eq!(limit(scan_model(&model, &Limits::default())), "levels of nested messages");
}

#[test]
fn small_files_cannot_ask_for_much_memory() {
    let limits = Limits { decoded_bytes: 1 << 20, ..Limits::default() };
    let what = "bytes of memory for decoded messages";
    // Empty nodes, tensors, values, strings, slices and numbers, of two bytes each or less.
    for number in [1, 5, 11] {
        assert_eq!(limit(scan_model(&tagged(7, &tagged(number, &[]).repeat(10_000)), &limits)), what);
    }
    let strings = tagged(7, &tagged(1, &tagged(1, &[]).repeat(50_000)));
    assert_eq!(limit(scan_model(&strings, &limits)), what);
    let slices = tagged(7, &tagged(1, &tagged(5, &tagged(9, &[]).repeat(50_000))));
    assert_eq!(limit(scan_model(&slices, &limits)), what);
    let packed = tagged(7, &[0; 100_000]);
    assert_eq!(limit(scan_tensor(&packed, &limits)), what);
    let unpacked = [7 << 3, 0].repeat(100_000);
    assert_eq!(limit(scan_tensor(&unpacked, &limits)), what);
    // Raw data are slices and cost nothing.
    assert_eq!(limit(scan_tensor(&tagged(9, &vec![0; 4 << 20]), &limits)), "within");
}

#[test]
fn ranks_and_names_are_bounded() {
    let limits = Limits { rank: 3, name_bytes: 5, ..Limits::default() };
    let tensor = |rank| TensorProto { dims: vec![1; rank], ..TensorProto::default() }.encode_to_vec();
    assert_eq!(limit(scan_tensor(&tensor(3), &limits)), "within");
    assert_eq!(limit(scan_tensor(&tensor(4), &limits)), "dimensions");
    assert_eq!(limit(scan_tensor(&tagged(1, &[1; 4]), &limits)), "dimensions");
    let model = |rank, name: &str| {
        let dim = Dimension { value: Some(DimensionValue::Value(1)), denotation: String::new() };
        let shape = TensorShapeProto { dim: vec![dim; rank] };
        let value = TypeValue::Tensor(TensorType { elem_type: 1, shape: Some(shape) });
        let ty = TypeProto { value: Some(value), denotation: String::new() };
        let input = ValueInfoProto { name: name.into(), ty: Some(ty), ..ValueInfoProto::default() };
        ModelProto { graph: GraphProto { input: vec![input], ..Default::default() }, ..Default::default() }
    };
    assert_eq!(limit(scan(&model(3, "input"), &limits)), "within");
    assert_eq!(limit(scan(&model(4, "input"), &limits)), "dimensions");
    assert_eq!(limit(scan(&model(3, "input1"), &limits)), "bytes of a name");
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    let code = |bytes: &[u8]| scan_model(bytes, &Limits::default()).map_err(|error| error.code());
    assert_eq!(code(&[]), Err("ZA0002"));
    assert_eq!(code(b"PK\x03\x04 not a model"), Err("ZA0002"));
    assert_eq!(code(&tagged(2, b"producer only")), Err("ZA0002"));
    // Lengths beyond the end, up to 2^64 - 1; a varint of eleven bytes; groups.
    assert_eq!(code(&[7 << 3 | 2, 5, 0]), Err("ZA0002"));
    assert_eq!(code(&[7 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]), Err("ZA0002"));
    assert_eq!(code(&[[8; 1].as_slice(), &[0x80; 10], &[1]].concat()), Err("ZA0002"));
    assert_eq!(code(&[1 << 3 | 3]), Err("ZA0002"));
    assert_eq!(code(&tagged(7, &[])), Ok(()));
}

#[test]
fn unknown_fields_are_skipped() {
    let mut bytes = tagged(7, &[]);
    bytes.extend(tagged(15, &[0xff; 9]));
    bytes.extend([15 << 3, 0x80, 1, 15 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0, 15 << 3 | 5, 0, 0, 0, 0]);
    assert!(scan_model(&bytes, &Limits::default()).is_ok());
    assert_eq!(ModelProto::decode(&bytes[..]).unwrap(), ModelProto::default());
}

/// Length of what a message keeps of some bytes, `None` where it refuses them.
type Probe = fn(&[u8]) -> Option<usize>;

fn probe<T: prost::Message + Default>(bytes: &[u8]) -> Option<usize> {
    T::decode(bytes).ok().map(|message| message.encoded_len())
}

/// A repeated field that the walk does not know would be memory that nobody counts.
#[test]
fn the_walk_knows_every_repeated_field_of_every_message() {
    let messages: [(&Schema, Probe); 28] = [
        (&MODEL, probe::<ModelProto>),
        (&GRAPH, probe::<GraphProto>),
        (&NODE, probe::<NodeProto>),
        (&ATTRIBUTE, probe::<AttributeProto>),
        (&VALUE, probe::<ValueInfoProto>),
        (&OPSET, probe::<OperatorSetIdProto>),
        (&FUNCTION, probe::<FunctionProto>),
        (&ENTRY, probe::<StringStringEntryProto>),
        (&TRAINING, probe::<TrainingInfoProto>),
        (&TENSOR, probe::<TensorProto>),
        (&SEGMENT, probe::<TensorSegment>),
        (&SPARSE, probe::<SparseTensorProto>),
        (&ANNOTATION, probe::<TensorAnnotation>),
        (&TYPE, probe::<TypeProto>),
        (&TENSOR_TYPE, probe::<TensorType>),
        (&SPARSE_TYPE, probe::<SparseTensorType>),
        (&SEQUENCE_TYPE, probe::<SequenceType>),
        (&MAP_TYPE, probe::<MapType>),
        (&OPTIONAL_TYPE, probe::<OptionalType>),
        (&OPAQUE_TYPE, probe::<OpaqueType>),
        (&SHAPE, probe::<TensorShapeProto>),
        (&DIMENSION, probe::<Dimension>),
        (&DEVICES, probe::<DeviceConfigurationProto>),
        (&NODE_DEVICES, probe::<NodeDeviceConfigurationProto>),
        (&SHARDING, probe::<ShardingSpecProto>),
        (&INT_LIST, probe::<IntIntListEntryProto>),
        (&SHARDED_DIM, probe::<ShardedDimProto>),
        (&SIMPLE_SHARDING, probe::<SimpleShardedDimProto>),
    ];
    // Nothing, a text or a packed number, two floats, a message with a name: each field keeps at least one of them.
    let payloads: [&[u8]; 4] = [&[], b"a", &[0; 8], &[2 << 3 | 2, 1, b'a']];
    for (schema, probe) in messages {
        for number in 1..=31u32 {
            let name = schema.name;
            let empty = probe(&[]).unwrap_or_default();
            let kept = |times: usize| {
                payloads.map(|payload| probe(&tagged(number, payload).repeat(times)).unwrap_or_default())
            };
            let known = schema.fields.iter().any(|(listed, _)| *listed == number);
            if known {
                assert!(kept(1).iter().any(|length| *length > empty), "{name} has no field {number}");
            } else {
                assert_eq!(kept(3), kept(1), "field {number} of {name} is repeated and not listed");
            }
        }
    }
}
