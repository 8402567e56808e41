//! Recurrent layers.

use zantc::ir::{DType, Tensor};

use super::{Entry, op};
use crate::random::draft::Draft;

pub(super) const OPS: &[Entry] = &[
    op("LSTM", 1, |d| layer(d, Cell { gates: 4, functions: 3, states: 2 })),
    op("GRU", 1, |d| layer(d, Cell { gates: 3, functions: 2, states: 1 })),
    op("RNN", 1, |d| layer(d, Cell { gates: 1, functions: 1, states: 1 })),
];

/// What differs between cells.
#[derive(Clone, Copy)]
struct Cell {
    gates: usize,
    functions: usize,
    states: usize,
}

/// Functions that cells may have, each with how many parameters it has.
const FUNCTIONS: [(&str, usize); 11] = [
    ("Sigmoid", 0),
    ("Tanh", 0),
    ("Relu", 0),
    ("Affine", 2),
    ("LeakyRelu", 1),
    ("ThresholdedRelu", 1),
    ("ScaledTanh", 2),
    ("HardSigmoid", 2),
    ("Elu", 1),
    ("Softsign", 0),
    ("Softplus", 0),
];

fn layer(d: &mut Draft<'_>, cell: Cell) -> Option<()> {
    let dtype = if d.one_in(8) { DType::F16 } else { DType::F32 };
    let (hidden, direction) = (d.r.within(1, 21), d.r.pick(&["forward", "reverse", "bidirectional"]));
    let directions = if direction == "bidirectional" { 2 } else { 1 };
    let batch_first = d.opset >= 14 && d.one_in(3);
    let lengths = vec![d.r.within(1, 15), d.r.within(1, 3), d.r.within(1, 9)];
    let x = d.x_of(&[dtype], lengths, |s| s.len() == 3 && s[0] < 20 && s[1] < 20 && s[2] > 0);
    let (batch, steps) = if batch_first { (x.shape[0], x.shape[1]) } else { (x.shape[1], x.shape[0]) };
    let (input, rows) = (x.shape[2], cell.gates * hidden);
    d.weights(dtype, [directions, rows, input], input);
    d.weights(dtype, [directions, rows, hidden], hidden);
    optional(d, 3, |d| d.exactly(dtype, [directions, 2 * rows]));
    optional(d, 3, |d| {
        let lens: Vec<i32> = (0..batch).map(|_| d.r.within(0, steps) as i32).collect();
        d.either(Tensor::from_elements([batch], &lens));
    });
    let state = if batch_first { [batch, directions, hidden] } else { [directions, batch, hidden] };
    for _ in 0..cell.states {
        optional(d, 2, |d| d.exactly(dtype, state));
    }
    if cell.gates == 4 {
        optional(d, 3, |d| d.exactly(dtype, [directions, 3 * hidden]));
        d.flag("input_forget");
    }
    if cell.gates == 3 && d.opset >= 3 {
        d.flag("linear_before_reset");
    }
    if d.one_in(3) {
        functions(d, directions * cell.functions);
    }
    if d.one_in(4) {
        d.float("clip", 0.75);
    }
    if batch_first {
        d.int("layout", 1);
    }
    d.text("direction", direction);
    d.int("hidden_size", hidden as i64);
    let results = d.r.within(1, 1 + cell.states);
    d.outputs(results);
    Some(())
}

/// An operand that is there once in `n` times.
fn optional(d: &mut Draft<'_>, n: usize, operand: impl FnOnce(&mut Draft<'_>)) {
    if d.one_in(n) { operand(d) } else { d.none() }
}

/// Functions by name, with parameters or the defaults.
fn functions(d: &mut Draft<'_>, count: usize) {
    let chosen: Vec<(&str, usize)> = (0..count).map(|_| d.r.pick(&FUNCTIONS)).collect();
    let names: Vec<&str> = chosen.iter().map(|(name, _)| *name).collect();
    d.texts("activations", &names);
    if d.one_in(2) {
        let parameters = |n: usize| chosen.iter().filter(|(_, has)| *has >= n).count();
        let (alphas, betas) = (vec![0.5; parameters(1)], vec![0.25; parameters(2)]);
        d.floats("activation_alpha", &alphas);
        d.floats("activation_beta", &betas);
    }
}
