//! What an operator's import function sees: operands, attributes, the operator's version, and the builder.
//!
//! It never sees the graph around the node.

use crate::diag::codes;
use crate::ir::{BinaryOp, DType, Expr, Op, Scalar, Tensor, Type, UnaryOp, ValueId};
use crate::onnx::proto::{GraphProto, NodeProto};
use crate::onnx::{AttributeValue, ElementType};

use super::builder::{BuildError, Builder};
use super::tensor::import_tensor;

/// Why a node could not be imported. The caller adds the node's place.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub help: Vec<String>,
    /// The part of the node that is at fault.
    pub at: Option<At>,
}

/// A part of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The operator's name.
    Operator,
    /// The operand at this position.
    Input(usize),
    /// The attribute of this name.
    Attribute(String),
}

impl Fault {
    /// A fault with a code.
    pub fn new(code: &'static str, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), help: Vec::new(), at: None }
    }

    /// A form of a supported operator that is not supported.
    pub fn form(message: impl Into<String>) -> Fault {
        Fault::new(codes::UNSUPPORTED_FORM, message)
    }

    /// Operands that do not fit.
    pub fn shape(message: impl Into<String>) -> Fault {
        Fault::new(codes::SHAPE_MISMATCH, message)
    }

    /// An attribute that is missing or wrong.
    pub fn attribute(name: &str, message: impl std::fmt::Display) -> Fault {
        Fault::new(codes::BAD_ATTRIBUTE, format!("attribute `{}` {message}", name.escape_default()))
            .at(At::Attribute(name.into()))
    }

    /// An attribute that must be there.
    pub fn missing(name: &str) -> Fault {
        Fault::attribute(name, "is missing")
    }

    /// An element type that an operator does not take.
    pub fn ty(message: impl Into<String>) -> Fault {
        Fault::new(codes::UNSUPPORTED_TYPE, message)
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Fault {
        self.help.push(help.into());
        self
    }

    /// Points at a part of the printed node.
    #[must_use]
    pub fn at(mut self, part: At) -> Fault {
        self.at = Some(part);
        self
    }
}

impl From<BuildError> for Fault {
    fn from(e: BuildError) -> Fault {
        match e {
            BuildError::Type(m) => Fault::shape(m),
            BuildError::Eval(e) => Fault::new(codes::SHAPE_MISMATCH, e.to_string()),
            BuildError::Index(i, len) => {
                Fault::shape(format!("the index {i} lies outside a dimension of {len} elements"))
            }
            BuildError::TooLarge(m) => Fault::new(codes::TOO_LARGE, m),
        }
    }
}

/// What an import function gives: its first result; the others it sets.
pub(crate) type Imported<T = ValueId> = Result<T, Fault>;

/// One ONNX node and the means to translate it.
pub struct NodeCx<'a> {
    /// The graph under construction.
    pub b: &'a mut Builder,
    /// The node.
    pub node: &'a NodeProto,
    /// The version of the node's operator set that the model asks for.
    pub opset: i64,
    /// The operands, `None` where one is left out.
    pub inputs: Vec<Option<ValueId>>,
    /// The results set so far.
    pub outputs: Vec<Option<ValueId>>,
}

/// Operands.
impl NodeCx<'_> {
    /// A required operand.
    pub fn input(&self, i: usize) -> Imported {
        self.opt(i).ok_or_else(|| Fault::new(codes::MISSING_INPUT, format!("input {i} is missing")))
    }

    /// An optional operand.
    pub fn opt(&self, i: usize) -> Option<ValueId> {
        self.inputs.get(i).copied().flatten()
    }

    /// All operands of a variadic operator, none of them left out.
    pub fn variadic(&self) -> Imported<Vec<ValueId>> {
        if self.inputs.is_empty() {
            return Err(Fault::new(codes::MISSING_INPUT, "at least one input is needed"));
        }
        (0..self.inputs.len()).map(|i| self.input(i)).collect()
    }

    /// Type of a value.
    pub fn ty(&self, v: ValueId) -> Type {
        self.b.graph.ty(v).clone()
    }

    /// Shape of a value.
    pub fn shape(&self, v: ValueId) -> Vec<usize> {
        self.b.graph.ty(v).shape.clone()
    }

    /// Element type of a value.
    pub fn dtype(&self, v: ValueId) -> DType {
        self.b.graph.ty(v).dtype
    }

    /// Number of dimensions of a value.
    pub fn rank(&self, v: ValueId) -> usize {
        self.b.graph.ty(v).rank()
    }

    /// An operand that must be constant; `what` names it for the diagnostic.
    pub fn constant(&self, i: usize, what: &str) -> Imported<Tensor> {
        let v = self.input(i)?;
        self.b.graph.data(v).cloned().ok_or_else(|| {
            Fault::new(codes::NOT_CONSTANT, format!("{what} (input {i}) must be known at compile time"))
                .help("make it an initializer, or bind the symbolic dimension it is computed from with `--dim NAME=K`")
                .at(At::Input(i))
        })
    }

    /// A constant operand that is a list of integers, or one.
    pub fn const_ints(&self, i: usize, what: &str) -> Imported<Vec<i64>> {
        let t = self.constant(i, what)?;
        if t.shape().len() > 1 {
            return Err(Fault::shape(format!("{what} (input {i}) must be a list, not {}", t.ty())));
        }
        t.to_i64s().ok_or_else(|| Fault::shape(format!("{what} (input {i}) must hold integers, not {}", t.dtype())))
    }

    /// A constant operand of integers, or `None` where it is left out.
    pub fn opt_const_ints(&self, i: usize, what: &str) -> Imported<Option<Vec<i64>>> {
        self.opt(i).map(|_| self.const_ints(i, what)).transpose()
    }

    /// A constant operand of exactly one value.
    pub fn const_scalar(&self, i: usize, what: &str) -> Imported<Scalar> {
        let t = self.constant(i, what)?;
        if t.len() != 1 {
            return Err(Fault::shape(format!("{what} (input {i}) must hold one value, not {}", t.len())));
        }
        Ok(t.get(0))
    }

    /// A dimension counted from the front, from one that may count from the end.
    pub fn axis(&self, raw: i64, rank: usize) -> Imported<usize> {
        let axis = if raw < 0 { raw.checked_add(rank as i64) } else { Some(raw) };
        axis.and_then(|a| usize::try_from(a).ok())
            .filter(|&a| a < rank)
            .ok_or_else(|| Fault::shape(format!("dimension {raw} does not exist in rank {rank}")))
    }

    /// Dimensions counted from the front, ascending; an error where one is named twice.
    pub fn axes(&self, raw: &[i64], rank: usize) -> Imported<Vec<usize>> {
        let mut axes = raw.iter().map(|&a| self.axis(a, rank)).collect::<Imported<Vec<usize>>>()?;
        axes.sort_unstable();
        if axes.windows(2).any(|w| w[0] == w[1]) {
            return Err(Fault::shape(format!("dimensions {raw:?} name one twice")));
        }
        Ok(axes)
    }
}

/// Attributes.
impl<'a> NodeCx<'a> {
    /// The value of an attribute, or `None` where it is left out.
    pub fn attr(&self, name: &str) -> Imported<Option<AttributeValue<'a>>> {
        let Some(a) = self.node.attribute.iter().find(|a| a.name == name) else { return Ok(None) };
        a.value().map(Some).ok_or_else(|| Fault::attribute(name, "has no value"))
    }

    /// An attribute of a kind that `read` knows, or `None` where it is left out.
    fn attr_as<T>(
        &self,
        name: &str,
        kind: &str,
        read: impl FnOnce(AttributeValue<'a>) -> Option<T>,
    ) -> Imported<Option<T>> {
        let value =
            self.attr(name)?.map(|value| read(value).ok_or_else(|| Fault::attribute(name, format!("must be {kind}"))));
        value.transpose()
    }

    /// An integer attribute.
    pub fn int_opt(&self, name: &str) -> Imported<Option<i64>> {
        self.attr_as(name, "an integer", |v| if let AttributeValue::Int(v) = v { Some(v) } else { None })
    }

    /// An integer attribute with a default.
    pub fn int(&self, name: &str, default: i64) -> Imported<i64> {
        Ok(self.int_opt(name)?.unwrap_or(default))
    }

    /// A truth value, which ONNX writes as an integer.
    pub fn flag(&self, name: &str, default: bool) -> Imported<bool> {
        Ok(self.int_opt(name)?.map_or(default, |v| v != 0))
    }

    /// An attribute of integers.
    pub fn ints_opt(&self, name: &str) -> Imported<Option<Vec<i64>>> {
        self.attr_as(
            name,
            "a list of integers",
            |v| if let AttributeValue::Ints(v) = v { Some(v.to_vec()) } else { None },
        )
    }

    /// A float attribute.
    pub fn float_opt(&self, name: &str) -> Imported<Option<f32>> {
        self.attr_as(name, "a float", |v| if let AttributeValue::Float(v) = v { Some(v) } else { None })
    }

    /// A float attribute with a default.
    pub fn float(&self, name: &str, default: f32) -> Imported<f32> {
        Ok(self.float_opt(name)?.unwrap_or(default))
    }

    /// An attribute of floats.
    pub fn floats_opt(&self, name: &str) -> Imported<Option<Vec<f32>>> {
        self.attr_as(
            name,
            "a list of floats",
            |v| if let AttributeValue::Floats(v) = v { Some(v.to_vec()) } else { None },
        )
    }

    /// An attribute of strings.
    pub fn strings_opt(&self, name: &str) -> Imported<Option<Vec<String>>> {
        let strings = self.attr_as(name, "a list of strings", |v| match v {
            AttributeValue::Strs(v) => Some(v),
            _ => None,
        })?;
        let text =
            |s: &[u8]| String::from_utf8(s.to_vec()).map_err(|_| Fault::attribute(name, "holds what is not UTF-8"));
        strings.map(|all| all.iter().map(|s| text(s)).collect()).transpose()
    }

    /// A string attribute with a default.
    pub fn string(&self, name: &str, default: &str) -> Imported<String> {
        let text = self.attr_as(name, "a string", |v| if let AttributeValue::Str(v) = v { Some(v) } else { None })?;
        let Some(text) = text else { return Ok(default.to_string()) };
        String::from_utf8(text.to_vec()).map_err(|_| Fault::attribute(name, "is not UTF-8"))
    }

    /// A string attribute that is one of some words, by default the first: what that word stands for.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Imported<T> {
        let text = self.string(name, words[0].0)?;
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Fault::attribute(name, format!("is `{}`; it must be one of {}", text.escape_debug(), known.join(", ")))
        })
    }

    /// A tensor attribute.
    pub fn tensor_opt(&self, name: &str) -> Imported<Option<Tensor>> {
        let tensor =
            self.attr_as(name, "a tensor", |v| if let AttributeValue::Tensor(t) = v { Some(t) } else { None })?;
        tensor.map(import_tensor).transpose()
    }

    /// A graph attribute.
    pub fn graph(&self, name: &str) -> Imported<&'a GraphProto> {
        match self.attr(name)? {
            Some(AttributeValue::Graph(g)) => Ok(g),
            _ => Err(Fault::attribute(name, "must be a graph")),
        }
    }
}

/// Building.
impl NodeCx<'_> {
    /// Adds an operator with one result.
    pub fn emit(&mut self, op: Op, inputs: &[ValueId]) -> Imported {
        Ok(self.b.emit1(op, inputs)?)
    }

    /// Sets result `i` of the node.
    pub fn set(&mut self, i: usize, v: ValueId) {
        if self.outputs.len() <= i {
            self.outputs.resize(i + 1, None);
        }
        self.outputs[i] = Some(v);
    }

    /// Whether somebody asked for result `i`.
    pub fn wants(&self, i: usize) -> bool {
        self.node.output.get(i).is_some_and(|o| !o.is_empty())
    }

    /// Adds a constant.
    pub fn add_constant(&mut self, t: Tensor) -> ValueId {
        let name = self.node.name.clone();
        self.b.add_made(name, t)
    }

    /// The indices along a dimension of length `n`, as i64 of the given shape.
    pub fn positions(&mut self, n: usize, shape: Vec<usize>) -> Imported {
        self.b.reserve(n.saturating_mul(8), "the list of indices")?;
        let positions: Vec<i64> = (0..n as i64).collect();
        Ok(self.add_constant(Tensor::from_elements(shape, &positions)))
    }

    /// The type of a value that ONNX holds narrower than a byte, where that is known.
    pub fn narrow_type(&self, v: ValueId) -> Option<ElementType> {
        self.b.narrow.get(&v).copied()
    }

    /// Says that ONNX holds a value in a type narrower than a byte.
    pub fn mark_narrow(&mut self, v: ValueId, element: ElementType) {
        self.b.narrow.insert(v, element);
    }

    /// A float constant of rank 0 in the element type of `like`.
    pub fn number(&mut self, v: f64, like: ValueId) -> ValueId {
        let dtype = self.dtype(like);
        self.b.scalar(Scalar::from_f64(v, dtype))
    }

    /// `op(x)`.
    pub fn unary(&mut self, op: UnaryOp, x: ValueId) -> Imported {
        Ok(self.b.map(Expr::of_unary(op), &[x])?)
    }

    /// `op(x, y)` with broadcasting.
    pub fn binary(&mut self, op: BinaryOp, x: ValueId, y: ValueId) -> Imported {
        Ok(self.b.map(Expr::of_binary(op), &[x, y])?)
    }

    /// A Map over operands.
    pub fn map(&mut self, expr: Expr, inputs: &[ValueId]) -> Imported {
        Ok(self.b.map(expr, inputs)?)
    }

    /// A conversion; nothing where the type is right already.
    pub fn cast(&mut self, x: ValueId, to: DType) -> Imported {
        Ok(self.b.cast(x, to)?)
    }

    /// The same elements under another shape.
    pub fn reshape(&mut self, x: ValueId, shape: impl Into<Vec<usize>>) -> Imported {
        Ok(self.b.reshape(x, shape)?)
    }

    /// Dimension `i` of the result is dimension `perm[i]` of `x`.
    pub fn transpose(&mut self, x: ValueId, perm: impl Into<Vec<usize>>) -> Imported {
        Ok(self.b.transpose(x, perm)?)
    }
}
