//! `Loop` and `Scan`: a body that is translated once and runs a number of times that is known, or bounded.

use crate::diag::codes;
use crate::ir::{BinaryOp, DType, Expr, Movement, Op, Repeat, Scalar, Tensor, Type, ValueId};
use crate::onnx::AttributeValue;
use crate::onnx::proto::{GraphProto, NodeProto};

use super::graph::Importer;
use super::inline::graph_of;
use super::node::{At, Fault, Imported};
use super::place::origin;
use super::scope::Binding;

/// How often a loop runs.
struct Trips {
    /// At most.
    most: usize,
    /// The number, where it is data.
    data: Option<ValueId>,
}

impl Importer<'_> {
    /// A `Loop`.
    pub(super) fn repeat(
        &mut self,
        index: usize,
        node: &NodeProto,
        inputs: &[Option<ValueId>],
    ) -> Result<Vec<Binding>, Option<Fault>> {
        let graph = graph_of(node, "body")?;
        let operand = |i: usize| inputs.get(i).copied().flatten();
        let carried: Vec<ValueId> = inputs.iter().skip(2).copied().collect::<Option<_>>().ok_or_else(|| {
            Fault::new(codes::MISSING_INPUT, "a carried value is left out").help("give each of them a first value")
        })?;
        if graph.input.len() != carried.len() + 2 || graph.output.len() <= carried.len() {
            let message = format!(
                "a body of {} inputs and {} outputs does not fit {} carried values",
                graph.input.len(),
                graph.output.len(),
                carried.len()
            );
            return Err(Some(Fault::new(codes::MALFORMED_GRAPH, message)));
        }
        let known = |v: ValueId| self.builder.graph.data(v).and_then(Tensor::uniform).map(|s| s.bits() != 0);
        let (initial, is_known_to_start) = match operand(1) {
            None => (None, Some(true)),
            Some(v) => (Some(v), known(v)),
        };
        let trips = self.trips(node, operand(0))?;
        let types: Vec<Type> = carried.iter().map(|&v| self.builder.graph.ty(v).clone()).collect();
        let data = trips.as_ref().ok().and_then(|t| t.data);
        let mut inner = self.inner((index, node), graph, |importer| {
            importer.number(&graph.input[0].name, declared_rank(graph, 0))?;
            // The body runs where this holds.
            let holds = importer.builder.graph.add_constant("", Tensor::scalar(Scalar::Bool(true)));
            importer.bind(&graph.input[1].name, Binding::Value(holds));
            for (port, ty) in graph.input[2..].iter().zip(types) {
                importer.inner_input(&port.name, ty);
            }
            Ok(())
        })?;
        let goes_on = inner.graph.outputs[0].value;
        let always = inner.graph.data(goes_on).and_then(Tensor::uniform).is_some_and(|s| s.bits() != 0);
        let conditional = !always || is_known_to_start.is_none() || data.is_some();
        if is_known_to_start == Some(false) {
            return self.never(node, (&inner.graph, &carried));
        }
        let trips = match trips {
            Ok(trips) => trips,
            Err(unbounded) => return Err(Some(unbounded)),
        };
        self.same_types(node, &inner.graph, &carried)?;
        let mut operands = Vec::new();
        if conditional {
            let start = self.starts(initial, &trips)?;
            operands.push(start);
            if let Some(limit) = trips.data {
                self.ends(&mut inner, limit)?;
            }
        } else {
            inner.graph.outputs.remove(0);
        }
        operands.extend(&carried);
        operands.extend(&inner.captured);
        let (carried, trips) = (carried.len(), trips.most);
        let stacked = node.output.iter().skip(carried).any(|o| !o.is_empty());
        if conditional && stacked {
            let message = "how many rows its results have is data";
            return Err(Some(Fault::new(codes::NOT_CONSTANT, message).help(
                "give it a constant trip count and a condition that always holds; or carry a tensor of the largest size",
            )));
        }
        let repeat = Repeat { body: inner.graph, trips, carried, scanned: 0, conditional };
        let results = self.add_loop((index, node), repeat, &operands)?;
        Ok(results.into_iter().take(node.output.len()).map(Binding::Value).collect())
    }

    fn add_loop(
        &mut self,
        (index, node): (usize, &NodeProto),
        mut repeat: Repeat,
        operands: &[ValueId],
    ) -> Imported<Vec<ValueId>> {
        repeat.note_states();
        self.begin(index, node);
        Ok(self.builder.emit(Op::Loop(Box::new(repeat)), operands)?)
    }

    /// How often a loop runs at most; the inner error says that nothing is known of that.
    fn trips(&mut self, node: &NodeProto, limit: Option<ValueId>) -> Imported<Result<Trips, Fault>> {
        let data = limit.and_then(|v| self.builder.graph.data(v)).map(|t| t.uniform().map(Scalar::to_i64));
        let most = |n: i64| usize::try_from(n.max(0)).unwrap_or(usize::MAX);
        let known = match data {
            Some(None) => return Err(Fault::shape("the trip count is not one number").at(At::Input(0))),
            Some(Some(n)) => Some(most(n)),
            None => None,
        };
        // Exporters write `while` as a loop of as many trips as there are numbers.
        if let Some(most) = known.filter(|&n| n <= MAX_TRIPS) {
            return Ok(Ok(Trips { most, data: None }));
        }
        let own = origin(0, node).name;
        let input = node.input.first().cloned().unwrap_or_default();
        let names: Vec<&String> = [&input, &own].into_iter().filter(|n| !n.is_empty()).collect();
        let bound = names.iter().find_map(|n| self.options.bounds.get(*n).map(|&b| ((*n).clone(), b)));
        if let Some((name, most)) = bound {
            self.used_bounds.insert(name);
            let data = limit.filter(|_| known.is_none());
            return Ok(Ok(Trips { most, data }));
        }
        let name = if known.is_some() || input.is_empty() { own } else { input };
        let fault = Fault::new(codes::NOT_CONSTANT, "nothing bounds how often the loop runs")
            .help(format!("`--bound '{}=100'` says that it is at most that often", name.escape_debug()));
        Ok(Err(fault.at(At::Input(0))))
    }

    /// Whether the first iteration runs.
    fn starts(&mut self, initial: Option<ValueId>, trips: &Trips) -> Imported {
        let initial = match initial {
            Some(v) => self.builder.reshape(v, [])?,
            None => self.builder.scalar(Scalar::Bool(true)),
        };
        let Some(limit) = trips.data else { return Ok(initial) };
        let limit = self.builder.reshape(limit, [])?;
        let mut e = Expr::new();
        let (start, limit_at, zero) = (e.input(0), e.input(1), e.constant(Scalar::I64(0)));
        let more = e.binary(BinaryOp::Lt, zero, limit_at);
        let result = e.binary(BinaryOp::And, start, more);
        Ok(self.builder.map(e.finish(result), &[initial, limit])?)
    }

    /// Lets the body end where the number of iterations that is data is reached.
    fn ends(&mut self, inner: &mut super::within::Inner, limit: ValueId) -> Imported<()> {
        let ty = self.builder.graph.ty(limit).clone();
        let position = inner.captured.iter().position(|&v| v == limit);
        let graph = &mut inner.graph;
        let first = graph.inputs.len() - inner.captured.len();
        let within = match position {
            Some(p) => graph.inputs[first + p],
            None => {
                let id = graph.add_value("", ty);
                graph.inputs.push(id);
                inner.captured.push(limit);
                id
            }
        };
        let number = graph.inputs[0];
        let (goes_on, origin) = (graph.outputs[0].value, self.builder.origin.clone());
        std::mem::swap(&mut self.builder.graph, graph);
        let ended = self.goes_on([goes_on, number, within]);
        std::mem::swap(&mut self.builder.graph, graph);
        self.builder.origin = origin;
        graph.outputs[0].value = ended?;
        Ok(())
    }

    /// `goes_on && number + 1 < limit`, of the graph that is being built.
    fn goes_on(&mut self, [goes_on, number, limit]: [ValueId; 3]) -> Imported {
        let [goes_on, limit] = [self.builder.reshape(goes_on, [])?, self.builder.reshape(limit, [])?];
        let mut e = Expr::new();
        let [goes_on_at, number_at, limit_at] = [0, 1, 2].map(|n| e.input(n));
        let one = e.constant(Scalar::I64(1));
        let next = e.binary(BinaryOp::Add, number_at, one);
        let more = e.binary(BinaryOp::Lt, next, limit_at);
        let result = e.binary(BinaryOp::And, goes_on_at, more);
        Ok(self.builder.map(e.finish(result), &[goes_on, number, limit])?)
    }

    /// Binds the number of the iteration, which some bodies declare as a list of one.
    fn number(&mut self, name: &str, rank: usize) -> Imported<()> {
        let id = self.builder.graph.add_value(name, Type::new(DType::I64, []));
        self.builder.graph.inputs.push(id);
        let id = if rank == 1 { self.builder.reshape(id, [1])? } else { id };
        if !name.is_empty() {
            self.bind(name, Binding::Value(id));
        }
        Ok(())
    }

    /// A loop that never runs: the carried values as they are, and stacks without rows.
    fn never(
        &mut self,
        node: &NodeProto,
        (body, carried): (&crate::ir::Graph, &[ValueId]),
    ) -> Result<Vec<Binding>, Option<Fault>> {
        let mut results: Vec<Binding> = carried.iter().map(|&v| Binding::Value(v)).collect();
        for o in &body.outputs[1 + carried.len()..] {
            let mut ty = body.ty(o.value).clone();
            ty.shape.insert(0, 0);
            let empty = Tensor::from_scalars(ty, std::iter::empty());
            results.push(Binding::Value(self.builder.graph.add_constant(o.name.clone(), empty)));
        }
        results.truncate(node.output.len());
        Ok(results)
    }

    /// Refuses carried values that change their types.
    fn same_types(&self, node: &NodeProto, body: &crate::ir::Graph, carried: &[ValueId]) -> Imported<()> {
        for (k, (&before, after)) in carried.iter().zip(&body.outputs[1..]).enumerate() {
            let (before, after) = (self.builder.graph.ty(before), body.ty(after.value));
            if before != after {
                let name = node.input.get(2 + k).map(|n| n.escape_debug().to_string()).unwrap_or_default();
                let message =
                    format!("the carried value `{name}` is {before} before an iteration and {after} after it");
                return Err(Fault::form(message)
                    .help("give it its largest size from the start, and write what is new at its place")
                    .at(At::Input(2 + k)));
            }
        }
        Ok(())
    }

    /// A `Scan`.
    pub(super) fn scan(
        &mut self,
        index: usize,
        node: &NodeProto,
        inputs: &[Option<ValueId>],
    ) -> Result<Vec<Binding>, Option<Fault>> {
        let batched = self.opset(&node.domain) < 9;
        if batched && inputs.first().copied().flatten().is_some() {
            return Err(Some(Fault::form("lengths of sequences are not supported").at(At::Input(0))));
        }
        let graph = graph_of(node, "body")?;
        let inputs: Vec<ValueId> = inputs
            .iter()
            .skip(usize::from(batched))
            .copied()
            .collect::<Option<_>>()
            .ok_or_else(|| Fault::new(codes::MISSING_INPUT, "an operand is left out"))?;
        let scanned = ints(node, "num_scan_inputs").unwrap_or_default();
        let scanned = scanned.first().and_then(|&n| usize::try_from(n).ok()).filter(|&n| n > 0 && n <= inputs.len());
        let scanned = scanned.ok_or_else(|| Fault::attribute("num_scan_inputs", "does not fit the operands"))?;
        let carried = inputs.len() - scanned;
        if graph.input.len() != inputs.len() || graph.output.len() < carried.max(1) {
            return Err(Some(Fault::new(codes::MALFORMED_GRAPH, "the body does not fit the operands")));
        }
        if !batched {
            return self.scan_once((index, node, graph), &inputs, carried);
        }
        let batch = self.builder.graph.ty(inputs[0]).shape.first().copied().unwrap_or(0);
        let fits = |&v: &ValueId| self.builder.graph.ty(v).shape.first() == Some(&batch);
        if batch == 0 || batch > MAX_BATCH || !inputs.iter().all(fits) {
            return Err(Some(Fault::shape(format!(
                "a batch of {batch} is not supported, or not that of all operands"
            ))));
        }
        let mut parts: Vec<Vec<ValueId>> = Vec::new();
        for b in 0..batch {
            let own: Vec<ValueId> = inputs.iter().map(|&v| self.at(v, b)).collect::<Imported<_>>()?;
            let results = self.scan_once((index, node, graph), &own, carried)?;
            let value = |r: Binding| if let Binding::Value(v) = r { Ok(v) } else { Err(None) };
            parts.push(results.into_iter().map(value).collect::<Result<_, Option<Fault>>>()?);
        }
        let mut results = Vec::new();
        for r in 0..parts[0].len() {
            let rows = parts.iter().map(|p| {
                let shape: Vec<usize> = [1].into_iter().chain(self.builder.graph.ty(p[r]).shape.clone()).collect();
                self.builder.reshape(p[r], shape)
            });
            let rows: Vec<ValueId> = rows.collect::<Result<_, _>>().map_err(Fault::from)?;
            let whole = self.builder.emit1(Op::Concat { axis: 0 }, &rows).map_err(Fault::from)?;
            results.push(Binding::Value(whole));
        }
        Ok(results)
    }

    /// One entry of a batch.
    fn at(&mut self, v: ValueId, b: usize) -> Imported {
        let shape = self.builder.graph.ty(v).shape.clone();
        let (mut start, mut len) = (vec![0; shape.len()], shape.clone());
        (start[0], len[0]) = (b, 1);
        let one = Movement::Slice { start, step: vec![1; shape.len()], len };
        let part = self.builder.emit1(Op::Movement(one), &[v])?;
        Ok(self.builder.reshape(part, shape[1..].to_vec())?)
    }

    /// A `Scan` without a batch.
    fn scan_once(
        &mut self,
        (index, node, graph): (usize, &NodeProto, &GraphProto),
        inputs: &[ValueId],
        carried: usize,
    ) -> Result<Vec<Binding>, Option<Fault>> {
        let scanned = inputs.len() - carried;
        let stacks = graph.output.len() - carried;
        let list = |name: &str, n: usize| match ints(node, name) {
            None => Ok(vec![0; n]),
            Some(v) if v.len() == n => Ok(v),
            Some(_) => Err(Fault::attribute(name, "has the wrong length")),
        };
        let batched = self.opset(&node.domain) < 9;
        let backward = list(if batched { "directions" } else { "scan_input_directions" }, scanned)?;
        let axes = list("scan_input_axes", scanned)?;
        let mut operands = inputs[..carried].to_vec();
        let mut trips = None;
        for (k, &v) in inputs[carried..].iter().enumerate() {
            let axis = axis_of(axes[k], self.builder.graph.ty(v).rank(), "scan_input_axes")?;
            let v = self.moved(v, axis, 0)?;
            let v = if backward[k] != 0 { self.reversed(v, 0)? } else { v };
            let n = self.builder.graph.ty(v).shape[0];
            if *trips.get_or_insert(n) != n {
                return Err(Some(Fault::shape(format!("sequences of {} and {n} steps", trips.unwrap_or(0)))));
            }
            operands.push(v);
        }
        let trips = trips.unwrap_or(0);
        let types: Vec<Type> = operands.iter().map(|&v| self.builder.graph.ty(v).clone()).collect();
        let inner = self.inner((index, node), graph, |importer| {
            importer.number("", 0)?;
            for (k, (port, ty)) in graph.input.iter().zip(types).enumerate() {
                let ty = if k < carried { ty } else { Type::new(ty.dtype, &ty.shape[1..]) };
                importer.inner_input(&port.name, ty);
            }
            Ok(())
        })?;
        for (k, o) in inner.graph.outputs[..carried].iter().enumerate() {
            let (before, after) = (self.builder.graph.ty(operands[k]), inner.graph.ty(o.value));
            if before != after {
                let message = format!("state {k} is {before} before a step and {after} after it");
                return Err(Some(Fault::form(message)));
            }
        }
        operands.extend(&inner.captured);
        let repeat = Repeat { body: inner.graph, trips, carried, scanned, conditional: false };
        let mut results = self.add_loop((index, node), repeat, &operands)?;
        let (axes, backward) = (list("scan_output_axes", stacks)?, list("scan_output_directions", stacks)?);
        for (k, v) in results[carried..].iter_mut().enumerate() {
            let axis = axis_of(axes[k], self.builder.graph.ty(*v).rank(), "scan_output_axes")?;
            *v = if backward[k] != 0 { self.reversed(*v, 0)? } else { *v };
            *v = self.moved(*v, 0, axis)?;
        }
        Ok(results.into_iter().take(node.output.len()).map(Binding::Value).collect())
    }

    /// The dimension `from` becomes the dimension `to`.
    fn moved(&mut self, v: ValueId, from: usize, to: usize) -> Imported {
        let mut perm: Vec<usize> = (0..self.builder.graph.ty(v).rank()).collect();
        let axis = perm.remove(from);
        perm.insert(to, axis);
        Ok(self.builder.transpose(v, perm)?)
    }

    /// The last along a dimension first.
    fn reversed(&mut self, v: ValueId, axis: usize) -> Imported {
        let len = self.builder.graph.ty(v).shape.clone();
        let (mut start, mut step) = (vec![0; len.len()], vec![1; len.len()]);
        (start[axis], step[axis]) = (len[axis].saturating_sub(1), -1);
        Ok(self.builder.emit1(Op::Movement(Movement::Slice { start, step, len }), &[v])?)
    }
}

/// Trip counts beyond this are none.
const MAX_TRIPS: usize = 1 << 31;
/// Sequences of the first version of `Scan`, each of which gets a loop.
const MAX_BATCH: usize = 64;

/// The rank that a body declares of an input; 0 where it says none.
fn declared_rank(graph: &GraphProto, input: usize) -> usize {
    use crate::onnx::proto::TypeValue;
    match graph.input[input].ty.as_ref().and_then(|t| t.value.as_ref()) {
        Some(TypeValue::Tensor(t)) => t.shape.as_ref().map_or(0, |s| s.dim.len()),
        Some(_) | None => 0,
    }
}

/// An attribute of integers, or of one.
fn ints(node: &NodeProto, name: &str) -> Option<Vec<i64>> {
    let value = node.attribute.iter().find(|a| a.name == name).and_then(|a| a.value())?;
    if let AttributeValue::Int(v) = value {
        return Some(vec![v]);
    }
    if let AttributeValue::Ints(v) = value { Some(v.to_vec()) } else { None }
}

fn axis_of(axis: i64, rank: usize, name: &str) -> Imported<usize> {
    let from_end = i64::try_from(rank).unwrap_or(i64::MAX);
    let axis = if axis < 0 { axis + from_end } else { axis };
    usize::try_from(axis).ok().filter(|&a| a < rank).ok_or_else(|| Fault::attribute(name, "names no dimension"))
}
