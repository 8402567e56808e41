//! Models of one node: on constants, whose results the import computes, or on inputs, with which the program runs.

use zantc::config::Config;
use zantc::diag::Diagnostic;
use zantc::exec::{ExecError, Executor, Hygiene};
use zantc::import::{Options, import};
use zantc::ir::{DType, Element, Numerics, Reference, Tensor, eval_graph};
use zantc::onnx::proto::{
    AttributeProto, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use zantc::pipeline::compile_graph;

/// A node under construction.
#[derive(Clone, Debug)]
pub struct OneNode {
    opset: i64,
    node: NodeProto,
    initializer: Vec<TensorProto>,
}

impl OneNode {
    /// An operator of ONNX's own domain as of an opset, with one result.
    pub fn new(op_type: &str, opset: i64) -> OneNode {
        let node = NodeProto { op_type: op_type.into(), output: vec!["y0".into()], ..NodeProto::default() };
        OneNode { opset, node, initializer: Vec::new() }
    }

    /// Takes the operator of another domain.
    pub fn domain(mut self, domain: &str) -> OneNode {
        self.node.domain = domain.into();
        self
    }

    /// Adds an operand with the ONNX number of its element type, and its bytes.
    pub fn raw(mut self, data_type: i32, dims: &[i64], data: Vec<u8>) -> OneNode {
        let name = format!("x{}", self.node.input.len());
        self.node.input.push(name.clone());
        let raw_data = Some(data.into());
        self.initializer.push(TensorProto { name, data_type, dims: dims.to_vec(), raw_data, ..TensorProto::default() });
        self
    }

    /// Adds an operand.
    ///
    /// # Panics
    /// Where the element type has no Rust type with a number here.
    pub fn input<T: Element>(self, dims: &[i64], values: &[T]) -> OneNode {
        let code = match T::DTYPE {
            DType::F32 => 1,
            DType::U8 => 2,
            DType::I8 => 3,
            DType::I32 => 6,
            DType::I64 => 7,
            DType::Bool | DType::I16 | DType::U16 | DType::U32 | DType::U64 => panic!("{} is not needed", T::DTYPE),
            DType::F16 | DType::BF16 | DType::F64 | DType::Mini(_) => panic!("{} is not needed", T::DTYPE),
        };
        let bytes = Tensor::from_elements([values.len()], values).data().to_vec();
        self.raw(code, dims, bytes)
    }

    /// Leaves an operand out.
    pub fn none(mut self) -> OneNode {
        self.node.input.push(String::new());
        self
    }

    /// Asks for a number of results.
    pub fn outputs(mut self, n: usize) -> OneNode {
        self.node.output = (0..n).map(|i| format!("y{i}")).collect();
        self
    }

    fn attribute(mut self, name: &str, a: AttributeProto) -> OneNode {
        self.node.attribute.push(AttributeProto { name: name.into(), ..a });
        self
    }

    /// Sets an integer attribute.
    pub fn int(self, name: &str, v: i64) -> OneNode {
        self.attribute(name, AttributeProto { kind: 2, i: Some(v), ..AttributeProto::default() })
    }

    /// Sets a float attribute.
    pub fn float(self, name: &str, v: f32) -> OneNode {
        self.attribute(name, AttributeProto { kind: 1, f: Some(v), ..AttributeProto::default() })
    }

    /// Sets a list of integers.
    pub fn ints(self, name: &str, v: &[i64]) -> OneNode {
        self.attribute(name, AttributeProto { kind: 7, ints: v.to_vec(), ..AttributeProto::default() })
    }

    /// Sets a text.
    pub fn text(self, name: &str, v: &'static str) -> OneNode {
        let s = Some(v.into());
        self.attribute(name, AttributeProto { kind: 3, s, ..AttributeProto::default() })
    }

    /// The results, or what is wrong with the node.
    ///
    /// # Errors
    /// The import's diagnostics.
    ///
    /// # Panics
    /// Where a result is not constant though all operands are.
    pub fn results(self) -> Result<Vec<Tensor>, Vec<Diagnostic>> {
        let output = |name: &String| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() };
        let graph = GraphProto {
            output: self.node.output.iter().map(output).collect(),
            node: vec![self.node],
            initializer: self.initializer,
            ..GraphProto::default()
        };
        let graph = import(&model(graph, self.opset), &Options::default())?.graph;
        Ok(graph.outputs.iter().map(|o| graph.data(o.value).expect("all is constant").clone()).collect())
    }

    /// The results of the planned program where these operands are inputs of the model, or how its run fails; the naive
    /// reference gives the same.
    ///
    /// # Errors
    /// Data that make the model fail.
    ///
    /// # Panics
    /// Where the node is refused, or the two are not of one mind.
    pub fn runs(mut self, inputs: &[usize]) -> Result<Vec<Tensor>, ExecError> {
        let names: Vec<String> = inputs.iter().map(|i| format!("x{i}")).collect();
        let (lent, constant): (Vec<_>, Vec<_>) = self.initializer.into_iter().partition(|t| names.contains(&t.name));
        self.initializer = constant;
        let output = |name: &String| ValueInfoProto { name: name.clone(), ..ValueInfoProto::default() };
        let graph = GraphProto {
            output: self.node.output.iter().map(output).collect(),
            input: lent.iter().map(port).collect(),
            node: vec![self.node],
            initializer: self.initializer,
            ..GraphProto::default()
        };
        let graph = import(&model(graph, self.opset), &Options::default()).unwrap_or_else(|d| panic!("{d:?}")).graph;
        let bytes = |t: &TensorProto| t.raw_data.clone().expect("operands are raw");
        let tensors = graph.inputs.iter().zip(&lent).map(|(&v, t)| Tensor::from_bytes(graph.ty(v).clone(), bytes(t)));
        let tensors: Vec<Tensor> = tensors.map(|t| t.expect("the bytes of its type")).collect();
        let reference = Reference { numerics: Numerics::Fused };
        let expected = eval_graph(&graph, &tensors, &reference);
        let compiled = compile_graph(graph, &Config::new()).unwrap_or_else(|d| panic!("{d:?}"));
        let mut executor = Executor::new(&compiled.program, Hygiene::Poison).expect("it is planned");
        let results = executor.run(&tensors);
        assert_eq!(results.as_ref().ok(), expected.as_ref().ok(), "{}", compiled.program);
        results
    }

    /// The shape and elements of the one result.
    ///
    /// # Panics
    /// Where the node is refused, or the result has another type.
    pub fn result<T: Element>(self) -> (Vec<usize>, Vec<T>) {
        let results = self.results().unwrap_or_else(|d| panic!("{d:?}"));
        let values = results[0].to_vec().unwrap_or_else(|| panic!("the result is {}", results[0].ty()));
        (results[0].shape().to_vec(), values)
    }

    /// Checks the elements of the one result.
    ///
    /// # Panics
    /// Where they are other ones, or [`result`](OneNode::result) panics.
    #[track_caller]
    pub fn gives<T: Element + PartialEq + std::fmt::Debug>(self, expected: &[T]) {
        assert_eq!(self.result::<T>().1, expected);
    }

    /// The code of the first diagnostic.
    ///
    /// # Panics
    /// Where the node is not refused.
    pub fn refusal(self) -> &'static str {
        self.results().expect_err("the node is refused")[0].code
    }
}

fn model(graph: GraphProto, opset: i64) -> ModelProto {
    let set = |domain: &str, version| OperatorSetIdProto { domain: domain.into(), version };
    let opset_import = vec![set("", opset), set("com.microsoft", 1)];
    ModelProto { ir_version: 10, opset_import, graph, ..ModelProto::default() }
}

/// An input of the model in the type of a tensor.
fn port(t: &TensorProto) -> ValueInfoProto {
    let dim = |&d: &i64| Dimension { value: Some(DimensionValue::Value(d)), ..Dimension::default() };
    let shape = Some(TensorShapeProto { dim: t.dims.iter().map(dim).collect() });
    let value = Some(TypeValue::Tensor(TensorType { elem_type: t.data_type, shape }));
    let ty = Some(TypeProto { value, ..TypeProto::default() });
    ValueInfoProto { name: t.name.clone(), ty, ..ValueInfoProto::default() }
}
