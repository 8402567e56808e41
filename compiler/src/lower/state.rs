//! State: inputs that live in the arena, where an output takes their place.
//!
//! A new value is computed over the old one where the operator can do that and all other readers of the old one come
//! before; it is copied at the end of the run otherwise. Rings get their new entries at the end of the run.

use std::collections::BTreeMap;
use std::sync::Arc;

use zant_runtime::kernels::place_row::PlaceRow;

use super::{Lowering, by_the_way};
use crate::ir::{
    BinaryOp, DType, Expr, ExprOp, Node, Origin, Scalar, State as Pair, Tensor, Type, ValueId, row_major_strides,
};
use crate::layout::strides::merge;
use crate::program::kernels::{MapCall, MapOperand, PlaceRowCall};
use crate::program::{Access, Arg, BufferId, Ring, State, Storage, View};

impl Lowering<'_> {
    /// Makes room for the states.
    pub(super) fn place_states(&mut self) {
        let mut slots: BTreeMap<usize, BufferId> = BTreeMap::new();
        for &pair in &self.graph.states {
            let x = self.graph.inputs[pair.input];
            let value = self.graph.value(x);
            let (name, ty) = (value.name.clone(), value.ty.clone());
            let ring = self.graph.ring_axis(pair).ok().flatten().map(|axis| self.ring(pair, axis, &mut slots));
            let within = self.layout.states.within.get(&x).copied();
            let memory = match self.graph.begun(pair.input) {
                Some(begun) => Type::new(ty.dtype, begun.memory.clone()),
                None => self.ty(within.unwrap_or(x)).clone(),
            };
            let view = self.new_buffer(&name, &memory, Storage::Arena);
            self.places[within.unwrap_or(x).index()] = Some(view);
            let output_name = self.graph.outputs[pair.output].name.clone();
            let (positions, memory, buffer) = ([pair.input, pair.output], memory.shape, view.buffer);
            let scale = pair.scale;
            self.program.states.push(State { name, output_name, positions, scale, ty, buffer, memory, ring });
        }
    }

    /// How a ring is filled; rings of equally many parts share a counter.
    fn ring(&mut self, pair: Pair, axis: usize, slots: &mut BTreeMap<usize, BufferId>) -> Ring {
        let output = self.ty(self.graph.outputs[pair.output].value).clone();
        let begun = self.graph.begun(pair.input);
        let parts = match begun {
            Some(begun) => begun.parts,
            None => Some([self.ty(self.graph.inputs[pair.input]).shape[axis] / output.shape[axis], 1]),
        };
        let begins = begun.and(parts).map(|[parts, filled]| (filled % parts) as i64);
        let counter = Type::new(DType::I64, [1]);
        let slot = parts.map(|[parts, _]| match slots.get(&parts) {
            Some(&slot) => slot,
            None => *slots.entry(parts).or_insert(self.new_buffer("slot", &counter, Storage::Arena).buffer),
        });
        Ring { output, axis, slot, parts: parts.map(|[parts, _]| parts), begins }
    }

    /// Whether a value that is to be a plain output lies where the end of the run changes it.
    pub(super) fn changes_at_end(&self, view: View) -> bool {
        let state = self.program.states.iter().find(|s| s.buffer == view.buffer);
        let over = |s: &State| self.layout.states.over.values().any(|&x| x == self.graph.inputs[s.positions[0]]);
        state.is_some_and(|s| !over(s))
    }

    /// The end of a run: what was not computed in its place goes there.
    pub(super) fn finish_states(&mut self) {
        let states = self.program.states.clone();
        let mut sources = Vec::new();
        for s in &states {
            let (x, y) = (self.graph.inputs[s.positions[0]], self.graph.outputs[s.positions[1]].value);
            let source = self.operand(y);
            let is_there = self.layout.states.over.get(&y) == Some(&x) || x == y;
            // What lies in another state would be changed before it is read.
            let in_state = |source| matches!(source, Arg::Buffer(v, _) if states.iter().any(|s| s.buffer == v.buffer));
            let source = if !is_there && in_state(source) {
                let ty = self.ty(y).clone();
                let view = self.new_temporary(&ty);
                self.copy_run(source, view, &ty);
                Arg::Buffer(view, Access::Read)
            } else {
                source
            };
            sources.push((!is_there).then_some(source));
        }
        let (mut counted, mut begun) = (BTreeMap::new(), BTreeMap::new());
        for (s, source) in states.iter().zip(sources) {
            let Some(source) = source else { continue };
            match &s.ring {
                Some(ring) => {
                    match (ring.slot, ring.begins) {
                        (Some(slot), None) => {
                            counted.insert(slot, s.ty.shape[ring.axis] / ring.output.shape[ring.axis]);
                        }
                        (Some(slot), Some(filled)) => _ = begun.insert(slot, filled),
                        (None, _) => {}
                    }
                    self.append(s, ring, source);
                }
                None => {
                    let view = self.program.whole(s.buffer);
                    self.copy_run(source, view, &s.ty);
                }
            }
        }
        for (slot, parts) in counted {
            self.count(slot, parts);
        }
        for (slot, filled) in begun {
            self.set(slot, filled);
        }
        // The places of the old values hold the new ones now.
        for pair in &self.graph.states {
            let x = self.graph.inputs[pair.input];
            let whole = self.layout.states.within.get(&x).copied();
            [Some(x), whole].into_iter().flatten().for_each(|v| self.places[v.index()] = None);
        }
    }

    /// Writes a run's output into its part of a ring.
    fn append(&mut self, s: &State, ring: &Ring, source: Arg) {
        let outer: usize = ring.output.shape[..ring.axis].iter().product();
        let inner: usize = ring.output.shape[ring.axis..].iter().product();
        let n = s.ty.shape[ring.axis] / ring.output.shape[ring.axis];
        let pitch = s.memory[ring.axis..].iter().product();
        let params = PlaceRow { outer, n, inner, x_pitch: inner, pitch };
        let call = PlaceRowCall { dtype: s.ty.dtype, index: DType::I64, params };
        let slot = match ring.slot.filter(|_| ring.begins.is_none()) {
            Some(slot) => Arg::Buffer(self.program.whole(slot), Access::Read),
            None => self.number(0),
        };
        let to = Arg::Buffer(self.program.whole(s.buffer), Access::Update);
        let (origin, types) = (self.origin_of(s.positions[1]), [s.ty.clone(), ring.output.clone()]);
        self.program.steps.push(by_the_way(Arc::new(call), vec![slot, source, to], origin, types));
    }

    /// The next part of a ring.
    fn count(&mut self, slot: BufferId, parts: usize) {
        let mut e = Expr::new();
        let x = e.input(0);
        let last = e.constant(Scalar::I64(parts as i64 - 1));
        let (one, zero) = (e.constant(Scalar::I64(1)), e.constant(Scalar::I64(0)));
        let (more, next) = (e.binary(BinaryOp::Lt, x, last), e.binary(BinaryOp::Add, x, one));
        let result = e.select(more, next, zero);
        let operands = vec![MapOperand { dtype: DType::I64, strides: Vec::new() }];
        let call = MapCall { expr: e.finish(result), operands, dims: Vec::new(), result: DType::I64, over: Some(0) };
        let counter = Type::new(DType::I64, [1]);
        let args = vec![Arg::Buffer(self.program.whole(slot), Access::Update)];
        self.program.steps.push(by_the_way(Arc::new(call), args, Vec::new(), [counter.clone(), counter]));
    }

    /// A counter becomes a number.
    fn set(&mut self, slot: BufferId, number: i64) {
        let params = PlaceRow { outer: 1, n: 1, inner: 1, x_pitch: 1, pitch: 1 };
        let call = PlaceRowCall { dtype: DType::I64, index: DType::I64, params };
        let args = vec![self.number(0), self.number(number), Arg::Buffer(self.program.whole(slot), Access::Update)];
        let counter = Type::new(DType::I64, [1]);
        self.program.steps.push(by_the_way(Arc::new(call), args, Vec::new(), [counter.clone(), counter]));
    }

    /// A constant of one number.
    pub(super) fn number(&mut self, number: i64) -> Arg {
        Arg::Weight(self.new_weight("number", Tensor::from_elements([1], &[number]), None))
    }

    /// The ONNX nodes that make an output.
    fn origin_of(&self, output: usize) -> Vec<Origin> {
        let v = self.graph.outputs[output].value;
        self.graph.nodes.iter().find(|n| n.outputs.contains(&v)).map_or(Vec::new(), |n| n.origin.clone())
    }

    /// A Map that is computed over one of its operands, a state: the write of one row, where it is that.
    pub(super) fn map_over(&mut self, node: &Node, expr: &Expr, x: ValueId) {
        let view = self.places[x.index()].expect("a state has a place");
        self.places[node.outputs[0].index()] = Some(view);
        let to = Arg::Buffer(view, Access::Update);
        if let Some((call, [positions, position, row])) = self.placed_row(node, expr, x) {
            // They count from 0, which the kernel knows.
            self.traces.fold(node, positions);
            let (position, (row, _)) = (self.operand(position), self.strided_operand(row));
            return self.call(node, Arc::new(call), vec![position, row, to]);
        }
        let (mut call, mut args) = self.map_call(node, expr);
        let over = node.inputs.iter().position(|&i| i == x).expect("the state is an operand");
        call.over = Some(over);
        args.remove(over);
        args.push(to);
        self.call(node, Arc::new(call), args);
    }

    /// `select(0..n == position, row, state)` along one dimension: the kernel, the numbers from 0, the position and the row.
    fn placed_row(&self, node: &Node, expr: &Expr, x: ValueId) -> Option<(PlaceRowCall, [ValueId; 3])> {
        let ExprOp::Select(c, a, b) = expr.ops()[expr.result()] else { return None };
        let operand = |ix: usize| expr.operand(ix).map(|n| node.inputs[n]);
        let ExprOp::Binary(BinaryOp::Eq, p, q) = expr.ops()[c] else { return None };
        let (row, old, p, q) = (operand(a)?, operand(b)?, operand(p)?, operand(q)?);
        let (positions, position) = if self.data(p).is_some() { (p, q) } else { (q, p) };
        let (shape, along, new) = (&self.ty(x).shape, self.ty(positions), self.ty(row));
        let axis = (0..along.rank()).find(|&d| along.shape[d] != 1)?;
        let axis = (axis + shape.len()).checked_sub(along.rank())?;
        let index = self.ty(position).dtype;
        let counts = self.data(positions)?.to_i64s()?.iter().copied().eq(0..i64::try_from(shape[axis]).ok()?);
        let mut one = shape.clone();
        one[axis] = 1;
        let fits = old == x
            && counts
            && along.elements() == shape[axis]
            && new.shape == one
            && self.data(position).is_none()
            && self.ty(position).elements() == 1
            && matches!(index, DType::I32 | DType::I64);
        if !fits {
            return None;
        }
        // The row as slabs of neighbouring elements at one distance.
        let own = self.layout.views.get(row).map_or_else(|| row_major_strides(&one), |view| view.strides.clone());
        let (mut outer, mut inner) = (one[..axis].to_vec(), one[axis..].to_vec());
        let (mut pitches, mut steps) = ([own[..axis].to_vec()], [own[axis..].to_vec()]);
        merge(&mut outer, &mut pitches);
        merge(&mut inner, &mut steps);
        let dense = matches!(steps[0].as_slice(), [] | [1]) && pitches[0].len() < 2;
        let inner: usize = one[axis..].iter().product();
        let params = PlaceRow {
            outer: one[..axis].iter().product(),
            n: shape[axis],
            inner,
            x_pitch: pitches[0].first().copied().unwrap_or(inner),
            pitch: shape[axis..].iter().product(),
        };
        dense.then(|| (PlaceRowCall { dtype: self.ty(x).dtype, index, params }, [positions, position, row]))
    }
}
