//! Nodes whose attributes and shapes are extreme: each is refused with a diagnostic, without a panic, a hang or a large
//! allocation.

use bytes::Bytes;
use zantc::diag::Diagnostic;
use zantc::import::{Options, import};
use zantc::onnx::proto::{
    AttributeProto, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};

const F32: i32 = 1;
const I64: i32 = 7;
const BIG: i64 = 1 << 40;

/// One node; its first input, if there are shapes, is `x` of f32, the other ones are constants.
struct Hostile {
    op: &'static str,
    opset: i64,
    x: Vec<i64>,
    constants: Vec<TensorProto>,
    attributes: Vec<AttributeProto>,
}

fn hostile(op: &'static str, x: &[i64]) -> Hostile {
    Hostile { op, opset: 22, x: x.to_vec(), constants: Vec::new(), attributes: Vec::new() }
}

impl Hostile {
    fn ints(mut self, dims: &[i64], values: &[i64]) -> Hostile {
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constants.push(tensor(I64, dims, data));
        self
    }

    fn floats(mut self, dims: &[i64], values: &[f32]) -> Hostile {
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constants.push(tensor(F32, dims, data));
        self
    }

    fn none(mut self) -> Hostile {
        self.constants.push(TensorProto::default());
        self
    }

    fn int(mut self, name: &str, v: i64) -> Hostile {
        self.attributes.push(AttributeProto { name: name.into(), kind: 2, i: Some(v), ..Default::default() });
        self
    }

    fn list(mut self, name: &str, v: &[i64]) -> Hostile {
        self.attributes.push(AttributeProto { name: name.into(), kind: 7, ints: v.to_vec(), ..Default::default() });
        self
    }

    fn text(mut self, name: &str, v: &'static str) -> Hostile {
        let s = Some(Bytes::from_static(v.as_bytes()));
        self.attributes.push(AttributeProto { name: name.into(), kind: 3, s, ..Default::default() });
        self
    }

    fn opset(mut self, opset: i64) -> Hostile {
        self.opset = opset;
        self
    }

    fn import(self) -> Result<(), Vec<Diagnostic>> {
        let mut input = if self.x.is_empty() { Vec::new() } else { vec!["x".to_string()] };
        let mut initializer = Vec::new();
        for (i, mut t) in self.constants.into_iter().enumerate() {
            // A constant without a type stands for an input that is left out.
            t.name = if t.data_type == 0 { String::new() } else { format!("c{i}") };
            input.push(t.name.clone());
            initializer.extend((t.data_type != 0).then_some(t));
        }
        let node = NodeProto {
            input,
            output: vec!["y".into()],
            op_type: self.op.into(),
            attribute: self.attributes,
            ..NodeProto::default()
        };
        let graph = GraphProto {
            node: vec![node],
            initializer,
            input: vec![ValueInfoProto { name: "x".into(), ty: Some(f32_of(&self.x)), ..Default::default() }],
            output: vec![ValueInfoProto { name: "y".into(), ..Default::default() }],
            ..GraphProto::default()
        };
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: self.opset }];
        let model = ModelProto { ir_version: 10, opset_import, graph, ..ModelProto::default() };
        import(&model, &Options::default()).map(|_| ())
    }
}

fn tensor(data_type: i32, dims: &[i64], data: Vec<u8>) -> TensorProto {
    TensorProto { dims: dims.to_vec(), data_type, raw_data: Some(data.into()), ..TensorProto::default() }
}

fn f32_of(shape: &[i64]) -> TypeProto {
    let dim = |&n: &i64| Dimension { value: Some(DimensionValue::Value(n)), ..Dimension::default() };
    let shape = TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor = TensorType { elem_type: F32, shape: Some(shape) };
    TypeProto { value: Some(TypeValue::Tensor(tensor)), ..TypeProto::default() }
}

fn all_refused(cases: Vec<Hostile>) {
    for case in cases {
        let what = format!("{} {:?} of {:?}", case.op, case.attributes, case.x);
        let diagnostics = case.import().expect_err(&what);
        assert!(
            diagnostics.iter().all(|d| d.code.starts_with("ZA02") && !d.message.is_empty()),
            "{what}: {diagnostics:?}"
        );
    }
}

#[test]
fn borders_and_repetitions() {
    all_refused(vec![
        hostile("Pad", &[2]).ints(&[2], &[BIG, BIG]),
        hostile("Pad", &[2]).ints(&[2], &[i64::MIN, i64::MAX]),
        hostile("Pad", &[2]).ints(&[2], &[-2, -1]),
        hostile("Pad", &[2]).ints(&[2], &[1 << 30, 0]).text("mode", "reflect"),
        hostile("Pad", &[2]).ints(&[2], &[i64::MAX, i64::MAX]).text("mode", "wrap"),
        hostile("Pad", &[2]).ints(&[2], &[BIG, 0]).text("mode", "edge"),
        hostile("Pad", &[0]).ints(&[2], &[1, 1]).text("mode", "edge"),
        hostile("Pad", &[2]).ints(&[3], &[1, 1, 1]),
        hostile("Pad", &[2]).list("paddings", &[1]).opset(1),
        hostile("CenterCropPad", &[2]).ints(&[1], &[i64::MAX]),
        hostile("Tile", &[4]).ints(&[1], &[i64::MAX]),
        hostile("Tile", &[4]).ints(&[1], &[-1]),
        hostile("DepthToSpace", &[1, 4, 1, 1]).int("blocksize", BIG),
        hostile("DepthToSpace", &[1, 4, 1, 1]).int("blocksize", 0),
        hostile("SpaceToDepth", &[1, 4, 2, 2]).int("blocksize", i64::MIN),
    ]);
}

#[test]
fn generated_tensors() {
    all_refused(vec![
        hostile("ConstantOfShape", &[]).ints(&[2], &[BIG, BIG]),
        hostile("ConstantOfShape", &[]).ints(&[1], &[-1]),
        hostile("Range", &[]).ints(&[], &[0]).ints(&[], &[5]).ints(&[], &[0]),
        hostile("Range", &[]).ints(&[], &[i64::MIN]).ints(&[], &[i64::MAX]).ints(&[], &[1]),
        hostile("Range", &[]).floats(&[], &[0.0]).floats(&[], &[f32::INFINITY]).floats(&[], &[1.0]),
        hostile("Range", &[]).floats(&[], &[0.0]).floats(&[], &[1e30]).floats(&[], &[1e-30]),
        hostile("EyeLike", &[1 << 15, 1 << 15]),
        hostile("HannWindow", &[]).ints(&[], &[BIG]),
        hostile("OneHot", &[3]).ints(&[], &[BIG]).floats(&[2], &[0.0, 1.0]),
        hostile("OneHot", &[3]).ints(&[], &[-1]).floats(&[2], &[0.0, 1.0]),
        hostile("DFT", &[1, 8, 1]).ints(&[], &[BIG]),
        hostile("DFT", &[1, 8, 3]),
        hostile("STFT", &[1, 8, 1]).ints(&[], &[0]),
        hostile("STFT", &[1, 8, 1]).ints(&[], &[1]).none().ints(&[], &[9]),
        hostile("AffineGrid", &[1, 2, 3]).ints(&[4], &[1, 1, BIG, BIG]),
    ]);
}

#[test]
fn windows() {
    let pool = || hostile("MaxPool", &[1, 1, 4, 4]);
    all_refused(vec![
        pool().list("kernel_shape", &[BIG, BIG]),
        pool().list("kernel_shape", &[0, 1]),
        pool().list("kernel_shape", &[5, 1]),
        pool().list("kernel_shape", &[1, 1]).list("strides", &[0, 1]),
        pool().list("kernel_shape", &[1, 1]).list("pads", &[BIG, 0, 0, 0]),
        pool().list("kernel_shape", &[1, 1]).list("pads", &[1 << 20, 1 << 20, 1 << 20, 1 << 20]),
        pool().list("kernel_shape", &[1, 1]).list("pads", &[-1, 0, 0, 0]),
        pool().list("kernel_shape", &[1]),
        pool().list("kernel_shape", &[2, 2]).list("dilations", &[1 << 20, 1]).int("ceil_mode", 1),
        hostile("LpPool", &[1, 1, 4, 4]).list("kernel_shape", &[1, 1]).int("p", 0),
        hostile("Conv", &[1, 2, 4, 4]).floats(&[1, 2, 1, 1], &[1.0, 1.0]).int("group", i64::MAX),
        hostile("Conv", &[1, 2, 4]).floats(&[1, 2, 1, 1], &[1.0, 1.0]),
        hostile("ConvTranspose", &[1, 1, 4, 4]).floats(&[1, 1, 1, 1], &[1.0]).list("output_shape", &[1 << 20, 1 << 20]),
        hostile("ConvTranspose", &[1, 1, 4, 4]).floats(&[1, 1, 1, 1], &[1.0]).list("output_padding", &[BIG, 0]),
        hostile("GridSample", &[1, 1, 4, 4]).floats(&[1, 1, 1, 3], &[0.0; 3]),
    ]);
}

#[test]
fn resizing() {
    let scaled = |scales: [f32; 2]| hostile("Resize", &[4, 4]).none().floats(&[2], &scales).text("mode", "linear");
    all_refused(vec![
        scaled([f32::NAN, 1.0]),
        scaled([-1.0, 1.0]),
        scaled([f32::MAX, 1.0]),
        scaled([1e8, 1e8]),
        hostile("Resize", &[4, 4]).none().none().ints(&[2], &[BIG, 1]),
        hostile("Resize", &[4, 4]).none().none().ints(&[2], &[-1, 1]),
        hostile("Resize", &[4, 4]).none().none().ints(&[1], &[1]),
        hostile("Resize", &[4, 4]),
        hostile("Resize", &[4, 4]).none().floats(&[2], &[2.0, 2.0]).text("mode", "\u{202e}odd"),
        hostile("Resize", &[1 << 30]).none().floats(&[1], &[1e-9]).text("mode", "linear").int("antialias", 1),
        hostile("Upsample", &[4, 4]).floats(&[1], &[2.0]).opset(9),
    ]);
}

#[test]
fn selections_and_products() {
    all_refused(vec![
        hostile("Einsum", &[2, 2]).text("equation", "ij->ijk"),
        hostile("Einsum", &[2, 2]).text("equation", "......"),
        hostile("Einsum", &[2, 3]).text("equation", "ii->i"),
        hostile("Einsum", &[2, 2]).text("equation", ""),
        hostile("Trilu", &[4]),
        hostile("Trilu", &[4, 4]).ints(&[2], &[0, 0]),
        hostile("ReverseSequence", &[2, 2]).ints(&[2], &[3, 0]),
        hostile("ReverseSequence", &[2, 2]).ints(&[2], &[-1, 0]),
        hostile("Slice", &[4]).ints(&[1], &[0]).ints(&[1], &[i64::MIN]).ints(&[1], &[1]).ints(&[1], &[1]),
        hostile("Slice", &[4]).ints(&[1], &[0]).ints(&[1], &[4]).ints(&[1], &[0]).ints(&[1], &[0]),
        hostile("Reshape", &[4]).ints(&[2], &[BIG, BIG]),
        hostile("Reshape", &[4]).ints(&[3], &[-1, 0, i64::MIN]),
        hostile("Expand", &[1]).ints(&[3], &[BIG, BIG, BIG]),
        hostile("Attention", &[1, 2, 4])
            .floats(&[1, 2, 4], &[0.0; 8])
            .floats(&[1, 2, 4], &[0.0; 8])
            .int("q_num_heads", -1)
            .opset(23),
        hostile("LinearAttention", &[1, 1, 4])
            .floats(&[1, 1, 4], &[0.0; 4])
            .floats(&[1, 1, 4], &[0.0; 4])
            .int("q_num_heads", i64::MAX)
            .opset(27),
        hostile("RotaryEmbedding", &[1, 1, 1, 4])
            .floats(&[1, 1, 2], &[0.0; 2])
            .floats(&[1, 1, 2], &[0.0; 2])
            .int("rotary_embedding_dim", i64::MIN)
            .opset(23),
    ]);
}

/// Results of extreme numbers that are all the same well defined.
#[test]
fn extremes_that_are_legal() {
    for case in [
        hostile("Slice", &[4])
            .ints(&[1], &[i64::MAX])
            .ints(&[1], &[i64::MIN])
            .ints(&[1], &[0])
            .ints(&[1], &[i64::MIN + 1]),
        hostile("Trilu", &[4, 4]).ints(&[], &[i64::MIN]),
        hostile("Trilu", &[4, 4]).ints(&[], &[i64::MAX]),
        hostile("EyeLike", &[2, 2]).int("k", i64::MIN),
        hostile("Tile", &[4]).ints(&[1], &[0]),
        hostile("Pad", &[4]).ints(&[2], &[9, -4]),
        hostile("Shape", &[4]).int("start", i64::MIN).int("end", i64::MAX),
        hostile("Resize", &[4, 4]).none().none().ints(&[2], &[0, 4]),
        hostile("Einsum", &[2, 2]).text("equation", "ii"),
    ] {
        let what = format!("{} {:?} of {:?}", case.op, case.attributes, case.x);
        case.import().unwrap_or_else(|d| panic!("{what}: {d:?}"));
    }
}
