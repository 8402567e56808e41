//! Field by field equality of our messages and `onnx-protobuf`'s.
//!
//! Each message is taken apart without `..`: a field that is added to one of ours and not compared does not compile.

use bytes::Bytes;
use onnx_protobuf as theirs;
use protobuf::{Enum, EnumOrUnknown, MessageField, SpecialFields};
use zantc::onnx::proto as ours;

/// Equality across decoders; an error says where and how the two differ.
pub(crate) trait Agree<Theirs: ?Sized> {
    /// Compares.
    fn agree(&self, theirs: &Theirs) -> Result<(), String>;
}

fn same<T: PartialEq + std::fmt::Debug>(ours: T, theirs: T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!(": {ours:?} against {theirs:?}")) }
}

macro_rules! plain {
    ($($ty:ty),*) => {
        $(impl Agree<$ty> for $ty {
            fn agree(&self, theirs: &$ty) -> Result<(), String> {
                same(self, theirs)
            }
        })*
    };
}

plain!(String, i32, i64, u64);

impl Agree<f32> for f32 {
    fn agree(&self, theirs: &f32) -> Result<(), String> {
        same(self.to_bits(), theirs.to_bits())
    }
}

impl Agree<f64> for f64 {
    fn agree(&self, theirs: &f64) -> Result<(), String> {
        same(self.to_bits(), theirs.to_bits())
    }
}

impl Agree<Vec<u8>> for Bytes {
    fn agree(&self, theirs: &Vec<u8>) -> Result<(), String> {
        if self == theirs { Ok(()) } else { Err(format!(": {} bytes differ from {}", self.len(), theirs.len())) }
    }
}

/// The other decoder knows no presence of scalars.
macro_rules! defaulted {
    ($($ours:ty => $theirs:ty),*) => {
        $(impl Agree<$theirs> for Option<$ours> {
            fn agree(&self, theirs: &$theirs) -> Result<(), String> {
                self.clone().unwrap_or_default().agree(theirs)
            }
        })*
    };
}

defaulted!(f32 => f32, i64 => i64, Bytes => Vec<u8>);

impl<E: Enum> Agree<EnumOrUnknown<E>> for i32 {
    fn agree(&self, theirs: &EnumOrUnknown<E>) -> Result<(), String> {
        same(*self, theirs.value())
    }
}

impl<T, A: Agree<T>> Agree<Vec<T>> for Vec<A> {
    fn agree(&self, theirs: &Vec<T>) -> Result<(), String> {
        same(self.len(), theirs.len())?;
        let agree = |(index, (ours, theirs)): (usize, (&A, &T))| {
            ours.agree(theirs).map_err(|error| format!("[{index}]{error}"))
        };
        self.iter().zip(theirs).enumerate().try_for_each(agree)
    }
}

impl<T, A: Agree<T>> Agree<T> for Box<A> {
    fn agree(&self, theirs: &T) -> Result<(), String> {
        (**self).agree(theirs)
    }
}

impl<T, A: Agree<T>> Agree<MessageField<T>> for Option<A> {
    fn agree(&self, theirs: &MessageField<T>) -> Result<(), String> {
        match (self, theirs.as_ref()) {
            (None, None) => Ok(()),
            (Some(ours), Some(theirs)) => ours.agree(theirs),
            (ours, theirs) => same(ours.is_some(), theirs.is_some()),
        }
    }
}

/// Fields that the other decoder does not know are only those that it is known not to know.
fn unknown(fields: &SpecialFields, newer: &[u32]) -> Result<(), String> {
    match fields.unknown_fields().iter().find(|(number, _)| !newer.contains(number)) {
        None => Ok(()),
        Some((number, value)) => Err(format!(": field {number} is unknown: {value:?}")),
    }
}

/// Compares all fields of a message. `a as b`: our field `a` is called `b` there. Behind `newer`: our fields that the
/// other decoder does not have, and their numbers.
macro_rules! agree {
    ($ours:ident, $theirs:ty: $($field:ident as $other:ident),* $(; newer $($new:ident = $number:literal),*)?) => {
        impl Agree<$theirs> for ours::$ours {
            fn agree(&self, theirs: &$theirs) -> Result<(), String> {
                let ours::$ours { $($field,)* $($($new: _,)*)? } = self;
                $($field.agree(&theirs.$other).map_err(|error| format!(".{}{error}", stringify!($field)))?;)*
                unknown(&theirs.special_fields, &[$($($number),*)?])
            }
        }
    };
}

agree!(ModelProto, theirs::ModelProto: ir_version as ir_version, opset_import as opset_import,
    producer_name as producer_name, producer_version as producer_version, domain as domain,
    model_version as model_version, doc_string as doc_string, graph as graph, metadata_props as metadata_props,
    training_info as training_info, functions as functions; newer configuration = 26);
agree!(GraphProto, theirs::GraphProto: node as node, name as name, initializer as initializer,
    sparse_initializer as sparse_initializer, doc_string as doc_string, input as input, output as output,
    value_info as value_info, quantization_annotation as quantization_annotation, metadata_props as metadata_props);
agree!(NodeProto, theirs::NodeProto: input as input, output as output, name as name, op_type as op_type,
    domain as domain, overload as overload, attribute as attribute, doc_string as doc_string,
    metadata_props as metadata_props; newer device_configurations = 10);
agree!(AttributeProto, theirs::AttributeProto: name as name, ref_attr_name as ref_attr_name, doc_string as doc_string,
    kind as type_, f as f, i as i, s as s, t as t, g as g, sparse_tensor as sparse_tensor, tp as tp, floats as floats,
    ints as ints, strings as strings, tensors as tensors, graphs as graphs, sparse_tensors as sparse_tensors,
    type_protos as type_protos);
agree!(ValueInfoProto, theirs::ValueInfoProto: name as name, ty as type_, doc_string as doc_string,
    metadata_props as metadata_props);
agree!(OperatorSetIdProto, theirs::OperatorSetIdProto: domain as domain, version as version);
agree!(FunctionProto, theirs::FunctionProto: name as name, input as input, output as output, attribute as attribute,
    attribute_proto as attribute_proto, node as node, doc_string as doc_string, opset_import as opset_import,
    domain as domain, overload as overload, value_info as value_info, metadata_props as metadata_props);
agree!(StringStringEntryProto, theirs::StringStringEntryProto: key as key, value as value);
agree!(TrainingInfoProto, theirs::TrainingInfoProto: initialization as initialization, algorithm as algorithm,
    initialization_binding as initialization_binding, update_binding as update_binding);
agree!(TensorProto, theirs::TensorProto: dims as dims, data_type as data_type, segment as segment,
    float_data as float_data, int32_data as int32_data, string_data as string_data, int64_data as int64_data,
    name as name, doc_string as doc_string, raw_data as raw_data, external_data as external_data,
    data_location as data_location, double_data as double_data, uint64_data as uint64_data,
    metadata_props as metadata_props);
agree!(TensorSegment, theirs::tensor_proto::Segment: begin as begin, end as end);
agree!(SparseTensorProto, theirs::SparseTensorProto: values as values, indices as indices, dims as dims);
agree!(TensorAnnotation, theirs::TensorAnnotation: tensor_name as tensor_name,
    quant_parameter_tensor_names as quant_parameter_tensor_names);
agree!(TensorType, theirs::type_proto::Tensor: elem_type as elem_type, shape as shape);
agree!(SparseTensorType, theirs::type_proto::SparseTensor: elem_type as elem_type, shape as shape);
agree!(SequenceType, theirs::type_proto::Sequence: elem_type as elem_type);
agree!(MapType, theirs::type_proto::Map: key_type as key_type, value_type as value_type);
agree!(OptionalType, theirs::type_proto::Optional: elem_type as elem_type);
agree!(TensorShapeProto, theirs::TensorShapeProto: dim as dim);
agree!(Dimension, theirs::tensor_shape_proto::Dimension: value as value, denotation as denotation);

impl Agree<MessageField<theirs::GraphProto>> for ours::GraphProto {
    fn agree(&self, theirs: &MessageField<theirs::GraphProto>) -> Result<(), String> {
        self.agree(theirs.as_ref().ok_or(": absent there")?)
    }
}

impl Agree<theirs::TypeProto> for ours::TypeProto {
    fn agree(&self, theirs: &theirs::TypeProto) -> Result<(), String> {
        let ours::TypeProto { value, denotation } = self;
        value.agree(&theirs.value)?;
        denotation.agree(&theirs.denotation)?;
        // Opaque types are unknown there.
        unknown(&theirs.special_fields, &[7])
    }
}

impl Agree<Option<theirs::type_proto::Value>> for Option<ours::TypeValue> {
    fn agree(&self, theirs: &Option<theirs::type_proto::Value>) -> Result<(), String> {
        use ours::TypeValue as Ours;
        use theirs::type_proto::Value as Theirs;
        match (self, theirs) {
            (None, None) => Ok(()),
            (Some(Ours::Tensor(ours)), Some(Theirs::TensorType(theirs))) => ours.agree(theirs),
            (Some(Ours::Sequence(ours)), Some(Theirs::SequenceType(theirs))) => ours.agree(theirs),
            (Some(Ours::Map(ours)), Some(Theirs::MapType(theirs))) => ours.agree(theirs),
            (Some(Ours::Optional(ours)), Some(Theirs::OptionalType(theirs))) => ours.agree(theirs),
            (Some(Ours::SparseTensor(ours)), Some(Theirs::SparseTensorType(theirs))) => ours.agree(theirs),
            (Some(Ours::Opaque(_)), None) => Ok(()),
            (ours, theirs) => Err(format!(": {ours:?} against {theirs:?}")),
        }
    }
}

impl Agree<Option<theirs::tensor_shape_proto::dimension::Value>> for Option<ours::DimensionValue> {
    fn agree(&self, theirs: &Option<theirs::tensor_shape_proto::dimension::Value>) -> Result<(), String> {
        use ours::DimensionValue as Ours;
        use theirs::tensor_shape_proto::dimension::Value as Theirs;
        match (self, theirs) {
            (None, None) => Ok(()),
            (Some(Ours::Value(ours)), Some(Theirs::DimValue(theirs))) => same(ours, theirs),
            (Some(Ours::Param(ours)), Some(Theirs::DimParam(theirs))) => same(ours, theirs),
            (ours, theirs) => Err(format!(": {ours:?} against {theirs:?}")),
        }
    }
}
