//! Decoding tensors: every field, every width, and what is refused.

use bytes::Bytes;
use prost::Message;

use super::RawTensor;
use crate::onnx::proto::TensorProto;
use crate::onnx::{ElementType, Limits, LoadError};

fn decode(proto: &TensorProto) -> Result<RawTensor, LoadError> {
    RawTensor::decode(proto, &Limits::default())
}

fn tensor(dtype: ElementType, dims: &[i64]) -> TensorProto {
    TensorProto { name: "t".into(), dims: dims.to_vec(), data_type: dtype.code(), ..TensorProto::default() }
}

fn ints(dtype: ElementType, count: i64, values: &[i32]) -> Result<Vec<u8>, LoadError> {
    let proto = TensorProto { int32_data: values.to_vec(), ..tensor(dtype, &[count]) };
    decode(&proto).map(|tensor| tensor.data.to_vec())
}

fn raw(dtype: ElementType, dims: &[i64], data: &[u8]) -> Result<RawTensor, LoadError> {
    decode(&TensorProto { raw_data: Some(Bytes::copy_from_slice(data)), ..tensor(dtype, dims) })
}

fn code<T>(result: Result<T, LoadError>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "decoded")
}

#[test]
fn raw_data_is_a_slice_of_the_message() {
    let proto =
        TensorProto { raw_data: Some(Bytes::from(vec![1, 2, 3, 4, 5, 6, 7, 8])), ..tensor(ElementType::F32, &[2, 1]) };
    let decoded = decode(&proto).unwrap();
    assert_eq!(decoded.data.as_ptr(), proto.raw_data.unwrap().as_ptr());
    assert_eq!((decoded.dims, decoded.dtype), (vec![2, 1], ElementType::F32));
}

#[test]
fn wide_typed_fields_become_little_endian_bytes() {
    let floats = TensorProto { float_data: vec![1.0, -2.5], ..tensor(ElementType::F32, &[2]) };
    assert_eq!(&decode(&floats).unwrap().data[..], [0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0]);
    let complex = TensorProto { float_data: vec![1.0, -2.5], ..tensor(ElementType::Complex64, &[1]) };
    assert_eq!(decode(&complex).unwrap().data, decode(&floats).unwrap().data);
    let doubles = TensorProto { double_data: vec![1.0], ..tensor(ElementType::F64, &[]) };
    assert_eq!(&decode(&doubles).unwrap().data[..], 1.0f64.to_le_bytes());
    let longs = TensorProto { int64_data: vec![-2], ..tensor(ElementType::I64, &[1]) };
    assert_eq!(&decode(&longs).unwrap().data[..], (-2i64).to_le_bytes());
    let unsigned = TensorProto { uint64_data: vec![u64::MAX], ..tensor(ElementType::U64, &[1]) };
    assert_eq!(&decode(&unsigned).unwrap().data[..], [0xff; 8]);
    let narrow = TensorProto { uint64_data: vec![0x0102_0304], ..tensor(ElementType::U32, &[1]) };
    assert_eq!(&decode(&narrow).unwrap().data[..], [4, 3, 2, 1]);
    let wide = TensorProto { uint64_data: vec![1 << 32], ..tensor(ElementType::U32, &[1]) };
    assert_eq!(code(decode(&wide)), "ZA0008");
}

#[test]
fn narrow_types_come_from_int32_data() {
    assert_eq!(ints(ElementType::I32, 1, &[-2]).unwrap(), [0xfe, 0xff, 0xff, 0xff]);
    assert_eq!(ints(ElementType::I8, 3, &[-1, 127, 255]).unwrap(), [0xff, 0x7f, 0xff]);
    assert_eq!(ints(ElementType::U8, 1, &[200]).unwrap(), [200]);
    assert_eq!(ints(ElementType::F16, 1, &[0x3c00]).unwrap(), [0, 0x3c]);
    assert_eq!(ints(ElementType::I16, 1, &[-2]).unwrap(), [0xfe, 0xff]);
    assert_eq!(ints(ElementType::Bool, 2, &[1, 0]).unwrap(), [1, 0]);
    assert_eq!(ints(ElementType::F8E4M3FN, 1, &[0x80]).unwrap(), [0x80]);
    assert_eq!(ints(ElementType::F6E2M3, 5, &[1, 2, 3, 63, 32]).unwrap(), [0x81, 0x30, 0xfc, 0x20]);
    for (dtype, value) in [
        (ElementType::U8, 256),
        (ElementType::I8, -129),
        (ElementType::Bool, 2),
        (ElementType::F16, 0x10000),
        (ElementType::F6E3M2, 64),
        (ElementType::F6E3M2, -1),
    ] {
        assert_eq!(code(ints(dtype, 1, &[value])), "ZA0008", "{dtype} {value}");
    }
}

#[test]
fn packed_types_have_no_bits_behind_the_last_element() {
    assert_eq!(ints(ElementType::U4, 3, &[0x21, 0xf3]).unwrap(), [0x21, 0x03]);
    assert_eq!(ints(ElementType::I2, 5, &[0xe4, 0xff]).unwrap(), [0xe4, 0x03]);
    assert_eq!(&raw(ElementType::I4, &[3], &[0x21, 0xf3]).unwrap().data[..], [0x21, 0x03]);
    assert_eq!(&raw(ElementType::I4, &[4], &[0x21, 0xf3]).unwrap().data[..], [0x21, 0xf3]);
    assert_eq!(&raw(ElementType::F6E2M3, &[1], &[0xff]).unwrap().data[..], [0x3f]);
    assert_eq!(code(ints(ElementType::U4, 3, &[1, 2, 3])), "ZA0006");
}

#[test]
fn lengths_must_fit_exactly() {
    assert_eq!(code(raw(ElementType::F32, &[2], &[0; 7])), "ZA0006");
    assert_eq!(code(raw(ElementType::F32, &[2], &[0; 9])), "ZA0006");
    assert_eq!(code(raw(ElementType::F32, &[0], &[0; 4])), "ZA0006");
    assert_eq!(code(decode(&tensor(ElementType::F32, &[2]))), "ZA0006");
    assert_eq!(code(raw(ElementType::Bool, &[1], &[2])), "ZA0008");
    assert!(decode(&tensor(ElementType::F32, &[3, 0])).unwrap().data.is_empty());
    assert_eq!(raw(ElementType::F32, &[], &[0; 4]).unwrap().elements(), 1);
}

#[test]
fn shapes_out_of_bounds_are_refused() {
    assert_eq!(code(decode(&tensor(ElementType::U8, &[-1]))), "ZA0008");
    assert_eq!(code(decode(&tensor(ElementType::U8, &[1 << 32, 1 << 32, 1 << 32]))), "ZA0003");
    assert_eq!(code(decode(&tensor(ElementType::U8, &[0, i64::MAX, i64::MAX]))), "ZA0003");
    assert_eq!(code(decode(&tensor(ElementType::U8, &[1; 33]))), "ZA0003");
    let whole = RawTensor::new(String::new(), ElementType::U8, vec![usize::MAX, usize::MAX], Bytes::new());
    assert_eq!(code(whole), "ZA0003");
}

#[test]
fn contradictory_tensors_are_refused() {
    let two = TensorProto {
        raw_data: Some(Bytes::from_static(&[0; 4])),
        float_data: vec![0.0],
        ..tensor(ElementType::F32, &[1])
    };
    assert_eq!(code(decode(&two)), "ZA0008");
    let wrong = TensorProto { float_data: vec![0.0], ..tensor(ElementType::I32, &[1]) };
    assert_eq!(code(decode(&wrong)), "ZA0008");
    let chunk = TensorProto { segment: Some(Default::default()), ..tensor(ElementType::F32, &[0]) };
    assert_eq!(code(decode(&chunk)), "ZA0008");
    let string = TensorProto { string_data: vec![Bytes::new()], ..tensor(ElementType::String, &[1]) };
    assert_eq!(code(decode(&string)), "ZA0007");
    let unknown = TensorProto { data_type: 99, ..tensor(ElementType::F32, &[0]) };
    assert_eq!(code(decode(&unknown)), "ZA0007");
    let elsewhere = TensorProto { data_location: 1, ..tensor(ElementType::F32, &[0]) };
    assert_eq!(code(decode(&elsewhere)), "ZA0009");
    let nowhere = TensorProto { data_location: 2, ..tensor(ElementType::F32, &[0]) };
    assert_eq!(code(decode(&nowhere)), "ZA0008");
}

#[test]
fn encoding_and_decoding_give_the_tensor_back() {
    let tensor = RawTensor::new("x".into(), ElementType::I16, vec![1, 2], Bytes::from_static(&[1, 2, 3, 4]));
    let tensor = tensor.unwrap();
    assert_eq!(decode(&tensor.to_proto()).unwrap(), tensor);
    let wire = Bytes::from(tensor.to_proto().encode_to_vec());
    assert_eq!(RawTensor::from_pb(wire, &Limits::default()).unwrap(), tensor);
}

#[test]
fn errors_show_names_escaped() {
    let name = "w\n\u{1b}[2J*/";
    let proto = TensorProto { name: name.into(), ..tensor(ElementType::F32, &[2]) };
    let error = decode(&proto).unwrap_err();
    assert_eq!(error.tensor(), Some(name));
    assert_eq!(
        error.to_string(),
        r#"tensor "w\n\u{1b}[2J*/" needs 8 bytes of data for its shape and type, the message has 0"#
    );
}
