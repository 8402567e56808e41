//! Models as text, and as files.

use std::fmt::Write as _;
use std::path::Path;

use prost::Message as _;
use zantc::onnx::proto::{AttributeProto, TensorProto, TypeValue, ValueInfoProto};

use super::Sample;

fn tensor(t: &TensorProto) -> String {
    let raw = zantc::onnx::RawTensor::decode(t, &zantc::onnx::Limits::default()).ok();
    let data = raw.and_then(|r| zantc::import::from_raw(&r).ok());
    let Some(data) = data else { return format!("type {}{:?}", t.data_type, t.dims) };
    let mut elements: Vec<String> = data.scalars().take(8).map(|s| s.to_string()).collect();
    if data.len() > elements.len() {
        elements.push("..".into());
    }
    format!("{} = {{{}}}", data.ty(), elements.join(", "))
}

fn attribute(a: &AttributeProto) -> String {
    let value = match a.kind {
        1 => format!("{:?}", a.f.unwrap_or_default()),
        2 => format!("{}", a.i.unwrap_or_default()),
        3 => format!("{:?}", String::from_utf8_lossy(a.s.as_deref().unwrap_or_default())),
        4 => a.t.as_deref().map(tensor).unwrap_or_default(),
        6 => format!("{:?}", a.floats),
        7 => format!("{:?}", a.ints),
        kind => format!("kind {kind}"),
    };
    format!("{}={value}", a.name)
}

fn info(i: &ValueInfoProto) -> String {
    let Some(TypeValue::Tensor(t)) = i.ty.as_ref().and_then(|t| t.value.as_ref()) else { return i.name.clone() };
    let element = zantc::onnx::ElementType::from_code(t.elem_type).map_or("?", |e| e.name());
    let dims = t.shape.iter().flat_map(|s| &s.dim).map(|d| match &d.value {
        Some(zantc::onnx::proto::DimensionValue::Value(v)) => v.to_string(),
        _ => "?".into(),
    });
    format!("{}: {element}[{}]", i.name, dims.collect::<Vec<_>>().join(","))
}

/// A model as people read it.
pub fn listing(sample: &Sample) -> String {
    let graph = &sample.model.graph;
    let mut text = format!("model of seed {}, opset {}\n", sample.seed, sample.model.opset_import[0].version);
    for (n, i) in graph.input.iter().enumerate() {
        let data = sample.inputs.get(n).map(|t| tensor(&zantc::import::to_raw("", t).to_proto())).unwrap_or_default();
        let _ = writeln!(text, "  input {} {data}", info(i));
    }
    for t in &graph.initializer {
        let _ = writeln!(text, "  constant {}: {}", t.name, tensor(t));
    }
    for node in &graph.node {
        let attributes: Vec<String> = node.attribute.iter().map(attribute).collect();
        let (op, inputs, outputs) = (&node.op_type, node.input.join(", "), node.output.join(", "));
        let _ = writeln!(text, "  {outputs} = {op}({inputs}) {}", attributes.join(" "));
    }
    for o in &graph.output {
        let _ = writeln!(text, "  output {}", info(o));
    }
    text
}

/// Writes a model, its inputs and its outputs into a new folder, as the official ONNX cases lie.
///
/// # Errors
/// Where a file cannot be written.
pub fn dump(sample: &Sample, outputs: &[zantc::ir::Tensor], folder: &Path) -> std::io::Result<()> {
    let data = folder.join("test_data_set_0");
    std::fs::create_dir_all(&data)?;
    std::fs::write(folder.join("model.onnx"), sample.model.encode_to_vec())?;
    let write = |name: String, value: &str, t: &zantc::ir::Tensor| {
        std::fs::write(data.join(name), zantc::import::to_raw(value, t).to_proto().encode_to_vec())
    };
    for (i, t) in sample.inputs.iter().enumerate() {
        write(format!("input_{i}.pb"), &sample.model.graph.input[i].name, t)?;
    }
    for (i, t) in outputs.iter().enumerate() {
        write(format!("output_{i}.pb"), &sample.model.graph.output[i].name, t)?;
    }
    Ok(())
}
