//! A walk over an encoded message before it is decoded: counts what decoding would allocate and how deep graphs
//! lie, so that limits hold before memory is spent.
//!
//! A protobuf message of two bytes decodes to a struct of hundreds: without this walk a file of 100 MB could ask for
//! more than ten gigabytes. The walk allocates nothing, its recursion is bounded, and it reads each byte of the
//! structure at most once (payloads are skipped). What it does not know it skips, as protobuf asks.

use std::mem::size_of;

use bytes::Bytes;

use super::limits::within;
use super::proto::{
    AttributeProto, DeviceConfigurationProto, Dimension, FunctionProto, GraphProto, IntIntListEntryProto, MapType,
    ModelProto, NodeDeviceConfigurationProto, NodeProto, OpaqueType, OperatorSetIdProto, OptionalType, SequenceType,
    ShardedDimProto, ShardingSpecProto, SimpleShardedDimProto, SparseTensorProto, SparseTensorType,
    StringStringEntryProto, TensorAnnotation, TensorProto, TensorSegment, TensorShapeProto, TensorType,
    TrainingInfoProto, TypeProto, ValueInfoProto,
};
use super::{Limits, LoadError};

/// What one field of a message holds, as far as memory and limits go.
#[derive(Clone, Copy)]
enum Field {
    /// A message, one or many.
    Message(&'static Schema),
    /// A name: bounded in length.
    Name,
    /// Text for people or metadata.
    Text,
    /// Entries of `repeated bytes`: slices of the file.
    Slices,
    /// Numbers of this many bytes each in memory, packed or not, as varints.
    Varints(u64),
    /// Numbers of this many bytes each, in memory and in the file, packed or not.
    Fixed(u64),
    /// `dims`: varints whose number is a rank.
    Dims,
}

/// A message: how large its struct is, and its fields that matter.
struct Schema {
    /// Name in `onnx.proto`.
    name: &'static str,
    /// Size of the decoded struct in bytes.
    size: u64,
    /// Field number to content; scalar fields are not listed.
    fields: &'static [(u32, Field)],
}

use Field::{Dims, Fixed, Message, Name, Slices, Text, Varints};

macro_rules! schema {
    ($($constant:ident = $message:ident [$($number:literal $field:expr),* $(,)?];)*) => {
        $(static $constant: Schema = Schema {
            name: stringify!($message),
            size: size_of::<$message>() as u64,
            fields: &[$(($number, $field)),*],
        };)*
    };
}

schema! {
    MODEL = ModelProto [
        2 Name, 3 Name, 4 Name, 6 Text, 7 Message(&GRAPH), 8 Message(&OPSET), 14 Message(&ENTRY), 20 Message(&TRAINING),
        25 Message(&FUNCTION), 26 Message(&DEVICES)
    ];
    GRAPH = GraphProto [
        1 Message(&NODE), 2 Name, 5 Message(&TENSOR), 10 Text, 11 Message(&VALUE), 12 Message(&VALUE),
        13 Message(&VALUE), 14 Message(&ANNOTATION), 15 Message(&SPARSE), 16 Message(&ENTRY)
    ];
    NODE = NodeProto [
        1 Name, 2 Name, 3 Name, 4 Name, 5 Message(&ATTRIBUTE), 6 Text, 7 Name, 8 Name, 9 Message(&ENTRY),
        10 Message(&NODE_DEVICES)
    ];
    ATTRIBUTE = AttributeProto [
        1 Name, 5 Message(&TENSOR), 6 Message(&GRAPH), 7 Fixed(4), 8 Varints(8), 9 Slices, 10 Message(&TENSOR),
        11 Message(&GRAPH), 13 Text, 14 Message(&TYPE), 15 Message(&TYPE), 21 Name, 22 Message(&SPARSE),
        23 Message(&SPARSE)
    ];
    VALUE = ValueInfoProto [1 Name, 2 Message(&TYPE), 3 Text, 4 Message(&ENTRY)];
    OPSET = OperatorSetIdProto [1 Name];
    FUNCTION = FunctionProto [
        1 Name, 4 Name, 5 Name, 6 Name, 7 Message(&NODE), 8 Text, 9 Message(&OPSET), 10 Name, 11 Message(&ATTRIBUTE),
        12 Message(&VALUE), 13 Name, 14 Message(&ENTRY)
    ];
    ENTRY = StringStringEntryProto [1 Text, 2 Text];
    TRAINING = TrainingInfoProto [1 Message(&GRAPH), 2 Message(&GRAPH), 3 Message(&ENTRY), 4 Message(&ENTRY)];
    TENSOR = TensorProto [
        1 Dims, 3 Message(&SEGMENT), 4 Fixed(4), 5 Varints(4), 6 Slices, 7 Varints(8), 8 Name, 10 Fixed(8),
        11 Varints(8), 12 Text, 13 Message(&ENTRY), 16 Message(&ENTRY)
    ];
    SEGMENT = TensorSegment [];
    SPARSE = SparseTensorProto [1 Message(&TENSOR), 2 Message(&TENSOR), 3 Dims];
    ANNOTATION = TensorAnnotation [1 Name, 2 Message(&ENTRY)];
    TYPE = TypeProto [
        1 Message(&TENSOR_TYPE), 4 Message(&SEQUENCE_TYPE), 5 Message(&MAP_TYPE), 6 Text, 7 Message(&OPAQUE_TYPE),
        8 Message(&SPARSE_TYPE), 9 Message(&OPTIONAL_TYPE)
    ];
    TENSOR_TYPE = TensorType [2 Message(&SHAPE)];
    SPARSE_TYPE = SparseTensorType [2 Message(&SHAPE)];
    SEQUENCE_TYPE = SequenceType [1 Message(&TYPE)];
    MAP_TYPE = MapType [2 Message(&TYPE)];
    OPTIONAL_TYPE = OptionalType [1 Message(&TYPE)];
    OPAQUE_TYPE = OpaqueType [1 Name, 2 Name];
    SHAPE = TensorShapeProto [1 Message(&DIMENSION)];
    DIMENSION = Dimension [2 Name, 3 Text];
    DEVICES = DeviceConfigurationProto [1 Name, 3 Name];
    NODE_DEVICES = NodeDeviceConfigurationProto [1 Name, 2 Message(&SHARDING)];
    SHARDING = ShardingSpecProto [1 Name, 2 Varints(8), 3 Message(&INT_LIST), 4 Message(&SHARDED_DIM)];
    INT_LIST = IntIntListEntryProto [2 Varints(8)];
    SHARDED_DIM = ShardedDimProto [2 Message(&SIMPLE_SHARDING)];
    SIMPLE_SHARDING = SimpleShardedDimProto [2 Name];
}

/// Checks an encoded `ModelProto` against `limits`; also refuses one without a graph.
pub(super) fn scan_model(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    let mut scan = Scan::new("ModelProto", limits);
    scan.message(bytes, &MODEL, 0, 0)?;
    match scan.graphs {
        0 => Err(scan.malformed(&MODEL, "it holds no graph")),
        _ => Ok(()),
    }
}

/// Checks an encoded `TensorProto` against `limits`.
pub(super) fn scan_tensor(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    Scan::new("TensorProto", limits).message(bytes, &TENSOR, 0, 0)
}

/// Nesting that prost's decoder allows.
const MESSAGE_DEPTH: usize = 100;

struct Scan<'a> {
    root: &'static str,
    limits: &'a Limits,
    decoded: u64,
    nodes: u64,
    graphs: u64,
}

impl<'a> Scan<'a> {
    fn new(root: &'static str, limits: &'a Limits) -> Scan<'a> {
        Scan { root, limits, decoded: 0, nodes: 0, graphs: 0 }
    }

    fn malformed(&self, schema: &Schema, reason: &str) -> LoadError {
        LoadError::Malformed { message: self.root, reason: format!("{}: {reason}", schema.name) }
    }

    /// Adds the memory of `count` things of `size` bytes; vectors grow by doubling, hence the factor.
    fn charge(&mut self, count: u64, size: u64) -> Result<(), LoadError> {
        self.decoded = self.decoded.saturating_add(count.saturating_mul(size).saturating_mul(2));
        within("bytes of memory for decoded messages", self.decoded, self.limits.decoded_bytes)
    }

    fn message(
        &mut self,
        mut rest: &[u8],
        schema: &'static Schema,
        depth: usize,
        graph_depth: usize,
    ) -> Result<(), LoadError> {
        within("levels of nested messages", depth as u64, MESSAGE_DEPTH as u64)?;
        let is_graph = std::ptr::eq(schema, &GRAPH);
        if is_graph {
            self.graphs += 1;
            within("levels of nested graphs", graph_depth as u64, self.limits.graph_depth as u64)?;
        }
        if std::ptr::eq(schema, &NODE) {
            self.nodes += 1;
            within("nodes", self.nodes, self.limits.nodes)?;
        }
        self.charge(1, schema.size)?;
        let mut rank = 0;
        while !rest.is_empty() {
            let (number, value) = take_field(&mut rest).ok_or_else(|| self.malformed(schema, "it is cut off"))?;
            let Some(&(_, field)) = schema.fields.iter().find(|(known, _)| *known == number) else {
                continue;
            };
            match (field, value) {
                (Field::Message(inner), Value::Bytes(bytes)) => {
                    if std::ptr::eq(schema, &SHAPE) {
                        rank += 1;
                    }
                    self.message(bytes, inner, depth + 1, graph_depth + usize::from(is_graph))?;
                }
                (Field::Dims, Value::Bytes(bytes)) => rank += varints(bytes),
                (Field::Dims, Value::Scalar) => rank += 1,
                (field, value) => self.leaf(field, value)?,
            }
            within("dimensions", rank, self.limits.rank as u64)?;
        }
        Ok(())
    }

    fn leaf(&mut self, field: Field, value: Value<'_>) -> Result<(), LoadError> {
        match (field, value) {
            (Field::Name, Value::Bytes(bytes)) => {
                within("bytes of a name", bytes.len() as u64, self.limits.name_bytes as u64)?;
                self.charge(1, (bytes.len() + size_of::<String>()) as u64)
            }
            (Field::Text, Value::Bytes(bytes)) => self.charge(1, (bytes.len() + size_of::<String>()) as u64),
            (Field::Slices, Value::Bytes(_)) => self.charge(1, size_of::<Bytes>() as u64),
            (Field::Varints(size), Value::Bytes(bytes)) => self.charge(varints(bytes), size),
            (Field::Fixed(size), Value::Bytes(bytes)) => self.charge(bytes.len() as u64 / size, size),
            (Field::Varints(size) | Field::Fixed(size), Value::Scalar) => self.charge(1, size),
            // A wire type that does not fit the field: decoding says so, with the field's name.
            (Field::Name | Field::Text | Field::Slices, Value::Scalar) => Ok(()),
            (Field::Message(_) | Field::Dims, _) => Ok(()),
        }
    }
}

/// A field's payload, as far as the wire type tells.
enum Value<'a> {
    Scalar,
    Bytes(&'a [u8]),
}

/// Splits the next field off; `None` where the bytes end early or hold a wire type that ONNX never uses.
fn take_field<'a>(rest: &mut &'a [u8]) -> Option<(u32, Value<'a>)> {
    let key = take_varint(rest)?;
    let number = u32::try_from(key >> 3).ok()?;
    let value = match key & 7 {
        0 => {
            take_varint(rest)?;
            Value::Scalar
        }
        1 => {
            rest.split_off(..8)?;
            Value::Scalar
        }
        2 => {
            let length = usize::try_from(take_varint(rest)?).ok()?;
            Value::Bytes(rest.split_off(..length)?)
        }
        5 => {
            rest.split_off(..4)?;
            Value::Scalar
        }
        _ => return None,
    };
    Some((number, value))
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// How many varints a packed payload holds.
fn varints(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte < 0x80).count() as u64
}

#[cfg(test)]
mod tests;
