//! `If` and `Loop`: the steps of the graphs within a node, as regions of the one program.
//!
//! Captured values are read where they lie, results are computed where the node around wants them, and carried values have one place,
//! where each iteration computes the new one over the old one if it can.

use std::sync::Arc;

use zant_runtime::kernels::place_row::{PlaceRow, TakeRow};

use super::movement::run;
use super::{Fault, Lowered, Lowering, Zeros, sparse};
use crate::diag::{Diagnostic, codes};
use crate::ir::{BinaryOp, Branches, DType, Expr, Graph, Movement, Node, Op, Repeat, Scalar, Type, ValueId};
use crate::program::kernels::{FillCall, MapCall, MapOperand, PlaceRowCall, TakeRowCall};
use crate::program::{Access, Arg, Region, RegionKind, Storage, View};

impl<'a> Lowering<'a> {
    /// Both branches, of which one runs.
    pub(super) fn branches(&mut self, node: &Node, branches: &Branches) -> Lowered {
        let condition = self.operand(node.inputs[0]);
        let captured: Vec<Arg> = node.inputs[1..].iter().map(|&v| self.operand(v)).collect();
        let results: Vec<View> = node.outputs.iter().map(|&v| self.result(v)).collect();
        let Arg::Buffer(condition, _) = condition else {
            let holds = self.data(node.inputs[0]).is_some_and(|t| t.data().first() != Some(&0));
            let graph = if holds { &branches.then } else { &branches.otherwise };
            return self.within(node, graph, (&captured, &results));
        };
        let region = self.open();
        self.within(node, &branches.then, (&captured, &results))?;
        let otherwise = self.program.steps.len();
        self.within(node, &branches.otherwise, (&captured, &results))?;
        self.close(region, RegionKind::If { condition, otherwise });
        Ok(())
    }

    /// A body that runs several times.
    pub(super) fn repeat(&mut self, node: &Node, l: &Repeat) -> Lowered {
        let flag = usize::from(l.conditional);
        let operands: Vec<Arg> = node.inputs.iter().map(|&v| self.operand(v)).collect();
        let carried: Vec<View> = node.outputs[..l.carried].iter().map(|&v| self.result(v)).collect();
        for (k, &to) in carried.iter().enumerate() {
            let ty = self.ty(node.outputs[k]).clone();
            self.copied(node, operands[flag + k], to, &ty);
        }
        let stacks: Vec<View> = node.outputs[l.carried..][..l.stacks()].iter().map(|&v| self.result(v)).collect();
        let counter = match node.outputs.last() {
            Some(&count) if l.conditional => self.result(count),
            Some(_) | None => self.new_temporary(&counter_type()),
        };
        let zero = self.number(0);
        self.copied(node, zero, counter, &counter_type());
        let condition = l.conditional.then(|| {
            // Rows of iterations that there are not are zeros.
            for (&to, &v) in stacks.iter().zip(&node.outputs[l.carried..]) {
                self.zeros(node, to, v);
            }
            let condition = self.new_temporary(&condition_type());
            self.copied(node, operands[0], condition, &condition_type());
            condition
        });
        if l.trips == 0 {
            return Ok(());
        }
        let region = self.open();
        let read = |v: View| Arg::Buffer(v, Access::Read);
        let mut inputs = vec![read(counter)];
        inputs.extend(carried.iter().map(|&v| read(v)));
        let scanned = operands.iter().zip(&node.inputs).skip(flag + l.carried).take(l.scanned);
        for (&source, &v) in scanned {
            let row = self.row(node, (source, counter), self.ty(v).clone());
            inputs.push(read(row));
        }
        inputs.extend(&operands[flag + l.carried + l.scanned..]);
        let mut body = self.inside(&l.body, &inputs);
        let done = body.nodes();
        if done.is_ok() {
            debug_assert_eq!(body.unread_operands(), Vec::<String>::new());
            body.finish_iteration(node, l, (&carried, &stacks, counter, condition));
        }
        self.leave(body);
        self.close(region, RegionKind::Loop { trips: l.trips, condition });
        self.reported(node, done)
    }

    /// What the end of an iteration does: whether to go on, the rows of the stacks, the carried values, the number of the iteration.
    fn finish_iteration(
        &mut self,
        node: &Node,
        l: &Repeat,
        (carried, stacks, counter, condition): (&[View], &[View], View, Option<View>),
    ) {
        let flag = usize::from(l.conditional);
        let outputs: Vec<_> = l.body.outputs.iter().map(|o| o.value).collect();
        if let Some(to) = condition {
            let source = self.operand(outputs[0]);
            self.copied(node, source, to, &condition_type());
        }
        for (&to, &v) in stacks.iter().zip(&outputs[flag + l.carried..]) {
            let (source, row) = (self.operand(v), self.ty(v).clone());
            let inner = row.elements();
            let params = PlaceRow { outer: 1, n: l.trips, inner, x_pitch: inner, pitch: inner * l.trips };
            let call = PlaceRowCall { dtype: row.dtype, index: DType::I64, params };
            // All iterations together write all of it, where none is left out.
            let access = if l.conditional { Access::Update } else { Access::Write };
            let args = vec![Arg::Buffer(counter, Access::Read), source, Arg::Buffer(to, access)];
            self.helper_step(node, &row, Arc::new(call), args);
        }
        // All new values are there before one of the old ones goes.
        let mut copies = Vec::new();
        for (k, &to) in carried.iter().enumerate() {
            let (x, y) = (l.body.inputs[1 + k], outputs[flag + k]);
            if x == y || self.layout.states.over.get(&y) == Some(&x) {
                continue;
            }
            let (source, ty) = (self.operand(y), self.ty(y).clone());
            let changes = matches!(source, Arg::Buffer(v, _) if carried.iter().any(|c| c.buffer == v.buffer));
            let source = if changes {
                let view = self.new_temporary(&ty);
                self.copied(node, source, view, &ty);
                Arg::Buffer(view, Access::Read)
            } else {
                source
            };
            copies.push((source, to, ty));
        }
        for (source, to, ty) in copies {
            self.copied(node, source, to, &ty);
        }
        self.next_number(node, counter);
    }

    /// The steps of a graph within a node, its results put where they are wanted.
    fn within(&mut self, node: &Node, graph: &Graph, (inputs, results): (&[Arg], &[View])) -> Lowered {
        let mut inner = self.inside(graph, inputs);
        inner.aim(results);
        let done = inner.nodes();
        if done.is_ok() {
            debug_assert_eq!(inner.unread_operands(), Vec::<String>::new());
            for (o, &to) in graph.outputs.iter().zip(results) {
                if inner.places[o.value.index()] != Some(to) {
                    let (source, ty) = (inner.operand(o.value), inner.ty(o.value).clone());
                    inner.copied(node, source, to, &ty);
                }
            }
        }
        self.leave(inner);
        self.reported(node, done)
    }

    /// The lowering of a graph within a node, into the same program. [`Lowering::leave`] ends it.
    fn inside<'g>(&mut self, graph: &'g Graph, inputs: &[Arg]) -> Lowering<'g>
    where
        'a: 'g,
    {
        let mut inner = Lowering {
            zeros: self.zeros,
            has_rows: self.has_rows,
            ..Lowering::of(graph, self.program.numerics, self.target)
        };
        if self.zeros == Zeros::Small {
            inner.layout.separables.forget(graph, |node| sparse::has_zeros(graph, node));
        }
        std::mem::swap(&mut self.program, &mut inner.program);
        std::mem::swap(&mut self.equal_weights, &mut inner.equal_weights);
        for (&v, &arg) in graph.inputs.iter().zip(inputs) {
            match arg {
                Arg::Buffer(view, _) => inner.places[v.index()] = Some(view),
                Arg::Weight(w) => {
                    inner.weights.insert(v, w);
                    inner.traces.held.insert((w, v));
                }
                Arg::Empty(_) => {}
            }
        }
        inner
    }

    fn leave(&mut self, mut inner: Lowering<'_>) {
        std::mem::swap(&mut self.program, &mut inner.program);
        std::mem::swap(&mut self.equal_weights, &mut inner.equal_weights);
    }

    /// Lets nodes compute the graph's outputs where they are wanted.
    fn aim(&mut self, results: &[View]) {
        let graph = self.graph;
        let made = |v: ValueId| graph.nodes.iter().find(|n| n.outputs.contains(&v));
        for (o, &to) in graph.outputs.iter().zip(results) {
            let once = graph.outputs.iter().filter(|other| other.value == o.value).count() == 1;
            // What another shape is of lies where that does.
            let (mut v, mut maker) = (o.value, made(o.value));
            while let Some(Op::Movement(Movement::Reshape { .. })) = maker.map(|n| &n.op) {
                v = maker.map_or(v, |n| n.inputs[0]);
                maker = made(v);
            }
            let once = once && !self.targets.contains_key(&v);
            let owned = maker.is_some_and(|n| n.op.properties().owns_result);
            let is_plain = !self.layout.parts.contains_key(&v) && self.layout.views.get(v).is_none();
            if once && owned && is_plain {
                self.targets.insert(v, to);
            }
        }
    }

    /// Findings within a node stand beside those of the graph around it.
    fn reported(&mut self, node: &Node, done: Result<(), Vec<Diagnostic>>) -> Lowered {
        let Err(faults) = done else { return Ok(()) };
        self.nested.extend(faults);
        let message = format!("a graph within `{}` has operators without kernels", node.op.name());
        Err(Fault { code: codes::UNSUPPORTED_FORM, message, help: "see the other findings".into() })
    }

    fn open(&mut self) -> usize {
        let start = self.program.steps.len();
        let kind = RegionKind::Loop { trips: 0, condition: None };
        self.program.regions.push(Region { steps: start..start, kind });
        self.program.regions.len() - 1
    }

    /// Ends a region; one without steps is none.
    fn close(&mut self, region: usize, kind: RegionKind) {
        let steps = self.program.regions[region].steps.start..self.program.steps.len();
        if steps.is_empty() {
            self.program.regions.truncate(region);
        } else {
            self.program.regions[region] = Region { steps, kind };
        }
    }

    fn copied(&mut self, node: &Node, source: Arg, to: View, ty: &Type) {
        let args = vec![source, Arg::Buffer(to, Access::Write)];
        self.helper_step(node, ty, Arc::new(run(ty.dtype, to.len)), args);
    }

    fn zeros(&mut self, node: &Node, to: View, v: ValueId) {
        let ty = self.ty(v).clone();
        let value = Scalar::from_f64(0.0, ty.dtype);
        let fill = FillCall { value, dims: vec![to.len], start: 0, strides: vec![1] };
        self.helper_step(node, &ty, Arc::new(fill), vec![Arg::Buffer(to, Access::Write)]);
    }

    /// The row of an operand that belongs to the iteration.
    fn row(&mut self, node: &Node, (source, counter): (Arg, View), ty: Type) -> View {
        let row = Type::new(ty.dtype, &ty.shape[1..]);
        let view = self.new_buffer("", &row, Storage::Arena);
        let params = TakeRow { n: ty.shape[0], inner: row.elements() };
        let call = TakeRowCall { dtype: ty.dtype, params };
        let args = vec![Arg::Buffer(counter, Access::Read), source, Arg::Buffer(view, Access::Write)];
        self.helper_step(node, &row, Arc::new(call), args);
        view
    }

    fn next_number(&mut self, node: &Node, counter: View) {
        let mut e = Expr::new();
        let (x, one) = (e.input(0), e.constant(Scalar::I64(1)));
        let result = e.binary(BinaryOp::Add, x, one);
        let operands = vec![MapOperand { dtype: DType::I64, strides: Vec::new() }];
        let call = MapCall { expr: e.finish(result), operands, dims: Vec::new(), result: DType::I64, over: Some(0) };
        self.helper_step(node, &counter_type(), Arc::new(call), vec![Arg::Buffer(counter, Access::Update)]);
    }
}

/// The number of an iteration.
fn counter_type() -> Type {
    Type::new(DType::I64, [])
}

/// What goes on while it holds.
fn condition_type() -> Type {
    Type::new(DType::Bool, [])
}
