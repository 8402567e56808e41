//! Core operators -> kernel calls: packing, epilogues, the choice of kernel.
//!
//! One file per operator family. Each function gets the operand types and places and adds steps; none looks at the graph
//! around its node: what that has to say is in the `Arrangement`, which is made before. Where a result is a view of an operand, no step is added.

mod coded;
mod concat;
mod conv;
mod indexed;
mod map;
mod matmul;
mod movement;
mod operands;
mod pool;
mod quant;
mod recurrent;
mod region;
mod rows;
mod separable;
mod sparse;
mod state;
mod strided;
mod ternary;
mod trees;
mod weights;
mod wide;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use zant_runtime::kernels::norm::Norm;

use crate::diag::{Diagnostic, NodePlace, codes};
use crate::ir::{DType, Graph, Node, Numerics, Op, Origin, Tensor, Type, ValueId, multiply_adds};
use crate::layout::Arrangement;
use crate::program::{Access, Arg, Buffer, BufferId, KernelCall, Port, Program, Step, Storage, View, Weight, WeightId};
use crate::targets::{self, Target};

pub use self::sparse::Zeros;

/// Why a node has no kernel call.
struct Fault {
    code: &'static str,
    message: String,
    help: String,
}

impl Fault {
    fn ty(message: impl Into<String>) -> Fault {
        let help = "the operator has kernels for float32 (and for integers where it moves or compares); cast around it";
        Fault { code: codes::UNSUPPORTED_TYPE, message: message.into(), help: help.into() }
    }

    fn form(message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { code: codes::UNSUPPORTED_FORM, message: message.into(), help: help.into() }
    }
}

type Lowered<T = ()> = Result<T, Fault>;

/// Turns a graph into kernel calls that are fast on the machine that builds, or gives everything that has none.
///
/// # Errors
/// A diagnostic for each node without a kernel.
pub fn lower(graph: &Graph, numerics: Numerics) -> Result<Program, Vec<Diagnostic>> {
    lower_with_places(graph, numerics, targets::HOST, Zeros::default()).map(|(program, _)| program)
}

/// The same for a target, with the place of each value of the graph, by its id; constants have none.
///
/// # Errors
/// A diagnostic for each node without a kernel.
pub fn lower_with_places(
    graph: &Graph,
    numerics: Numerics,
    target: &Target,
    zeros: Zeros,
) -> Result<(Program, Vec<Option<View>>), Vec<Diagnostic>> {
    let mut l = Lowering { zeros, ..Lowering::of(graph, numerics, target) };
    if zeros == Zeros::Small {
        l.layout.separables.forget(graph, |node| sparse::has_zeros(graph, node));
    }
    l.inputs();
    l.nodes()?;
    debug_assert_eq!(l.unread_operands(), Vec::<String>::new());
    l.outputs().map_err(|f| vec![Diagnostic::error(f.code, f.message).help(f.help)])?;
    weights::keep_read(&mut l.program);
    Ok((l.program, l.places))
}

fn diagnostic(graph: &Graph, node: &Node, fault: Fault) -> Diagnostic {
    let d = Diagnostic::error(fault.code, fault.message).help(fault.help);
    match node.origin.last() {
        Some(o) => d.at(NodePlace {
            index: o.index,
            name: o.name.clone(),
            op_type: o.op_type.clone(),
            line: crate::ir::print_node(graph, node),
            span: None,
            scope: Vec::new(),
        }),
        None => d,
    }
}

/// Whether products of one row are a noticeable part of the work: one in sixteen of the multiply-adds.
fn has_rows(graph: &Graph) -> bool {
    let (mut all, mut rows) = (0, 0);
    for node in &graph.nodes {
        let operands: Vec<Type> = node.inputs.iter().map(|&v| graph.ty(v).clone()).collect();
        let result = graph.ty(node.outputs[0]);
        let work = multiply_adds(&node.op, &operands, result);
        let columns = result.shape.last().copied().unwrap_or(1);
        all += work;
        rows += if matches!(node.op, Op::MatMul { .. }) && result.elements() == columns { work } else { 0 };
    }
    rows * 16 >= all
}

/// The state of one lowering.
struct Lowering<'a> {
    graph: &'a Graph,
    /// What the kernels are chosen for.
    target: &'a Target,
    /// Whether zeros are left out of weights.
    zeros: Zeros,
    /// Whether products of one row have a kernel of their own: always, or where small code is preferred if they are enough of the work.
    has_rows: bool,
    program: Program,
    /// Where each value is, once its node has been lowered.
    places: Vec<Option<View>>,
    /// What lies where: all that is known of the graph around a node.
    layout: Arrangement,
    /// Constants that are read as they are.
    weights: BTreeMap<ValueId, WeightId>,
    /// The program's constants, by the hash of type and bytes.
    equal_weights: BTreeMap<u64, Vec<WeightId>>,
    /// What is to be said of how the next step's weights are kept.
    note: Option<String>,
    /// What is known of where operands went.
    traces: operands::Traces,
    /// Where the results of a graph within a node are wanted.
    targets: BTreeMap<ValueId, View>,
    /// What has no kernel in graphs within nodes.
    nested: Vec<Diagnostic>,
}

impl<'a> Lowering<'a> {
    fn of(graph: &'a Graph, numerics: Numerics, target: &'a Target) -> Lowering<'a> {
        Lowering {
            graph,
            target,
            zeros: Zeros::default(),
            has_rows: !target.compact || has_rows(graph),
            places: vec![None; graph.values.len()],
            layout: Arrangement::of(graph),
            weights: BTreeMap::new(),
            equal_weights: BTreeMap::new(),
            note: None,
            traces: operands::Traces::default(),
            targets: BTreeMap::new(),
            nested: Vec::new(),
            program: Program {
                name: graph.name.clone(),
                numerics,
                inputs: Vec::new(),
                outputs: Vec::new(),
                labels: BTreeMap::new(),
                meanings: graph.meanings.clone(),
                states: Vec::new(),
                buffers: Vec::new(),
                weights: Vec::new(),
                steps: Vec::new(),
                regions: Vec::new(),
                layout: None,
            },
        }
    }

    /// Adds the steps of all nodes.
    fn nodes(&mut self) -> Result<(), Vec<Diagnostic>> {
        let graph = self.graph;
        let mut faults = Vec::new();
        // What depends on a node that failed is not looked at: its operand is nowhere.
        let mut failed = vec![false; graph.values.len()];
        for node in &graph.nodes {
            let broken = node.inputs.iter().any(|i| failed[i.index()]);
            let first = self.program.steps.len();
            let result = if broken { Ok(()) } else { self.node(node) };
            self.traces.steps.push(first..self.program.steps.len());
            if broken || result.is_err() {
                node.outputs.iter().for_each(|o| failed[o.index()] = true);
            }
            faults.extend(result.err().map(|f| diagnostic(graph, node, f)));
            faults.append(&mut self.nested);
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

impl Lowering<'_> {
    fn inputs(&mut self) {
        let states: BTreeSet<usize> = self.graph.states.iter().map(|s| s.input).collect();
        for (n, &v) in self.graph.inputs.iter().enumerate() {
            if states.contains(&n) {
                continue;
            }
            let value = self.graph.value(v);
            let view = self.new_buffer(&value.name, &value.ty, Storage::Input(self.program.inputs.len()));
            self.program.inputs.push(Port { name: value.name.clone(), ty: value.ty.clone(), view });
            self.places[v.index()] = Some(view);
        }
        self.place_states();
    }

    /// Outputs lie in the arena: an input or a constant that is one is copied.
    fn outputs(&mut self) -> Lowered {
        let states: BTreeSet<usize> = self.graph.states.iter().map(|s| s.output).collect();
        for (n, o) in self.graph.outputs.iter().enumerate() {
            if states.contains(&n) {
                continue;
            }
            let ty = self.graph.ty(o.value).clone();
            let view = match self.places[o.value.index()] {
                Some(v) if self.program.buffer(v.buffer).storage == Storage::Arena && !self.changes_at_end(v) => v,
                _ => {
                    let source = self.operand(o.value);
                    let view = self.new_buffer(&o.name, &ty, Storage::Arena);
                    self.copy_run(source, view, &ty);
                    view
                }
            };
            let labels = self.graph.labels.get(&n).cloned();
            self.program.labels.extend(labels.map(|labels| (self.program.outputs.len(), labels)));
            self.program.outputs.push(Port { name: o.name.clone(), ty, view });
        }
        self.finish_states();
        Ok(())
    }

    fn node(&mut self, node: &Node) -> Lowered {
        match &node.op {
            Op::Conv { .. } if self.layout.separables.is_between(node) => Ok(()),
            Op::Conv { window, groups, epilogue } => match self.layout.separables.inside(self.graph, node) {
                Some(first) => self.separable(first, node),
                None => self.conv(node, window, *groups, *epilogue),
            },
            Op::ConvTranspose { window, output, groups, epilogue } => {
                self.conv_transpose(node, window, *output, *groups, *epilogue)
            }
            Op::QConv { window, groups, quant } => self.qconv(node, window, *groups, quant),
            Op::WideConv { window, groups, wide } => self.wide_conv(node, window, *groups, wide),
            Op::DynamicMatMul { offset, .. } => self.dynamic_matmul(node, *offset),
            Op::TernaryMatMul { rows, epilogue } => self.ternary_matmul(node, *rows, *epilogue),
            Op::QPool { window, count_include_pad, between } => self.qpool(node, window, *count_include_pad, *between),
            Op::QReduce { axes, between } => self.qreduce(node, axes, *between),
            Op::QSoftmax { axis, between } => self.qsoftmax(node, *axis, *between),
            Op::MatMul { epilogue } => self.matmul(node, *epilogue),
            Op::Pool { kind, window } => self.pool(node, *kind, window),
            Op::Reduce { kind, axes } => self.reduce(node, *kind, axes),
            Op::Arg { max, axis, last } => self.arg(node, *max, *axis, *last),
            Op::Map { expr } => self.map(node, expr),
            Op::Movement(m) => self.movement(node, m),
            Op::Concat { axis } => self.concat(node, *axis),
            Op::Gather { axis } => self.gather(node, *axis),
            Op::GatherElements { axis } => self.gather_elements(node, *axis),
            Op::GatherNd { batch_dims } => self.gather_nd(node, *batch_dims),
            Op::ScatterElements { axis, kind } => self.scatter_elements(node, *axis, *kind),
            Op::ScatterNd { kind } => self.scatter_nd(node, *kind),
            Op::Softmax { axis, log } => self.softmax(node, *axis, *log),
            Op::Norm { axis, center, epsilon, scale, bias } => {
                let params = Norm { outer: 1, n: 1, epsilon: *epsilon, center: *center };
                self.norm(node, *axis, params, [*scale, *bias])
            }
            Op::Cumulative { axis, product, exclusive, reverse } => {
                self.cumulative(node, *axis, [*product, *exclusive, *reverse])
            }
            Op::Recurrent(layer) => self.recurrent(node, layer),
            Op::TopK { axis, k, largest } => self.top_k(node, *axis, *k, *largest),
            Op::Trees { meeting, .. } => self.trees(node, *meeting),
            Op::If(branches) => self.branches(node, branches),
            Op::Loop(repeat) => self.repeat(node, repeat),
        }
    }

    fn ty(&self, v: ValueId) -> &Type {
        self.graph.ty(v)
    }

    fn data(&self, v: ValueId) -> Option<&Tensor> {
        self.graph.data(v)
    }

    fn new_buffer(&mut self, name: &str, ty: &Type, storage: Storage) -> View {
        let id = BufferId(self.program.buffers.len() as u32);
        let elements = ty.elements();
        self.program.buffers.push(Buffer { name: name.to_string(), dtype: ty.dtype, elements, storage });
        View { buffer: id, offset: 0, len: elements }
    }

    /// A buffer for something that is no value of the model.
    fn new_temporary(&mut self, ty: &Type) -> View {
        self.new_buffer("", ty, Storage::Arena)
    }

    /// Where a node's result goes.
    fn result(&mut self, v: ValueId) -> View {
        let view = match (self.targets.get(&v), self.layout.parts.get(&v).copied()) {
            (Some(&view), _) => view,
            (None, Some(part)) => self.part(v, part),
            (None, None) => {
                let value = self.graph.value(v);
                self.new_buffer(&value.name, &value.ty, Storage::Arena)
            }
        };
        self.places[v.index()] = Some(view);
        view
    }

    /// Where an operand is: constants become weights as they are.
    fn operand(&mut self, v: ValueId) -> Arg {
        if let Some(view) = self.places[v.index()] {
            return Arg::Buffer(view, Access::Read);
        }
        Arg::Weight(self.raw_weight(v))
    }

    fn raw_weight(&mut self, v: ValueId) -> WeightId {
        if let Some(&w) = self.weights.get(&v) {
            return w;
        }
        let data = self.data(v).expect("a value is in memory or constant").clone();
        let name = self.graph.value(v).name.clone();
        let w = self.new_weight(&name, data, Some(v));
        self.weights.insert(v, w);
        w
    }

    /// A constant in the layout of its kernel; one for equal bytes of equal type. It holds all that the kernel needs of the value
    /// `of`, where it is made of one.
    fn new_weight(&mut self, name: &str, data: Tensor, of: Option<ValueId>) -> WeightId {
        let mut hash = DefaultHasher::new();
        (data.ty(), data.data()).hash(&mut hash);
        let source = of.map_or(data.ty(), |v| self.ty(v));
        let (values, source) = (source.elements(), source.bytes());
        let same = self.equal_weights.entry(hash.finish()).or_default();
        let known = same.iter().find(|w| self.program.weights[w.index()].data == data).copied();
        let id = known.unwrap_or_else(|| {
            let id = WeightId(self.program.weights.len() as u32);
            same.push(id);
            self.program.weights.push(Weight { name: name.to_string(), data, values, source, beside: 0 });
            id
        });
        self.traces.held.extend(of.map(|v| (id, v)));
        id
    }

    /// Appends a step for a node.
    fn call(&mut self, node: &Node, call: Arc<dyn KernelCall>, args: Vec<Arg>) {
        let result = self.ty(node.outputs[0]).clone();
        let operands: Vec<Type> = node.inputs.iter().map(|&i| self.ty(i).clone()).collect();
        let macs = multiply_adds(&node.op, &operands, &result);
        let note = self.note.take();
        self.push(Step { call, args, origin: node.origin.clone(), result, operands, macs, over: None, note });
    }

    /// Appends a step that does its part of a node's work, on one of its operands, of type `operand`.
    fn part_step(&mut self, node: &Node, operand: &Type, call: Arc<dyn KernelCall>, args: Vec<Arg>) {
        let types = [self.ty(node.outputs[0]).clone(), operand.clone()];
        self.push(by_the_way(call, args, node.origin.clone(), types));
    }

    /// Appends a step that prepares something for a node's kernel, or finishes it.
    fn helper_step(&mut self, node: &Node, ty: &Type, call: Arc<dyn KernelCall>, args: Vec<Arg>) {
        self.push(by_the_way(call, args, node.origin.clone(), [ty.clone(), ty.clone()]));
    }

    /// A node whose kernel makes its one result of its first operand.
    fn call_one(&mut self, node: &Node, call: Arc<dyn KernelCall>) -> Lowered {
        let source = self.operand(node.inputs[0]);
        let out = self.result(node.outputs[0]);
        self.call(node, call, vec![source, Arg::Buffer(out, Access::Write)]);
        Ok(())
    }

    /// Steps that write nothing are left out.
    fn push(&mut self, step: Step) {
        if step.writes().any(|(_, v)| v.len > 0) {
            self.program.steps.push(step);
        }
    }
}

/// A step that is no node's own; types of its result and its operand.
fn by_the_way(call: Arc<dyn KernelCall>, args: Vec<Arg>, origin: Vec<Origin>, [result, operand]: [Type; 2]) -> Step {
    Step { call, args, origin, result, operands: vec![operand], macs: 0, over: None, note: None }
}

/// The dimensions around one of them: their product before, its length, their product behind.
fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

/// f32 operands for a kernel that has no others.
fn expect_f32(what: &str, dtype: DType) -> Lowered {
    if dtype == DType::F32 { Ok(()) } else { Err(Fault::ty(format!("{what} of {dtype} has no kernel"))) }
}

/// Halves can be stored and moved, but not computed with.
fn expect_number(what: &str, dtype: DType) -> Lowered {
    if dtype.is_half() { Err(Fault::ty(format!("{what} of {dtype} has no kernel"))) } else { Ok(()) }
}
