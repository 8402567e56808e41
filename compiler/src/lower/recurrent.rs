//! Recurrent layers: weights are packed as for products, states are computed in their places.

use std::sync::Arc;

use zant_runtime::kernels::{dynamic_dual, gru, lstm, packing, rnn};
use zant_runtime::terms::dynamic::DynamicMatMul;
use zant_runtime::terms::line::PLACES;
use zant_runtime::terms::recurrent as terms;

use super::{Lowered, Lowering};
use crate::ir::{Cell, DType, Function, Node, Recurrent, Type, ValueId};
use crate::program::kernels::{CellKernel, CodedRecurrentCall, DynamicLstmCall, Layer, RecurrentCall};
use crate::program::{Access, Arg, KernelCall};

/// A state of a layer: where it begins, if that is not where it lies, and where it lies.
struct State {
    initial: Arg,
    memory: Arg,
}

impl Lowering<'_> {
    pub(super) fn recurrent(&mut self, node: &Node, layer: &Recurrent) -> Lowered {
        let [x, r] = [0, 2].map(|n| self.ty(node.inputs[n]).shape.clone());
        let hidden = if layer.dynamic.is_some() { r[1] } else { r[0] };
        let (steps, batch, input) = (x[0], x[1], x[2]);
        let kernel = match layer.cell {
            Cell::Lstm { .. } => CellKernel::Lstm,
            Cell::Gru { reset_after: false } => CellKernel::Gru,
            Cell::Gru { reset_after: true } => CellKernel::GruAfter,
            Cell::Rnn => CellKernel::Rnn,
        };
        let (x, bias) = (self.operand(node.inputs[0]), self.operand(node.inputs[3]));
        let dynamic = layer.dynamic;
        let mut rest = node.inputs[4..].iter().copied();
        let mut next = |is_there: bool| if is_there { rest.next() } else { None };
        let has_peepholes = matches!(layer.cell, Cell::Lstm { peepholes: true, .. });
        let (peepholes, lens) = (next(has_peepholes), next(layer.lens));
        let peepholes = peepholes.map_or(Arg::Empty(DType::F32), |v| self.operand(v));
        let lens = lens.map_or(Arg::Empty(DType::I32), |v| self.operand(v));
        let initial = [next(layer.initial), next(layer.initial)];
        let resume = initial[0].is_some();
        let is_read = |v: ValueId| !self.layout.unread.contains(&v);
        let wants_y = is_read(node.outputs[0]);
        let params = terms::Recurrent {
            steps,
            batch,
            input,
            hidden,
            y_pitch: self.result_pitch(node.outputs[0]),
            block: steps.clamp(1, if self.target.compact { 1 } else { PLACES }),
            reverse: layer.reverse,
            resume,
        };
        let scratch = match kernel {
            CellKernel::Lstm => lstm::scratch(&params),
            CellKernel::Gru => gru::scratch(&params, false),
            CellKernel::GruAfter => gru::scratch(&params, true),
            CellKernel::Rnn => rnn::scratch(&params),
        };
        let scratch = Arg::Buffer(self.new_temporary(&Type::new(DType::F32, [scratch])), Access::Write);
        let h = self.state(node.outputs[1], initial[0]);
        let c = node.outputs.get(2).map(|&c| self.state(c, initial[1]));
        let y = match wants_y {
            true => Arg::Buffer(self.result(node.outputs[0]), Access::Write),
            false => Arg::Empty(DType::F32),
        };
        let functions = (!layer.is_standard()).then(|| functions(layer));
        let layer = Layer { kernel, functions, lens: layer.lens, sequence: wants_y };
        let (call, weights) = self.layer_call(node, params, layer, dynamic)?;
        let operands = [vec![x], weights, vec![bias, lens, h.initial]].concat();
        let memory = c.map_or(Vec::new(), |c| vec![peepholes, c.initial, c.memory]);
        let results = vec![scratch, h.memory, y];
        self.call(node, call, [operands, memory, results].concat());
        Ok(())
    }

    /// The call of a layer, and what it has for its weights.
    fn layer_call(
        &mut self,
        node: &Node,
        params: terms::Recurrent,
        layer: Layer,
        dynamic: Option<i32>,
    ) -> Lowered<(Arc<dyn KernelCall>, Vec<Arg>)> {
        if let Some(offset) = dynamic {
            let (product, dual, weights) = self.quantized_state(node, offset)?;
            return Ok((Arc::new(DynamicLstmCall { params: (params, product), layer, dual }), weights));
        }
        let [w, r] = [1, 2].map(|n| node.inputs[n]);
        let (depth, hidden) = (params.input, params.hidden);
        let [of_w, of_r] = [w, r].map(|v| self.ty(v).shape[1]);
        // The update of a GRU waits for its gates: its columns are packed by themselves.
        let last = if layer.kernel == CellKernel::Gru { hidden } else { 0 };
        let first = of_r - last;
        let pieces = [[0, first], [first, last]].map(|range| packing::columns(hidden, of_r, range).collect::<Vec<_>>());
        let parts = pieces.iter().filter(|part| !part.is_empty()).cloned().collect();
        if let Some((coding, shapes, args)) = self.coded_layer([w, r], packing::matmul(depth, of_w), parts) {
            let call = CodedRecurrentCall { params: (params, shapes), layer, coding, panel: self.coded_panel() };
            return Ok((Arc::new(call), args.concat()));
        }
        let w = self.packed_operand(node, w, packing::matmul(depth, of_w));
        let r = self.packed_operand(node, r, pieces.into_iter().flatten());
        Ok((Arc::new(RecurrentCall { params, layer }), vec![w, r]))
    }

    /// The product of a state that is quantized at each step, whether it is of pairs, and its operands.
    fn quantized_state(&mut self, node: &Node, offset: i32) -> Lowered<(DynamicMatMul, bool, Vec<Arg>)> {
        let shape = self.ty(node.inputs[2]).shape.clone();
        let (mut params, dual, [r, sums]) = self.dynamic_weights(node.inputs[2], offset)?;
        (params.m, params.y_pitch) = (1, shape[0]);
        let multiplier = self.operand(node.inputs[1]);
        let bytes = match dual {
            true => self.new_temporary(&Type::new(DType::U32, [dynamic_dual::words(&params)])),
            false => self.new_temporary(&Type::new(DType::U8, [params.scratch()])),
        };
        let products = self.new_temporary(&Type::new(DType::F32, [shape[0]]));
        let [bytes, products] = [bytes, products].map(|view| Arg::Buffer(view, Access::Write));
        Ok((params, dual, vec![multiplier, r, sums, bytes, products]))
    }

    /// Where a state lies: over what it begins with, where it is kept from run to run; by itself where nobody reads it.
    fn state(&mut self, v: ValueId, initial: Option<ValueId>) -> State {
        if let Some(x) = initial.filter(|x| self.layout.states.over.get(&v) == Some(x)) {
            let view = self.places[x.index()].expect("a state has a place");
            self.places[v.index()] = Some(view);
            return State { initial: Arg::Empty(DType::F32), memory: Arg::Buffer(view, Access::Update) };
        }
        let initial = initial.map_or(Arg::Empty(DType::F32), |x| self.operand(x));
        let view = match self.layout.unread.contains(&v) {
            true => self.new_temporary(&self.ty(v).clone()),
            false => self.result(v),
        };
        State { initial, memory: Arg::Buffer(view, Access::Write) }
    }
}

/// The functions of a layer, as its kernel has them.
fn functions(layer: &Recurrent) -> terms::Functions {
    let [gate, update, output] = layer.functions.map(function);
    let coupled = matches!(layer.cell, Cell::Lstm { coupled: true, .. });
    terms::Functions { gate, update, output, clip: layer.clip, coupled }
}

fn function(function: Function) -> terms::Function {
    match function {
        Function::Sigmoid => terms::Function::Sigmoid,
        Function::Tanh => terms::Function::Tanh,
        Function::Relu => terms::Function::Relu,
        Function::Affine(alpha, beta) => terms::Function::Affine(alpha, beta),
        Function::Leaky(alpha) => terms::Function::Leaky(alpha),
        Function::Threshold(alpha) => terms::Function::Threshold(alpha),
        Function::ScaledTanh(alpha, beta) => terms::Function::ScaledTanh(alpha, beta),
        Function::HardSigmoid(alpha, beta) => terms::Function::HardSigmoid(alpha, beta),
        Function::Elu(alpha) => terms::Function::Elu(alpha),
        Function::Softsign => terms::Function::Softsign,
        Function::Softplus => terms::Function::Softplus,
    }
}
