//! LSTM, GRU and RNN: a layer for each direction, whose weights get the columns that it reads.

use super::pieces::{concat, fill, slice};
use crate::import::node::{Fault, Imported, NodeCx};
use crate::import::registry::{OpEntry, contributed, limited};
use crate::ir::{BinaryOp, Cell, DType, Function, Op, Recurrent, Scalar, ValueId};

mod dynamic;

/// The family's operators.
pub(in crate::import) const OPS: &[OpEntry] = &[
    limited("GRU", gru, "not of float64"),
    limited("LSTM", lstm, "not of float64"),
    contributed("DynamicQuantizeLSTM", dynamic::lstm, "weights, scales and zero points are constant"),
    limited("RNN", rnn, "not of float64"),
];

fn lstm(cx: &mut NodeCx<'_>) -> Imported {
    let coupled = cx.flag("input_forget", false)?;
    let peepholes = cx.opt(7).is_some();
    layers(cx, Cell::Lstm { coupled, peepholes }, &[0, 1, 2])
}

fn gru(cx: &mut NodeCx<'_>) -> Imported {
    let reset_after = cx.flag("linear_before_reset", false)?;
    layers(cx, Cell::Gru { reset_after }, &[0, 1])
}

fn rnn(cx: &mut NodeCx<'_>) -> Imported {
    layers(cx, Cell::Rnn, &[1])
}

/// The sizes that all operands share.
#[derive(Clone, Copy)]
struct Sizes {
    /// The sequence is the second dimension.
    batch_first: bool,
    directions: usize,
    steps: usize,
    batch: usize,
    hidden: usize,
    /// Gates, the update among them.
    gates: usize,
}

/// The operand at a position, in f32, of a shape that it must have.
fn operand(cx: &mut NodeCx<'_>, at: usize, shape: &[usize]) -> Imported<Option<ValueId>> {
    let Some(v) = cx.opt(at) else { return Ok(None) };
    if cx.shape(v) != shape {
        return Err(Fault::shape(format!("input {at}, {}, should have the shape {shape:?}", cx.ty(v))));
    }
    cx.cast(v, DType::F32).map(Some)
}

impl Sizes {
    fn of(cx: &NodeCx<'_>, cell: Cell) -> Imported<Sizes> {
        let [x, w, r] = [cx.input(0)?, cx.input(1)?, cx.input(2)?];
        for v in [x, w, r] {
            if !matches!(cx.dtype(v), DType::F32 | DType::F16 | DType::BF16) {
                return Err(Fault::ty(format!("a recurrent layer of {}", cx.ty(v)))
                    .help("recurrent layers are computed in float32; cast around it"));
            }
        }
        let (&[a, b, input], &[directions, _, hidden]) = (cx.shape(x).as_slice(), cx.shape(r).as_slice()) else {
            return Err(Fault::shape(format!("{} and weights {} have not rank 3", cx.ty(x), cx.ty(r))));
        };
        let batch_first = cx.flag("layout", false)?;
        let (steps, batch) = if batch_first { (b, a) } else { (a, b) };
        let sizes = Sizes { batch_first, directions, steps, batch, hidden, gates: cell.parts()[0] };
        sizes.check(cx, r)?;
        for (v, depth) in [(w, input), (r, hidden)] {
            let shape = [directions, sizes.rows(1)?, depth];
            if cx.shape(v) != shape {
                return Err(Fault::shape(format!("weights {} should have the shape {shape:?}", cx.ty(v))));
            }
        }
        Ok(sizes)
    }

    /// Whether the weights `r` have the directions and states that the node says, and any states.
    fn check(&self, cx: &NodeCx<'_>, r: ValueId) -> Imported<()> {
        let hidden = self.hidden;
        let expected = cx.word("direction", &[("forward", 1), ("reverse", 1), ("bidirectional", 2)])?;
        if self.directions != expected {
            return Err(Fault::shape(format!("{} has not the {expected} directions of the node", cx.ty(r))));
        }
        if let Some(size) = cx.int_opt("hidden_size")?.filter(|&n| usize::try_from(n) != Ok(hidden)) {
            return Err(Fault::attribute("hidden_size", format!("is {size}, but {} has {hidden} states", cx.ty(r))));
        }
        if hidden == 0 {
            return Err(Fault::shape(format!("{} has no states", cx.ty(r))));
        }
        Ok(())
    }

    /// Rows of all gates, times `n`.
    fn rows(&self, n: usize) -> Imported<usize> {
        let rows = self.hidden.checked_mul(self.gates).and_then(|rows| rows.checked_mul(n));
        rows.ok_or_else(|| Fault::shape("the weights are too large"))
    }
}

/// Direction `d` of an operand, without that dimension.
fn direction(cx: &mut NodeCx<'_>, v: ValueId, d: usize) -> Imported {
    let shape = cx.shape(v);
    let one = if shape[0] == 1 { v } else { slice(cx, v, 0, (d, 1, 1))? };
    cx.reshape(one, &shape[1..])
}

/// What all directions read.
struct Shared {
    x: ValueId,
    lens: Option<ValueId>,
    bias: Option<ValueId>,
    peepholes: Option<ValueId>,
    initial: Option<Vec<ValueId>>,
}

/// A cell in all directions; with the roles of its functions: 0 of gates, 1 of the update, 2 of the output.
fn layers(cx: &mut NodeCx<'_>, cell: Cell, roles: &[usize]) -> Imported {
    let s = Sizes::of(cx, cell)?;
    in_all_directions(cx, &s, cell, roles, &one_direction)
}

/// How the layer of one direction is made, `d`, from what all directions read.
type Direction<'a> = &'a dyn Fn(&mut NodeCx<'_>, &Sizes, Recurrent, (usize, &Shared)) -> Imported<Vec<ValueId>>;

fn in_all_directions(
    cx: &mut NodeCx<'_>,
    s: &Sizes,
    cell: Cell,
    roles: &[usize],
    one_direction: Direction<'_>,
) -> Imported {
    let dtype = cx.dtype(cx.input(0)?);
    let mut x = cx.input(0)?;
    x = cx.cast(x, DType::F32)?;
    if s.batch_first {
        x = cx.transpose(x, [1, 0, 2])?;
    }
    let shared = Shared {
        x,
        bias: operand(cx, 3, &[s.directions, s.rows(2)?])?,
        lens: lens(cx, s)?,
        initial: initial(cx, cell, s)?,
        peepholes: match cell {
            Cell::Lstm { .. } => operand(cx, 7, &[s.directions, 3 * s.hidden])?,
            Cell::Gru { .. } | Cell::Rnn => None,
        },
    };
    let clip = match cx.float_opt("clip")? {
        None => f32::INFINITY,
        Some(clip) if clip > 0.0 => clip,
        Some(clip) => return Err(Fault::attribute("clip", format!("is {clip}; it must be positive"))),
    };
    let functions = functions(cx, roles, s.directions)?;
    let backward = cx.string("direction", "forward")? == "reverse";
    let mut results = Vec::new();
    for (d, functions) in functions.into_iter().enumerate() {
        let layer = Recurrent {
            cell,
            reverse: backward || d == 1,
            functions,
            clip,
            lens: shared.lens.is_some(),
            initial: shared.initial.is_some(),
            dynamic: None,
        };
        results.push(one_direction(cx, s, layer, (d, &shared))?);
    }
    for state in 0..cell.states() {
        let all: Vec<ValueId> = results.iter().map(|r| r[1 + state]).collect();
        let mut last = concat(cx, 0, &all)?;
        if s.batch_first {
            last = cx.transpose(last, [1, 0, 2])?;
        }
        let last = cx.cast(last, dtype)?;
        cx.set(1 + state, last);
    }
    let all: Vec<ValueId> = results.iter().map(|r| r[0]).collect();
    let y = sequence(cx, s, &all)?;
    cx.cast(y, dtype)
}

/// The states of all steps, as ONNX has them.
fn sequence(cx: &mut NodeCx<'_>, s: &Sizes, directions: &[ValueId]) -> Imported {
    let y = concat(cx, 2, directions)?;
    let y = cx.reshape(y, [s.steps, s.batch, s.directions, s.hidden])?;
    match (s.batch_first, s.directions) {
        (false, 1) => cx.reshape(y, [s.steps, 1, s.batch, s.hidden]),
        (false, _) => cx.transpose(y, [0, 2, 1, 3]),
        (true, _) => cx.transpose(y, [1, 0, 2, 3]),
    }
}

/// The lengths of sequences, if there are any but the whole one.
fn lens(cx: &mut NodeCx<'_>, s: &Sizes) -> Imported<Option<ValueId>> {
    let Some(v) = cx.opt(4) else { return Ok(None) };
    if cx.shape(v) != [s.batch] {
        return Err(Fault::shape(format!("lengths {} should have the shape [{}]", cx.ty(v), s.batch)));
    }
    let known = cx.b.graph.data(v).and_then(|t| t.to_i64s());
    for len in known.iter().flatten() {
        if usize::try_from(*len).ok().filter(|&n| n <= s.steps).is_none() {
            return Err(Fault::shape(format!("a sequence of {len} in {} steps", s.steps)));
        }
    }
    let is_all = known.is_some_and(|lens| lens.iter().all(|&len| len as usize == s.steps));
    if is_all { Ok(None) } else { cx.cast(v, DType::I32).map(Some) }
}

/// The initial states `[directions, batch, hidden]`, if they are anything but zeros.
fn initial(cx: &mut NodeCx<'_>, cell: Cell, s: &Sizes) -> Imported<Option<Vec<ValueId>>> {
    let shape = [s.directions, s.batch, s.hidden];
    let given_shape = if s.batch_first { [s.batch, s.directions, s.hidden] } else { shape };
    let mut given = Vec::new();
    for state in 0..cell.states() {
        let v = operand(cx, 5 + state, &given_shape)?;
        given.push(v.filter(|&v| !is_zero(cx, v)));
    }
    if given.iter().all(Option::is_none) {
        return Ok(None);
    }
    let mut states = Vec::new();
    for v in given {
        states.push(match v {
            Some(v) if s.batch_first => cx.transpose(v, [1, 0, 2])?,
            Some(v) => v,
            None => fill(cx, Scalar::zero(DType::F32), shape.to_vec())?,
        });
    }
    Ok(Some(states))
}

/// Whether all elements of a constant are +0.
fn is_zero(cx: &NodeCx<'_>, v: ValueId) -> bool {
    cx.b.graph.data(v).is_some_and(|t| t.data().iter().all(|&byte| byte == 0))
}

fn one_direction(
    cx: &mut NodeCx<'_>,
    s: &Sizes,
    layer: Recurrent,
    (d, shared): (usize, &Shared),
) -> Imported<Vec<ValueId>> {
    let [w, r] = [cx.input(1)?, cx.input(2)?];
    let (w, r) = (cx.cast(w, DType::F32)?, cx.cast(r, DType::F32)?);
    let (w, r) = (direction(cx, w, d)?, direction(cx, r, d)?);
    let w = update_first(cx, s, layer.cell, w)?;
    let (w, r) = (cx.transpose(w, [1, 0])?, cx.transpose(r, [1, 0])?);
    let bias = bias(cx, s, layer.cell, (d, shared.bias))?;
    layer_of(cx, s, layer, vec![shared.x, w, r, bias], (d, shared))
}

/// The layer of one direction from its input, weights and bias, which the operands that all have in common follow.
fn layer_of(
    cx: &mut NodeCx<'_>,
    s: &Sizes,
    layer: Recurrent,
    mut operands: Vec<ValueId>,
    (d, shared): (usize, &Shared),
) -> Imported<Vec<ValueId>> {
    if let Some(peepholes) = shared.peepholes {
        operands.push(direction(cx, peepholes, d)?);
    }
    operands.extend(shared.lens);
    for &state in shared.initial.iter().flatten() {
        operands.push(if s.directions == 1 { state } else { slice(cx, state, 0, (d, 1, 1))? });
    }
    Ok(cx.b.emit(Op::Recurrent(layer), &operands)?)
}

/// Rows of gates in the order in which a layer reads them: those of a GRU's update, the last of ONNX, come first.
fn update_first(cx: &mut NodeCx<'_>, s: &Sizes, cell: Cell, v: ValueId) -> Imported {
    match cell {
        Cell::Lstm { .. } | Cell::Rnn => Ok(v),
        Cell::Gru { .. } => {
            let update = slice(cx, v, 0, (2 * s.hidden, 1, s.hidden))?;
            let gates = slice(cx, v, 0, (0, 1, 2 * s.hidden))?;
            concat(cx, 0, &[update, gates])
        }
    }
}

/// What sums start from: the biases of input and state together, but for what a GRU resets.
fn bias(cx: &mut NodeCx<'_>, s: &Sizes, cell: Cell, (d, both): (usize, Option<ValueId>)) -> Imported {
    let Some(both) = both else { return fill(cx, Scalar::zero(DType::F32), vec![cell.parts()[2] * s.hidden]) };
    let both = direction(cx, both, d)?;
    let rows = s.rows(1)?;
    let (of_input, of_state) = (slice(cx, both, 0, (0, 1, rows))?, slice(cx, both, 0, (rows, 1, rows))?);
    if let Cell::Gru { reset_after: true } = cell {
        let (gates, update) = ((0, 1, 2 * s.hidden), (2 * s.hidden, 1, s.hidden));
        let (a, b) = (slice(cx, of_input, 0, gates)?, slice(cx, of_state, 0, gates)?);
        let gates = cx.binary(BinaryOp::Add, a, b)?;
        let (of_input, of_state) = (slice(cx, of_input, 0, update)?, slice(cx, of_state, 0, update)?);
        return concat(cx, 0, &[of_input, gates, of_state]);
    }
    let sum = cx.binary(BinaryOp::Add, of_input, of_state)?;
    update_first(cx, s, cell, sum)
}

/// The functions of each direction.
fn functions(cx: &NodeCx<'_>, roles: &[usize], directions: usize) -> Imported<Vec<[Function; 3]>> {
    let mut all = vec![Recurrent::STANDARD; directions];
    let Some(names) = cx.strings_opt("activations")? else { return Ok(all) };
    let count = roles.len() * directions;
    if names.len() != count {
        return Err(Fault::attribute("activations", format!("names {} functions instead of {count}", names.len())));
    }
    let mut alphas = cx.floats_opt("activation_alpha")?.unwrap_or_default().into_iter();
    let mut betas = cx.floats_opt("activation_beta")?.unwrap_or_default().into_iter();
    for (name, at) in names.iter().zip(0..) {
        let mut alpha = |default: f32| alphas.next().unwrap_or(default);
        let mut beta = |default: f32| betas.next().unwrap_or(default);
        // Defaults are those of the operators of these names; the first two are no operators.
        let function = match name.to_ascii_lowercase().as_str() {
            "affine" => Function::Affine(alpha(1.0), beta(0.0)),
            "scaledtanh" => Function::ScaledTanh(alpha(1.0), beta(1.0)),
            "sigmoid" => Function::Sigmoid,
            "tanh" => Function::Tanh,
            "relu" => Function::Relu,
            "leakyrelu" => Function::Leaky(alpha(0.01)),
            "thresholdedrelu" => Function::Threshold(alpha(1.0)),
            "hardsigmoid" => Function::HardSigmoid(alpha(0.2), beta(0.5)),
            "elu" => Function::Elu(alpha(1.0)),
            "softsign" => Function::Softsign,
            "softplus" => Function::Softplus,
            _ => {
                let name = name.escape_debug();
                return Err(Fault::attribute("activations", format!("names `{name}`, which is no function of a cell")));
            }
        };
        all[at / roles.len()][roles[at % roles.len()]] = function;
    }
    Ok(all)
}
