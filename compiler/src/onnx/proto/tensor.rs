//! Tensors as the file stores them; [`RawTensor`](crate::onnx::RawTensor) is what the compiler works with.

use bytes::Bytes;
use prost::Message;

use super::StringStringEntryProto;

/// A tensor's shape, element type and data, the latter in one of several fields.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Extents, outermost first; none is a scalar.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// Number of the element type, see [`ElementType`](crate::onnx::ElementType).
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Which chunk of a large tensor this is.
    #[prost(message, optional, tag = "3")]
    pub segment: Option<TensorSegment>,
    /// Elements of float and complex64 (two entries each).
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Elements of int32 and of everything narrower; one byte of packed 4- and 2-bit elements per entry.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Elements of string.
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub string_data: Vec<Bytes>,
    /// Elements of int64.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Name of the tensor.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Text for people.
    #[prost(string, tag = "12")]
    pub doc_string: String,
    /// Elements of any type but string: row-major, little-endian, 2-, 4- and 6-bit ones packed from the low bits up.
    #[prost(bytes = "bytes", optional, tag = "9")]
    pub raw_data: Option<Bytes>,
    /// Where the data lies outside of the file: keys `location`, `offset`, `length`, `checksum`.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// 0: in this message; 1: where `external_data` says.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
    /// Elements of double and complex128 (two entries each).
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Elements of uint32 and uint64.
    #[prost(uint64, repeated, tag = "11")]
    pub uint64_data: Vec<u64>,
    /// Named texts about the tensor.
    #[prost(message, repeated, tag = "16")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

impl TensorProto {
    /// Value of `data_location` for data in this message.
    pub const LOCATION_DEFAULT: i32 = 0;
    /// Value of `data_location` for data in another file.
    pub const LOCATION_EXTERNAL: i32 = 1;
}

/// The part of a tensor that a chunk holds.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct TensorSegment {
    /// First element.
    #[prost(int64, tag = "1")]
    pub begin: i64,
    /// One past the last element.
    #[prost(int64, tag = "2")]
    pub end: i64,
}

/// A tensor given by its non-zero elements.
#[derive(Clone, PartialEq, Message)]
pub struct SparseTensorProto {
    /// The non-zero values, `[count]`; its name names the sparse tensor.
    #[prost(message, optional, tag = "1")]
    pub values: Option<TensorProto>,
    /// Their places, ascending: `[count]` linear, or `[count, rank]`.
    #[prost(message, optional, tag = "2")]
    pub indices: Option<TensorProto>,
    /// Extents of the dense tensor.
    #[prost(int64, repeated, packed = "false", tag = "3")]
    pub dims: Vec<i64>,
}

/// Quantization parameters of a tensor, by name.
#[derive(Clone, PartialEq, Message)]
pub struct TensorAnnotation {
    /// The annotated tensor.
    #[prost(string, tag = "1")]
    pub tensor_name: String,
    /// `SCALE_TENSOR`, `ZERO_POINT_TENSOR` and the like to names of initializers.
    #[prost(message, repeated, tag = "2")]
    pub quant_parameter_tensor_names: Vec<StringStringEntryProto>,
}
