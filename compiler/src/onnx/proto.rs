//! The messages of an ONNX file, as `onnx.proto` of ONNX 1.23 numbers them (IR version 14).
//!
//! Field numbers are facts of the format; the rest is this project's. One rule decides what a singular field
//! looks like: where absence means the same as the default (a name, a text, a version) it is a plain field;
//! where presence says something (an attribute's value, `raw_data`, a dimension) it is an `Option`. Enumerations
//! stay `i32`, so that numbers newer than this file survive and are reported instead of being lost.
//! `bytes` fields are [`Bytes`]: slices of the buffer that was decoded, never copies.

mod device;
mod tensor;
mod types;

use bytes::Bytes;
use prost::Message;

pub use device::{
    DeviceConfigurationProto, IntIntListEntryProto, NodeDeviceConfigurationProto, ShardedDimProto, ShardedExtent,
    ShardingSpecProto, SimpleShardedDimProto,
};
pub use tensor::{SparseTensorProto, TensorAnnotation, TensorProto, TensorSegment};
pub use types::{
    Dimension, DimensionValue, MapType, OpaqueType, OptionalType, SequenceType, SparseTensorType, TensorShapeProto,
    TensorType, TypeProto, TypeValue,
};

/// A whole model: what a `.onnx` file holds.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the file format (not of the operators).
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// Operator sets that the graph draws on, one per domain.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Tool that wrote the file.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Version of that tool.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// Namespace of the model, as reverse DNS.
    #[prost(string, tag = "4")]
    pub domain: String,
    /// Version of the model itself.
    #[prost(int64, tag = "5")]
    pub model_version: i64,
    /// Text for people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The graph to run. A file without one reads as an empty graph; `load` refuses it.
    #[prost(message, required, tag = "7")]
    pub graph: GraphProto,
    /// Named texts about the model.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
    /// Graphs for training; no part of inference.
    #[prost(message, repeated, tag = "20")]
    pub training_info: Vec<TrainingInfoProto>,
    /// Operators that the model defines by graphs of its own.
    #[prost(message, repeated, tag = "25")]
    pub functions: Vec<FunctionProto>,
    /// Named sets of devices for distributed execution.
    #[prost(message, repeated, tag = "26")]
    pub configuration: Vec<DeviceConfigurationProto>,
}

/// A graph: nodes in topological order over named values.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// Operators, each after the ones whose outputs it reads.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Name of the graph.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants; one that is also in `input` is a default value.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// Constants in sparse form.
    #[prost(message, repeated, tag = "15")]
    pub sparse_initializer: Vec<SparseTensorProto>,
    /// Text for people.
    #[prost(string, tag = "10")]
    pub doc_string: String,
    /// Inputs of the graph, in order.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// Outputs of the graph, in order.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Types of values inside the graph, as the exporter saw them.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfoProto>,
    /// Names of scale and zero-point tensors per tensor.
    #[prost(message, repeated, tag = "14")]
    pub quantization_annotation: Vec<TensorAnnotation>,
    /// Named texts about the graph.
    #[prost(message, repeated, tag = "16")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// One application of an operator.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of the operands; an empty one is an omitted optional operand.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the results; an empty one is a result nobody wants.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Name of the node; may be empty and need not be unique.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Name of the operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Domain of the operator; empty is `ai.onnx`.
    #[prost(string, tag = "7")]
    pub domain: String,
    /// Which overload of a model-local function is meant.
    #[prost(string, tag = "8")]
    pub overload: String,
    /// Attributes by name.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// Text for people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// Named texts about the node.
    #[prost(message, repeated, tag = "9")]
    pub metadata_props: Vec<StringStringEntryProto>,
    /// How the node is spread over devices.
    #[prost(message, repeated, tag = "10")]
    pub device_configurations: Vec<NodeDeviceConfigurationProto>,
}

/// One attribute of a node. [`AttributeProto::value`] gives its value as one enum.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Name of the attribute.
    #[prost(string, tag = "1")]
    pub name: String,
    /// In a function's body: the attribute of the function whose value this one takes.
    #[prost(string, tag = "21")]
    pub ref_attr_name: String,
    /// Text for people.
    #[prost(string, tag = "13")]
    pub doc_string: String,
    /// Number of the kind of value (field `type` of the format); 0 in files of the first IR version.
    #[prost(int32, tag = "20")]
    pub kind: i32,
    /// FLOAT (1).
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// INT (2).
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// STRING (3); by agreement UTF-8, not checked here.
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub s: Option<Bytes>,
    /// TENSOR (4).
    #[prost(message, optional, boxed, tag = "5")]
    pub t: Option<Box<TensorProto>>,
    /// GRAPH (5).
    #[prost(message, optional, boxed, tag = "6")]
    pub g: Option<Box<GraphProto>>,
    /// SPARSE_TENSOR (11).
    #[prost(message, optional, boxed, tag = "22")]
    pub sparse_tensor: Option<Box<SparseTensorProto>>,
    /// TYPE_PROTO (13).
    #[prost(message, optional, boxed, tag = "14")]
    pub tp: Option<Box<TypeProto>>,
    /// FLOATS (6).
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// INTS (7).
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// STRINGS (8).
    #[prost(bytes = "bytes", repeated, tag = "9")]
    pub strings: Vec<Bytes>,
    /// TENSORS (9).
    #[prost(message, repeated, tag = "10")]
    pub tensors: Vec<TensorProto>,
    /// GRAPHS (10).
    #[prost(message, repeated, tag = "11")]
    pub graphs: Vec<GraphProto>,
    /// SPARSE_TENSORS (12).
    #[prost(message, repeated, tag = "23")]
    pub sparse_tensors: Vec<SparseTensorProto>,
    /// TYPE_PROTOS (14).
    #[prost(message, repeated, tag = "15")]
    pub type_protos: Vec<TypeProto>,
}

/// A named value and its type.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// Name of the value.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type (field `type` of the format); absent where the exporter left it to inference.
    #[prost(message, optional, tag = "2")]
    pub ty: Option<TypeProto>,
    /// Text for people.
    #[prost(string, tag = "3")]
    pub doc_string: String,
    /// Named texts about the value.
    #[prost(message, repeated, tag = "4")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// An operator set: a domain and the version of it that a model uses.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OperatorSetIdProto {
    /// Domain; empty is `ai.onnx`.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Version of the operator set.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// An operator that the model defines by nodes.
#[derive(Clone, PartialEq, Message)]
pub struct FunctionProto {
    /// Name by which nodes call it.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Formal operands.
    #[prost(string, repeated, tag = "4")]
    pub input: Vec<String>,
    /// Formal results.
    #[prost(string, repeated, tag = "5")]
    pub output: Vec<String>,
    /// Attributes without a default.
    #[prost(string, repeated, tag = "6")]
    pub attribute: Vec<String>,
    /// Attributes with their defaults.
    #[prost(message, repeated, tag = "11")]
    pub attribute_proto: Vec<AttributeProto>,
    /// The body, in topological order.
    #[prost(message, repeated, tag = "7")]
    pub node: Vec<NodeProto>,
    /// Text for people.
    #[prost(string, tag = "8")]
    pub doc_string: String,
    /// Operator sets that the body draws on.
    #[prost(message, repeated, tag = "9")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Domain of the function.
    #[prost(string, tag = "10")]
    pub domain: String,
    /// Which overload this is.
    #[prost(string, tag = "13")]
    pub overload: String,
    /// Types of values inside the body.
    #[prost(message, repeated, tag = "12")]
    pub value_info: Vec<ValueInfoProto>,
    /// Named texts about the function.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// A pair of texts.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct StringStringEntryProto {
    /// Key.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Graphs that initialise and train a model.
#[derive(Clone, PartialEq, Message)]
pub struct TrainingInfoProto {
    /// Computes initial values.
    #[prost(message, optional, tag = "1")]
    pub initialization: Option<GraphProto>,
    /// One training step.
    #[prost(message, optional, tag = "2")]
    pub algorithm: Option<GraphProto>,
    /// Which initializer takes which output of `initialization`.
    #[prost(message, repeated, tag = "3")]
    pub initialization_binding: Vec<StringStringEntryProto>,
    /// Which initializer takes which output of `algorithm`.
    #[prost(message, repeated, tag = "4")]
    pub update_binding: Vec<StringStringEntryProto>,
}
