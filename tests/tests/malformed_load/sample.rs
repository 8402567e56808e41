//! A small model that has something of everything the format knows.

use bytes::Bytes;
use zantc::onnx::ElementType;
use zantc::onnx::proto::{
    AttributeProto, Dimension, DimensionValue, FunctionProto, GraphProto, MapType, ModelProto, NodeProto, OpaqueType,
    OperatorSetIdProto, OptionalType, SequenceType, SparseTensorProto, SparseTensorType, StringStringEntryProto,
    TensorAnnotation, TensorProto, TensorShapeProto, TensorType, TrainingInfoProto, TypeProto, TypeValue,
    ValueInfoProto,
};

/// The model.
pub(crate) fn model() -> ModelProto {
    let opset = OperatorSetIdProto { domain: String::new(), version: 21 };
    ModelProto {
        ir_version: 10,
        opset_import: vec![opset.clone()],
        producer_name: "sample".into(),
        producer_version: "1".into(),
        domain: "test".into(),
        model_version: 3,
        doc_string: "a model".into(),
        graph: graph(),
        metadata_props: vec![entry("key", "value")],
        training_info: vec![TrainingInfoProto { initialization: Some(GraphProto::default()), ..Default::default() }],
        functions: vec![FunctionProto {
            name: "f".into(),
            input: vec!["a".into()],
            output: vec!["b".into()],
            attribute: vec!["axis".into()],
            attribute_proto: vec![AttributeProto { name: "beta".into(), kind: 1, f: Some(0.5), ..Default::default() }],
            node: vec![node("Relu", vec![])],
            opset_import: vec![opset],
            domain: "test".into(),
            ..FunctionProto::default()
        }],
        configuration: vec![],
    }
}

fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: key.into(), value: value.into() }
}

fn node(op_type: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        input: vec!["x".into(), String::new()],
        output: vec!["y".into()],
        name: format!("a node {op_type}"),
        op_type: op_type.into(),
        attribute,
        metadata_props: vec![entry("scope", "here")],
        ..NodeProto::default()
    }
}

fn graph() -> GraphProto {
    let inner = GraphProto { node: vec![node("Add", vec![])], initializer: tensors(), ..GraphProto::default() };
    let sparse = SparseTensorProto { values: tensors().pop(), indices: tensors().pop(), dims: vec![4] };
    GraphProto {
        node: vec![node("If", attributes(inner)), node("Conv", vec![])],
        name: "main".into(),
        initializer: tensors(),
        sparse_initializer: vec![sparse],
        doc_string: "a graph".into(),
        input: types().into_iter().map(value).collect(),
        output: vec![value(tensor_type())],
        value_info: vec![value(tensor_type())],
        quantization_annotation: vec![TensorAnnotation {
            tensor_name: "x".into(),
            quant_parameter_tensor_names: vec![entry("SCALE_TENSOR", "s")],
        }],
        metadata_props: vec![entry("k", "v")],
    }
}

fn attributes(inner: GraphProto) -> Vec<AttributeProto> {
    let named = |name: &str, kind| AttributeProto { name: name.into(), kind, ..AttributeProto::default() };
    vec![
        AttributeProto { f: Some(1.5), ..named("f", 1) },
        AttributeProto { i: Some(-7), ..named("i", 2) },
        AttributeProto { s: Some(Bytes::from_static(b"SAME_UPPER")), ..named("s", 3) },
        AttributeProto { t: tensors().pop().map(Box::new), ..named("t", 4) },
        AttributeProto { g: Some(Box::new(inner.clone())), ..named("g", 5) },
        AttributeProto { floats: vec![1.0, 2.0], ..named("fs", 6) },
        AttributeProto { ints: vec![1, -2, 1 << 40], ..named("is", 7) },
        AttributeProto { strings: vec![Bytes::from_static(b"a"), Bytes::new()], ..named("ss", 8) },
        AttributeProto { tensors: tensors(), ..named("ts", 9) },
        AttributeProto { graphs: vec![inner], ..named("gs", 10) },
        AttributeProto { tp: Some(Box::new(tensor_type())), ..named("tp", 13) },
        AttributeProto { ref_attr_name: "axis".into(), ..named("r", 2) },
    ]
}

/// A tensor in each of the fields that hold data.
fn tensors() -> Vec<TensorProto> {
    let tensor = |name: &str, dtype: ElementType, dims: &[i64]| TensorProto {
        name: name.into(),
        data_type: dtype.code(),
        dims: dims.to_vec(),
        ..TensorProto::default()
    };
    vec![
        TensorProto { raw_data: Some(vec![1; 48].into()), ..tensor("raw", ElementType::F32, &[3, 4]) },
        TensorProto { float_data: vec![0.5; 4], ..tensor("floats", ElementType::F32, &[4]) },
        TensorProto { double_data: vec![0.5; 2], ..tensor("doubles", ElementType::F64, &[1, 2]) },
        TensorProto { int64_data: vec![-1, 300], ..tensor("longs", ElementType::I64, &[2]) },
        TensorProto { uint64_data: vec![1, 300], ..tensor("unsigned", ElementType::U32, &[2]) },
        TensorProto { int32_data: vec![-1, 127], ..tensor("bytes", ElementType::I8, &[2]) },
        TensorProto { int32_data: vec![0x21, 3], ..tensor("nibbles", ElementType::U4, &[3]) },
        TensorProto { int32_data: vec![0, 1], ..tensor("bools", ElementType::Bool, &[2]) },
        TensorProto { int32_data: vec![1, 2, 3, 4, 5], ..tensor("sixes", ElementType::F6E2M3, &[5]) },
    ]
}

fn value(ty: TypeProto) -> ValueInfoProto {
    ValueInfoProto { name: "v".into(), ty: Some(ty), ..ValueInfoProto::default() }
}

fn shape() -> TensorShapeProto {
    let dim = |value| Dimension { value, denotation: "DATA_BATCH".into() };
    TensorShapeProto {
        dim: vec![dim(Some(DimensionValue::Value(3))), dim(Some(DimensionValue::Param("batch".into()))), dim(None)],
    }
}

fn of(value: TypeValue) -> TypeProto {
    TypeProto { value: Some(value), denotation: "TENSOR".into() }
}

fn tensor_type() -> TypeProto {
    of(TypeValue::Tensor(TensorType { elem_type: 1, shape: Some(shape()) }))
}

/// A type of each kind.
fn types() -> Vec<TypeProto> {
    let inner = || Some(Box::new(tensor_type()));
    vec![
        tensor_type(),
        of(TypeValue::Sequence(Box::new(SequenceType { elem_type: inner() }))),
        of(TypeValue::Map(Box::new(MapType { key_type: 7, value_type: inner() }))),
        of(TypeValue::Optional(Box::new(OptionalType { elem_type: inner() }))),
        of(TypeValue::SparseTensor(SparseTensorType { elem_type: 1, shape: Some(shape()) })),
        of(TypeValue::Opaque(OpaqueType { domain: "d".into(), name: "n".into() })),
    ]
}
