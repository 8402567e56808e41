//! Initializers, inputs and outputs of a graph.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, codes};
use crate::ir::{Labels, Output, Tensor, Type, ValueId};
use crate::onnx::ElementType;
use crate::onnx::proto::{Dimension, DimensionValue, GraphProto, TensorProto, TensorType, TypeValue, ValueInfoProto};

use super::dims;
use super::graph::{Importer, unset};
use super::node::{Fault, Imported};
use super::scope::Binding;
use super::tensor::{dtype_of_code, import_tensor, narrow};

impl Importer<'_> {
    /// Remembers that ONNX holds a value in a type narrower than a byte, where it does.
    fn mark_narrow(&mut self, id: ValueId, code: i32) {
        if let Some(element) = ElementType::from_code(code).filter(|&e| narrow(e).is_some()) {
            self.builder.narrow.insert(id, element);
        }
    }

    pub(super) fn initializers(&mut self, graph: &GraphProto) {
        for t in &graph.initializer {
            if let Some(labels) = self.strings(t) {
                self.bind(&t.name, Binding::Value(labels));
                continue;
            }
            let binding = match import_tensor(t) {
                Ok(data) => {
                    let id = self.builder.add_stored(t.name.clone(), data);
                    self.mark_narrow(id, t.data_type);
                    Binding::Value(id)
                }
                Err(fault) => {
                    let message = format!("initializer `{}`: {}", t.name.escape_debug(), fault.message);
                    self.fault_without_node(Fault { message, ..fault });
                    Binding::Failed
                }
            };
            self.bind(&t.name, binding);
        }
        for s in &graph.sparse_initializer {
            let name = s.values.as_ref().map(|v| v.name.clone()).unwrap_or_default();
            let message = format!("initializer `{}` is sparse", name.escape_debug());
            self.fault_without_node(Fault::new(codes::UNSUPPORTED_TYPE, message).help("store it as a dense tensor"));
            self.bind(&name, Binding::Failed);
        }
    }

    /// A list of strings as their places in it.
    fn strings(&mut self, t: &TensorProto) -> Option<ValueId> {
        let names: Option<Vec<String>> = t.string_data.iter().map(|s| String::from_utf8(s.to_vec()).ok()).collect();
        let names = names.filter(|n| t.data_type == ElementType::String.code() && !n.is_empty())?;
        let shape: Option<Vec<usize>> = t.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
        let shape = shape.filter(|s| crate::ir::checked_elements(s) == Some(names.len()))?;
        let places: Vec<i64> = (0..names.len() as i64).collect();
        let id = self.builder.add_stored(t.name.clone(), Tensor::from_elements(shape, &places));
        self.builder.labels.insert(id, Labels::Names(names));
        Some(id)
    }

    pub(super) fn inputs(&mut self, graph: &GraphProto) {
        let initializers: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
        for input in &graph.input {
            // Up to IR version 3 initializers are listed among the inputs; later that makes them defaults.
            if !input.name.is_empty() && initializers.contains(input.name.as_str()) {
                continue;
            }
            let binding = match self.input(input) {
                Ok(id) => Binding::Value(id),
                Err(fault) => {
                    let message = format!("input `{}`: {}", input.name.escape_debug(), fault.message);
                    self.fault_without_node(Fault { message, ..fault });
                    Binding::Failed
                }
            };
            self.bind(&input.name, binding);
        }
    }

    fn input(&mut self, input: &ValueInfoProto) -> Imported {
        let ty = self.input_type(input)?;
        let id = match self.options.constants.get(&input.name) {
            Some(t) if *t.ty() != ty => {
                return Err(Fault::shape(format!("the constant given for it is {}, the model says {ty}", t.ty())));
            }
            Some(t) => self.builder.graph.add_constant(input.name.clone(), t.clone()),
            None => {
                let id = self.builder.graph.add_value(input.name.clone(), ty);
                self.builder.graph.inputs.push(id);
                id
            }
        };
        if let Some(TypeValue::Tensor(t)) = input.ty.as_ref().and_then(|t| t.value.as_ref()) {
            self.mark_narrow(id, t.elem_type);
        }
        Ok(id)
    }

    /// The type of an input, with symbolic dimensions replaced by their values.
    fn input_type(&mut self, input: &ValueInfoProto) -> Imported<Type> {
        let tensor = declared(input)?.ok_or_else(|| Fault::new(codes::MALFORMED_GRAPH, "it has no type"))?;
        let dtype = dtype_of_code(tensor.elem_type)?;
        let shape_of_port = &tensor.shape.as_ref().ok_or_else(|| {
            Fault::new(codes::UNBOUND_DIMENSION, "its rank is unknown").help("export the model with input shapes")
        })?;
        let mut shape = Vec::with_capacity(shape_of_port.dim.len());
        for (axis, dim) in shape_of_port.dim.iter().enumerate() {
            shape.push(match &dim.value {
                Some(DimensionValue::Value(v)) if *v >= 0 => {
                    usize::try_from(*v).map_err(|_| Fault::new(codes::TOO_LARGE, format!("dimension {axis} is {v}")))?
                }
                Some(DimensionValue::Param(name)) if !name.is_empty() => self.dimension(name, &input.name, axis)?,
                _ => self.dimension(&dims::place(&input.name, axis), &input.name, axis)?,
            });
        }
        if crate::ir::checked_elements(&shape).is_none() {
            return Err(Fault::new(codes::TOO_LARGE, format!("its shape {shape:?} is too large")));
        }
        Ok(Type::new(dtype, shape))
    }

    /// The value of a symbolic dimension: by its name, else by input and axis.
    fn dimension(&mut self, name: &str, input: &str, axis: usize) -> Imported<usize> {
        let by_place = dims::place(input, axis);
        for key in [name, &by_place] {
            if let Some(&k) = self.options.dims.get(key) {
                self.used_dims.insert(key.to_string());
                return Ok(k);
            }
        }
        if self.batches.contains(name) {
            self.assumed.insert(name.to_string());
            return Ok(1);
        }
        let shown = name.escape_debug();
        Err(Fault::new(codes::UNBOUND_DIMENSION, format!("dimension {axis} is symbolic (`{shown}`) and has no value"))
            .help(format!("bind it with `--dim '{shown}=1'` (or another size)")))
    }

    /// Says which dimensions are taken as a batch of one.
    pub(super) fn note_batch(&mut self) {
        let Some(first) = self.assumed.first() else { return };
        let shown: Vec<String> = self.assumed.iter().take(4).map(|n| format!("`{}`", n.escape_debug())).collect();
        let rest = self.assumed.len() - shown.len();
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let message = format!("the batch ({}{more}) has no value and is taken as 1", shown.join(", "));
        let help = format!("`--dim '{}=8'` gives it another one", first.escape_debug());
        self.warnings.push(Diagnostic::note(codes::BATCH_OF_ONE, message).help(help));
    }

    pub(super) fn unused_dims(&mut self) {
        let unused = self.options.dims.keys().filter(|k| !self.used_dims.contains(*k));
        for name in unused {
            let message = format!("the model has no symbolic dimension `{}`", name.escape_debug());
            self.warnings.push(Diagnostic::warning(codes::UNBOUND_DIMENSION, message));
        }
        for name in self.options.bounds.keys().filter(|k| !self.used_bounds.contains(*k)) {
            let message = format!("the model has no loop that the bound `{}` is for", name.escape_debug());
            self.warnings.push(Diagnostic::warning(codes::UNBOUND_DIMENSION, message));
        }
    }

    pub(super) fn outputs(&mut self, graph: &GraphProto) {
        if graph.output.is_empty() {
            self.faults.push(Diagnostic::error(codes::MALFORMED_GRAPH, "the model has no output"));
        }
        for o in &graph.output {
            match self.lookup(&o.name) {
                Some(Binding::Value(value)) => {
                    let labels = self.builder.labels.get(&value).cloned();
                    if let Err(fault) = check_output(o, self.builder.graph.ty(value), labels.as_ref()) {
                        let message = format!("output `{}`: {}", o.name.escape_debug(), fault.message);
                        self.fault_without_node(Fault { message, ..fault });
                    }
                    let position = self.builder.graph.outputs.len();
                    self.builder.graph.labels.extend(labels.map(|labels| (position, labels)));
                    self.builder.graph.outputs.push(Output { name: o.name.clone(), value });
                }
                // What made it fail has been reported.
                Some(Binding::Failed) => {}
                Some(Binding::Unset) => self.fault_without_node(unset(&format!("`{}`", o.name.escape_debug()))),
                Some(Binding::Absent) | None => {
                    let message = format!("output `{}` is made by no node", o.name.escape_debug());
                    self.faults.push(Diagnostic::error(codes::MALFORMED_GRAPH, message));
                }
            }
        }
    }
}

/// The declared type of a port, where it has one.
fn declared(port: &ValueInfoProto) -> Imported<Option<&TensorType>> {
    let kind = match port.ty.as_ref().and_then(|t| t.value.as_ref()) {
        Some(TypeValue::Tensor(t)) => return Ok(Some(t)),
        None => return Ok(None),
        Some(TypeValue::Sequence(_)) => "sequence",
        Some(TypeValue::Map(_)) => "map",
        Some(TypeValue::Optional(_)) => "optional value",
        Some(TypeValue::SparseTensor(_)) => "sparse tensor",
        Some(TypeValue::Opaque(_)) => "value of an opaque type",
    };
    Err(Fault::new(codes::UNSUPPORTED_TYPE, format!("it is a {kind}; only tensors are supported")))
}

/// Refuses an output whose declaration contradicts what the graph computes. Symbolic dimensions say nothing.
fn check_output(output: &ValueInfoProto, ty: &Type, labels: Option<&Labels>) -> Imported<()> {
    if matches!(labels, Some(Labels::ColumnNames(_) | Labels::ColumnNumbers(_))) {
        // A ZipMap's result is declared as maps, and is their numbers as a matrix.
        return Ok(());
    }
    let Some(tensor) = declared(output)? else { return Ok(()) };
    let is_numbered = tensor.elem_type == ElementType::String.code() && matches!(labels, Some(Labels::Names(_)));
    if tensor.elem_type != 0 && !is_numbered && dtype_of_code(tensor.elem_type)? != ty.dtype {
        let name = dtype_of_code(tensor.elem_type)?;
        return Err(Fault::new(codes::SHAPE_MISMATCH, format!("it is declared as {name}, the graph computes {ty}")));
    }
    let Some(shape) = &tensor.shape else { return Ok(()) };
    let fits = |(dim, &n): (&Dimension, &usize)| match dim.value {
        Some(DimensionValue::Value(v)) if v >= 0 => u64::try_from(v) == Ok(n as u64),
        Some(DimensionValue::Value(_) | DimensionValue::Param(_)) | None => true,
    };
    if shape.dim.len() != ty.rank() || !shape.dim.iter().zip(&ty.shape).all(fits) {
        let dims: Vec<String> = shape.dim.iter().map(show).collect();
        return Err(Fault::shape(format!("it is declared as [{}], the graph computes {ty}", dims.join(","))));
    }
    Ok(())
}

fn show(dim: &Dimension) -> String {
    match &dim.value {
        Some(DimensionValue::Value(v)) => v.to_string(),
        Some(DimensionValue::Param(name)) => name.escape_debug().to_string(),
        None => "?".into(),
    }
}
