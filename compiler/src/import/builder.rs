//! Builds the core graph, evaluating at once every operator whose operands are all constant.
//!
//! Shape computations of exporters (Shape, Gather, Concat, Range ..) therefore never become nodes, and operators that
//! need a constant find it.

use std::collections::BTreeMap;

use crate::ir::{
    Budget, DType, EvalError, Evaluate, Expr, Graph, Labels, Movement, Node, Op, Origin, Reference, Scalar, Tensor,
    Type, ValueId, infer,
};
use crate::onnx::ElementType;

/// Bytes that all evaluated constants together may have, beside what the stored ones account for.
const MAX_CONSTANTS_BYTES: usize = 256 << 20;
/// Multiply-adds that all evaluations together may cost, beside what the stored constants account for.
const MAX_EVALUATED_MACS: u64 = 1 << 31;

/// Why an operator could not be added.
#[derive(Debug)]
pub enum BuildError {
    /// Its operands do not fit.
    Type(String),
    /// Its evaluation failed (a constant division by zero, a constant index out of range).
    Eval(EvalError),
    /// A constant index lies outside a dimension of this length.
    Index(i64, usize),
    /// Its result is larger than the limits allow.
    TooLarge(String),
}

/// A graph under construction.
pub struct Builder {
    /// The graph so far.
    pub graph: Graph,
    /// Origin of the nodes that are added.
    pub origin: Vec<Origin>,
    /// ONNX's types of inputs, constants and results that it holds narrower than a byte.
    pub narrow: BTreeMap<ValueId, ElementType>,
    /// What the numbers of values stand for: strings, or the classes of a ZipMap's columns.
    pub labels: BTreeMap<ValueId, Labels>,
    /// What may still be evaluated.
    pub budget: Budget,
    reference: Reference,
}

impl Builder {
    /// An empty graph; constants are evaluated by `reference`.
    pub fn new(reference: Reference) -> Builder {
        let budget = Budget::new(MAX_CONSTANTS_BYTES, MAX_EVALUATED_MACS);
        Builder {
            graph: Graph::default(),
            origin: Vec::new(),
            narrow: BTreeMap::new(),
            labels: BTreeMap::new(),
            budget,
            reference,
        }
    }

    /// Adds an operator and gives its results: constants where all operands are constants. Where it computes with floats of 16 bits,
    /// it is added as its meaning, with conversions from and to f32.
    pub fn emit(&mut self, op: Op, inputs: &[ValueId]) -> Result<Vec<ValueId>, BuildError> {
        if !inputs.iter().any(|&i| self.graph.ty(i).dtype.is_half()) {
            return self.emit_as_it_is(op, inputs);
        }
        let dtypes: Vec<DType> = inputs.iter().map(|&i| self.graph.ty(i).dtype).collect();
        match op {
            Op::Map { expr } => self.emit_as_it_is(Op::Map { expr: expr.widened(&dtypes) }, inputs),
            op if op.properties().widens => {
                let operand_types: Vec<&Type> = inputs.iter().map(|&i| self.graph.ty(i)).collect();
                let types = infer(&op, &operand_types).map_err(BuildError::Type)?;
                let is_half = |i: &ValueId| self.graph.ty(*i).dtype.is_half();
                let halves: Vec<bool> = inputs.iter().map(is_half).collect();
                let mut wide = inputs.to_vec();
                for (v, _) in wide.iter_mut().zip(halves).filter(|(_, half)| *half) {
                    *v = self.cast(*v, DType::F32)?;
                }
                let results = self.emit_as_it_is(op, &wide)?;
                results.into_iter().zip(types).map(|(v, ty)| self.cast(v, ty.dtype)).collect()
            }
            op => self.emit_as_it_is(op, inputs),
        }
    }

    fn emit_as_it_is(&mut self, op: Op, inputs: &[ValueId]) -> Result<Vec<ValueId>, BuildError> {
        let operand_types: Vec<&Type> = inputs.iter().map(|&i| self.graph.ty(i)).collect();
        let types = infer(&op, &operand_types).map_err(BuildError::Type)?;
        if let Some(&x) = inputs.first()
            && *self.graph.ty(x) == types[0]
            && op.properties().is_identity
        {
            return Ok(vec![x]);
        }
        if let Some(values) = self.evaluate(&op, inputs, &types)? {
            return Ok(values);
        }
        self.check_indices(&op, inputs)?;
        let name = self.origin.last().map(|o| o.name.clone()).unwrap_or_default();
        let outputs: Vec<ValueId> = types.into_iter().map(|t| self.graph.add_value(name.clone(), t)).collect();
        let node = Node { op, inputs: inputs.to_vec(), outputs: outputs.clone(), origin: self.origin.clone() };
        self.graph.nodes.push(node);
        Ok(outputs)
    }

    /// The results as constants, or `None` where an operand is not one.
    fn evaluate(&mut self, op: &Op, inputs: &[ValueId], types: &[Type]) -> Result<Option<Vec<ValueId>>, BuildError> {
        // Clones share their data.
        let Some(operands) = inputs.iter().map(|&i| self.graph.data(i).cloned()).collect::<Option<Vec<Tensor>>>()
        else {
            return Ok(None);
        };
        let operand_types: Vec<&Type> = operands.iter().map(Tensor::ty).collect();
        self.budget.spend(op, &operand_types, types).map_err(BuildError::TooLarge)?;
        let operands: Vec<&Tensor> = operands.iter().collect();
        let results = self.reference.evaluate(op, &operands).map_err(BuildError::Eval)?;
        let name = self.origin.last().map(|o| o.name.clone()).unwrap_or_default();
        let values: Vec<ValueId> = results.into_iter().map(|t| self.graph.add_constant(name.clone(), t)).collect();
        if let &[to] = values.as_slice() {
            self.graph.carry_stored(op, inputs, to, &self.reference);
        }
        Ok(Some(values))
    }

    /// Counts the bytes of a constant that is about to be made, or refuses it; `what` names it.
    pub fn reserve(&mut self, bytes: usize, what: &str) -> Result<(), BuildError> {
        let too_large = || BuildError::TooLarge(format!("the constant {what} is too large to be computed here"));
        self.budget.spend_bytes(bytes).then_some(()).ok_or_else(too_large)
    }

    /// Adds a constant that the model's file holds.
    pub fn add_stored(&mut self, name: impl Into<String>, data: Tensor) -> ValueId {
        self.budget.grow(data.data().len());
        self.graph.add_constant(name, data)
    }

    /// Adds a constant that an operator is translated to, and counts it.
    pub fn add_made(&mut self, name: impl Into<String>, data: Tensor) -> ValueId {
        self.budget.count_bytes(data.data().len());
        self.graph.add_constant(name, data)
    }

    /// Refuses constant indices beyond the data that they point into, where those are not constant.
    fn check_indices(&mut self, op: &Op, inputs: &[ValueId]) -> Result<(), BuildError> {
        let Some(known) = op.properties().indices else { return Ok(()) };
        let Some(indices) = self.graph.data(inputs[1]).cloned() else { return Ok(()) };
        if !self.budget.spend_work(indices.len() as u64) {
            return Err(BuildError::TooLarge("too many constant indices".into()));
        }
        let lens = known.lens(&self.graph.ty(inputs[0]).shape, indices.shape());
        for (i, len) in indices.scalars().zip(lens.iter().cycle()) {
            let (i, len) = (i128::from(i.to_i64()), *len as i128);
            if !(-len..len).contains(&i) {
                return Err(BuildError::Index(i as i64, len as usize));
            }
        }
        Ok(())
    }

    /// A constant of one value in the shape `[]`.
    pub fn scalar(&mut self, v: Scalar) -> ValueId {
        self.graph.add_constant("", Tensor::scalar(v))
    }

    /// Adds an operator with one result.
    pub fn emit1(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId, BuildError> {
        Ok(self.emit(op, inputs)?[0])
    }

    /// A Map.
    pub fn map(&mut self, expr: Expr, inputs: &[ValueId]) -> Result<ValueId, BuildError> {
        self.emit1(Op::Map { expr }, inputs)
    }

    /// A conversion; nothing where the type is right already.
    pub fn cast(&mut self, x: ValueId, to: DType) -> Result<ValueId, BuildError> {
        if self.graph.ty(x).dtype == to {
            return Ok(x);
        }
        let mut e = Expr::new();
        let input = e.input(0);
        let result = e.cast(to, input);
        self.map(e.finish(result), &[x])
    }

    /// The same elements under another shape.
    pub fn reshape(&mut self, x: ValueId, shape: impl Into<Vec<usize>>) -> Result<ValueId, BuildError> {
        self.emit1(Op::Movement(Movement::Reshape { shape: shape.into() }), &[x])
    }

    /// Dimension `i` of the result is dimension `perm[i]` of `x`.
    pub fn transpose(&mut self, x: ValueId, perm: impl Into<Vec<usize>>) -> Result<ValueId, BuildError> {
        self.emit1(Op::Movement(Movement::Transpose { perm: perm.into() }), &[x])
    }
}
