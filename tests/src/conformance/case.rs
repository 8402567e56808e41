//! One case on disk: `model.onnx` and `test_data_set_0/{input_K,output_K}.pb`.

use std::path::PathBuf;

use zantc::onnx::proto::{DimensionValue, TypeValue, ValueInfoProto};
use zantc::onnx::{ElementType, Limits, Model, RawTensor, load};

use crate::cases;

/// An eligible case.
pub struct Case {
    /// The folder's name; behind that of its group, unless this is `node`.
    pub name: String,
    /// Operator of the first node, or `(expanded)` for the body of a function, or the group of a case of whole models.
    pub operator: String,
    /// Whether it is one of the cases that ONNX has for each operator.
    pub of_operator: bool,
    /// Whether its inputs and outputs have no types but f32, bool and the integers of 8 to 64 bits.
    pub common: bool,
    /// The model.
    pub model: Model,
    /// Values of the inputs by name, in the order of the model; those that the model gives a value are left out.
    pub inputs: Vec<(String, RawTensor)>,
    /// Values of the outputs.
    pub outputs: Vec<RawTensor>,
}

/// Reads a case; `None` where it is not one of static shapes and numeric or bool tensors.
pub(super) fn read(place: &cases::Case) -> Result<Option<Case>, String> {
    let limits = Limits::default();
    let model = load(&place.model(), &limits).map_err(|e| e.to_string())?;
    let graph = &model.proto.graph;
    let mut common = true;
    for info in graph.input.iter().chain(&graph.output) {
        let defaulted = graph.initializer.iter().any(|t| t.name == info.name);
        match element(info, defaulted) {
            None => return Ok(None),
            Some(element) => common &= is_common(element),
        }
    }
    let data = place.data_sets().into_iter().next().ok_or("it has no test vectors")?;
    let values = |paths: &[PathBuf], count: usize| -> Result<Vec<RawTensor>, String> {
        if paths.len() != count {
            return Err(format!("{} test vectors for {count} values", paths.len()));
        }
        paths.iter().map(|p| RawTensor::read_pb(p, &limits).map_err(|e| e.to_string())).collect()
    };
    let of_operator = place.group == "node";
    let operator = match graph.node.first() {
        _ if !of_operator => format!("({})", place.group),
        _ if place.name.contains("_expanded") => "(expanded)".to_string(),
        Some(node) if node.domain.is_empty() || node.domain == "ai.onnx" => node.op_type.clone(),
        Some(node) => format!("{}.{}", node.domain, node.op_type),
        None => "(none)".to_string(),
    };
    let name = if of_operator { place.name.clone() } else { format!("{}/{}", place.group, place.name) };
    // Older cases have no vectors for inputs that are initializers, newer ones have no such inputs.
    let names = graph.input.iter().map(|i| &i.name).filter(|name| graph.initializer.iter().all(|t| t.name != **name));
    let names: Vec<String> = names.cloned().collect();
    let inputs = values(&data.inputs, names.len())?;
    let inputs = names.into_iter().zip(inputs).collect();
    let outputs = values(&data.outputs, graph.output.len())?;
    Ok(Some(Case { name, operator, of_operator, common, model, inputs, outputs }))
}

/// The element type of an input or output that is a numeric or bool tensor of static shape.
fn element(info: &ValueInfoProto, any_shape: bool) -> Option<ElementType> {
    let Some(TypeValue::Tensor(tensor)) = info.ty.as_ref().and_then(|t| t.value.as_ref()) else { return None };
    let element = ElementType::from_code(tensor.elem_type).filter(|e| *e != ElementType::String)?;
    let fixed = |dim: &Option<DimensionValue>| matches!(dim, Some(DimensionValue::Value(_)));
    let is_static = tensor.shape.as_ref().is_some_and(|s| s.dim.iter().all(|d| fixed(&d.value)));
    (any_shape || is_static).then_some(element)
}

fn is_common(element: ElementType) -> bool {
    use ElementType as E;
    matches!(element, E::F32 | E::Bool | E::I8 | E::I16 | E::I32 | E::I64 | E::U8 | E::U16 | E::U32 | E::U64)
}
