//! Types and shapes of values.

use prost::{Message, Oneof};

/// The type of a value.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// Which kind of type, and its parameters.
    #[prost(oneof = "TypeValue", tags = "1, 4, 5, 7, 8, 9")]
    pub value: Option<TypeValue>,
    /// What the value means (`IMAGE`, ...), for people.
    #[prost(string, tag = "6")]
    pub denotation: String,
}

/// The kinds of types.
#[derive(Clone, PartialEq, Oneof)]
pub enum TypeValue {
    /// A dense tensor.
    #[prost(message, tag = "1")]
    Tensor(TensorType),
    /// A sequence of values of one type.
    #[prost(message, tag = "4")]
    Sequence(Box<SequenceType>),
    /// A map.
    #[prost(message, tag = "5")]
    Map(Box<MapType>),
    /// A value or nothing.
    #[prost(message, tag = "9")]
    Optional(Box<OptionalType>),
    /// A sparse tensor.
    #[prost(message, tag = "8")]
    SparseTensor(SparseTensorType),
    /// A type that only its domain knows.
    #[prost(message, tag = "7")]
    Opaque(OpaqueType),
}

/// Type of a dense tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// Number of the element type, see [`ElementType`](crate::onnx::ElementType).
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Its shape; absent: even the rank is unknown.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// Type of a sparse tensor.
#[derive(Clone, PartialEq, Message)]
pub struct SparseTensorType {
    /// Number of the element type.
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Its shape; absent: even the rank is unknown.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// Type of a sequence.
#[derive(Clone, PartialEq, Message)]
pub struct SequenceType {
    /// Type of its elements.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<TypeProto>>,
}

/// Type of a map.
#[derive(Clone, PartialEq, Message)]
pub struct MapType {
    /// Number of the key's element type.
    #[prost(int32, tag = "1")]
    pub key_type: i32,
    /// Type of its values.
    #[prost(message, optional, boxed, tag = "2")]
    pub value_type: Option<Box<TypeProto>>,
}

/// Type of an optional value.
#[derive(Clone, PartialEq, Message)]
pub struct OptionalType {
    /// Type of the value where there is one.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<TypeProto>>,
}

/// An opaque type.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct OpaqueType {
    /// Domain that defines it.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Its name there.
    #[prost(string, tag = "2")]
    pub name: String,
}

/// A shape of known rank.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// Extents, outermost first; none is a scalar.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// One extent.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// Its number or symbol; absent: unknown and unnamed.
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub value: Option<DimensionValue>,
    /// What the axis means (`DATA_BATCH`, ...), for people.
    #[prost(string, tag = "3")]
    pub denotation: String,
}

/// A known or a symbolic extent.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum DimensionValue {
    /// A number, as the file has it: possibly negative.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// A symbol: equal symbols are equal extents.
    #[prost(string, tag = "2")]
    Param(String),
}
