//! Recurrent layers, step by step.

use zant_runtime::math::{exp, minmax, sigmoid, softplus, tanh};

use super::number::Number;
use super::walk::{elements, tensor};
use super::{EvalError, Evaluate, dynamic};
use crate::ir::{Cell, DType, Function, Numerics, Recurrent, Tensor, Type};

/// The operands of one layer.
struct Layer<'a> {
    layer: &'a Recurrent,
    numerics: Numerics,
    w: Vec<f32>,
    r: Vec<f32>,
    bias: Vec<f32>,
    peepholes: Vec<f32>,
    hidden: usize,
    /// How the products of a quantized state are computed, and their weights and multiplier.
    quantized: Option<(&'a dyn Evaluate, i32, [&'a Tensor; 2])>,
}

/// `Op::Recurrent`.
pub(super) fn recurrent(
    reference: &dyn Evaluate,
    numerics: Numerics,
    layer: &Recurrent,
    inputs: &[&Tensor],
    types: &[Type],
) -> Result<Vec<Tensor>, EvalError> {
    let [steps, batch, depth] = [0, 1, 2].map(|d| inputs[0].shape()[d]);
    let hidden = types[0].shape[2];
    let mut rest = inputs[4..].iter();
    let mut next = |is_there: bool| if is_there { rest.next() } else { None };
    let has_peepholes = matches!(layer.cell, Cell::Lstm { peepholes: true, .. });
    let peepholes = next(has_peepholes).map_or(Vec::new(), |t| elements::<f32>(t));
    let lens = next(layer.lens).map(|t| elements::<i32>(t));
    let mut states = || next(layer.initial).map_or(vec![0.0; batch * hidden], |t| elements::<f32>(t));
    let (mut h, mut c) = (states(), if layer.cell.states() == 2 { states() } else { vec![0.0; batch * hidden] });
    let quantized = layer.dynamic.map(|offset| (reference, offset, [inputs[2], inputs[1]]));
    let weights = |n: usize| if quantized.is_some() { Vec::new() } else { elements::<f32>(inputs[n]) };
    let (w, r) = (weights(1), weights(2));
    let [x, bias] = [0, 3].map(|n| elements::<f32>(inputs[n]));
    let all = Layer { layer, numerics, w, r, bias, peepholes, hidden, quantized };
    let mut y = vec![0.0; steps * batch * hidden];
    for b in 0..batch {
        let len = match &lens {
            Some(lens) => usize::try_from(lens[b]).ok().filter(|&n| n <= steps).ok_or(EvalError::IndexOutOfRange)?,
            None => steps,
        };
        let own = b * hidden..(b + 1) * hidden;
        for step in 0..len {
            let step = if layer.reverse { len - 1 - step } else { step };
            let at = step * batch + b;
            all.step(&x[at * depth..][..depth], &mut h[own.clone()], &mut c[own.clone()])?;
            y[at * hidden..][..hidden].copy_from_slice(&h[own.clone()]);
        }
    }
    let results = [y, h, c].into_iter().zip(types);
    results.map(|(values, ty)| tensor(ty, values)).collect()
}

impl Layer<'_> {
    /// Adds products of `x` and part `part` of the rows of a matrix of `parts` parts.
    fn add(&self, x: &[f32], matrix: &[f32], [part, parts]: [usize; 2], sums: &mut [f32]) {
        for (row, &x) in matrix.chunks(self.hidden * parts).zip(x) {
            f32::add_products(self.numerics, x, &row[part * self.hidden..][..self.hidden], sums);
        }
    }

    fn bias(&self, part: usize) -> Vec<f32> {
        self.bias[part * self.hidden..][..self.hidden].to_vec()
    }

    /// A sum of the bias, the input and the state.
    fn sum(&self, (x, w): (&[f32], usize), (h, r): (&[f32], usize)) -> Vec<f32> {
        let [of_w, of_r, _] = self.layer.cell.parts();
        let mut sums = self.bias(w);
        self.add(x, &self.w, [w, of_w], &mut sums);
        self.add(h, &self.r, [r, of_r], &mut sums);
        sums
    }

    /// A function of bounded sums: 0 that of gates, 1 that of the update, 2 that of the output.
    fn apply(&self, function: usize, sums: &[f32]) -> Vec<f32> {
        let (function, clip) = (self.layer.functions[function], self.layer.clip);
        let bounded = |x: f32| match x {
            x if x < -clip => -clip,
            x if x > clip => clip,
            x => x,
        };
        sums.iter().map(|&x| apply(function, bounded(x))).collect()
    }

    /// Adds the products of a cell state and the weights of its peephole.
    fn peep(&self, gate: usize, c: &[f32], sums: &mut [f32]) {
        let weights = self.peepholes.get(gate * self.hidden..).unwrap_or_default();
        sums.iter_mut().zip(weights).zip(c).for_each(|((sum, w), c)| *sum += w * c);
    }

    fn step(&self, x: &[f32], h: &mut [f32], c: &mut [f32]) -> Result<(), EvalError> {
        match self.layer.cell {
            Cell::Lstm { coupled, .. } => {
                let sums = match self.quantized {
                    None => [0, 1, 2, 3].map(|part| self.sum((x, part), (h, part))),
                    Some(of_state) => self.quantized_sums(of_state, x, h)?,
                };
                self.lstm(coupled, sums, h, c);
            }
            Cell::Gru { reset_after } => self.gru(reset_after, x, h),
            Cell::Rnn => {
                let update = self.apply(1, &self.sum((x, 0), (h, 0)));
                h.copy_from_slice(&update);
            }
        }
        Ok(())
    }

    /// The sums of an LSTM of which `x` are those of the input.
    fn quantized_sums(
        &self,
        (reference, offset, [r, multiplier]): (&dyn Evaluate, i32, [&Tensor; 2]),
        x: &[f32],
        h: &[f32],
    ) -> Result<[Vec<f32>; 4], EvalError> {
        let given: Vec<f32> = self.bias.iter().zip(x).map(|(bias, x)| bias + x).collect();
        let (h, given) = (Tensor::from_elements([1, h.len()], h), Tensor::from_elements([given.len()], &given));
        let ty = Type::new(DType::F32, [1, given.len()]);
        let sums = elements::<f32>(&dynamic::matmul(reference, offset, &[&h, r, multiplier, &given], &ty)?);
        Ok([0, 1, 2, 3].map(|part| sums[part * self.hidden..][..self.hidden].to_vec()))
    }

    fn lstm(&self, coupled: bool, [mut i, mut o, mut f, g]: [Vec<f32>; 4], h: &mut [f32], c: &mut [f32]) {
        self.peep(0, c, &mut i);
        self.peep(2, c, &mut f);
        let (i, g) = (self.apply(0, &i), self.apply(1, &g));
        let f = if coupled { i.iter().map(|i| 1.0 - i).collect() } else { self.apply(0, &f) };
        (0..self.hidden).for_each(|k| c[k] = f[k] * c[k] + i[k] * g[k]);
        self.peep(1, c, &mut o);
        let (o, output) = (self.apply(0, &o), self.apply(2, c));
        (0..self.hidden).for_each(|k| h[k] = o[k] * output[k]);
    }

    fn gru(&self, reset_after: bool, x: &[f32], h: &mut [f32]) {
        let [z, r] = [1, 2].map(|part| self.apply(0, &self.sum((x, part), (h, part - 1))));
        let n = if reset_after {
            let (mut n, mut of_state) = (self.bias(0), self.bias(3));
            self.add(x, &self.w, [0, 3], &mut n);
            self.add(h, &self.r, [2, 3], &mut of_state);
            (0..self.hidden).for_each(|k| n[k] += r[k] * of_state[k]);
            n
        } else {
            let scaled: Vec<f32> = r.iter().zip(&*h).map(|(r, h)| r * h).collect();
            self.sum((x, 0), (&scaled, 2))
        };
        let n = self.apply(1, &n);
        (0..self.hidden).for_each(|k| h[k] = (1.0 - z[k]) * n[k] + z[k] * h[k]);
    }
}

fn apply(function: Function, x: f32) -> f32 {
    match function {
        Function::Sigmoid => sigmoid(x),
        Function::Tanh => tanh(x),
        Function::Relu => minmax::max(x, 0.0),
        Function::Affine(alpha, beta) => alpha * x + beta,
        Function::Leaky(alpha) if x < 0.0 => alpha * x,
        Function::Elu(alpha) if x < 0.0 => alpha * (exp(x) - 1.0),
        Function::Leaky(_) | Function::Elu(_) => x,
        Function::Threshold(alpha) if x >= alpha => x,
        Function::Threshold(_) => 0.0,
        Function::ScaledTanh(alpha, beta) => alpha * tanh(beta * x),
        Function::HardSigmoid(alpha, beta) => minmax::min(minmax::max(alpha * x + beta, 0.0), 1.0),
        Function::Softsign => x / (1.0 + x.abs()),
        Function::Softplus => softplus(x),
    }
}
