//! Recurrent layers: the same bits on every CPU and in blocks of any size, those of the formula.

mod values;

use values::{Values, bits, each_cpu, reduced};
use zant_runtime::arch::floats::FloatCpu;
use zant_runtime::arch::isa::{Fused, Numerics, Separate};
use zant_runtime::kernels::gates::Standard;
use zant_runtime::kernels::gru::{self, gru, gru_after_lens};
use zant_runtime::kernels::lstm::{self, Memory, lstm};
use zant_runtime::kernels::packing::{Piece, columns, matmul};
use zant_runtime::kernels::recurrent::{Matrices, Results, Sequences};
use zant_runtime::kernels::recurrent_dense::Dense;
use zant_runtime::math::{fma, sigmoid, tanh};
use zant_runtime::terms::recurrent::Recurrent;

fn layers() -> Vec<Recurrent> {
    let sizes = reduced(vec![[1, 1, 1], [5, 3, 4], [13, 9, 16], [3, 20, 33], [14, 8, 64]], vec![[3, 2, 5]]);
    let blocks = |steps: usize| [1, 2, 5, 12].into_iter().filter(move |b| *b <= steps.max(2));
    let layer = |[steps, input, hidden]: [usize; 3], block: usize| Recurrent {
        steps,
        batch: 1 + block % 2,
        input,
        hidden,
        y_pitch: hidden + block % 3,
        block,
        reverse: block % 2 == 1,
        resume: false,
    };
    sizes.into_iter().flat_map(|s| blocks(s[0]).map(move |b| layer(s, b))).collect()
}

fn packed(w: &[f32], pieces: impl Iterator<Item = Piece>) -> Vec<f32> {
    pieces.flat_map(Piece::places).map(|at| w[at]).collect()
}

/// `sums += x * w` of a matrix with rows as long as the sums.
fn add<N: Numerics>(x: &[f32], w: &[f32], sums: &mut [f32]) {
    for (x, row) in x.iter().zip(w.chunks(sums.len().max(1))) {
        sums.iter_mut().zip(row).for_each(|(s, w)| *s = if N::FUSED { fma(*x, *w, *s) } else { x * w + *s });
    }
}

/// The states of an LSTM after each step.
fn naive<N: Numerics>(p: &Recurrent, [x, w, r, bias]: [&[f32]; 4]) -> Vec<f32> {
    let n = p.hidden;
    let mut y = vec![9.0; (p.steps * p.batch).saturating_sub(1) * p.y_pitch + n];
    for batch in 0..p.batch {
        let (mut h, mut c) = (vec![0.0; n], vec![0.0; n]);
        for step in 0..p.steps {
            let at = (if p.reverse { p.steps - 1 - step } else { step }) * p.batch + batch;
            let mut sums = bias.to_vec();
            add::<N>(&x[at * p.input..][..p.input], w, &mut sums);
            add::<N>(&h, r, &mut sums);
            for k in 0..n {
                let [i, o, f] = [0, 1, 2].map(|gate| sigmoid(sums[gate * n + k]));
                c[k] = f * c[k] + i * tanh(sums[3 * n + k]);
                h[k] = o * tanh(c[k]);
            }
            y[at * p.y_pitch..][..n].copy_from_slice(&h);
        }
    }
    y
}

fn run_lstm<C: FloatCpu>(cpu: C, p: &Recurrent, [x, w, r, bias]: [&[f32]; 4]) -> Vec<f32> {
    let states = p.batch * p.hidden;
    let (mut scratch, mut h, mut c) = (vec![7.0; lstm::scratch(p)], vec![7.0; states], vec![7.0; states]);
    let mut y = vec![9.0; (p.steps * p.batch).saturating_sub(1) * p.y_pitch + p.hidden];
    let memory = Memory { peepholes: &[], c0: &[], c: &mut c };
    let matrices = Matrices { w: Dense(w), r: Dense(r), bias };
    let sequences = Sequences { x, lens: &[], h0: &[] };
    lstm(cpu, p, &Standard, matrices, sequences, memory, Results { scratch: &mut scratch, h: &mut h, y: &mut y });
    y
}

fn lstms<N: Numerics>() {
    let mut values = Values(5);
    for p in layers() {
        let (x, n) = (values.f32s(p.steps * p.batch * p.input), 4 * p.hidden);
        let (w, r, bias) = (values.f32s(p.input * n), values.f32s(p.hidden * n), values.f32s(n));
        let want = naive::<N>(&p, [&x, &w, &r, &bias]);
        let (w, r) = (packed(&w, matmul(p.input, n)), packed(&r, matmul(p.hidden, n)));
        each_cpu!(N, name, cpu => {
            assert_eq!(bits(&run_lstm(cpu, &p, [&x, &w, &r, &bias])), bits(&want), "{name} {p:?}");
        });
    }
}

#[test]
fn an_lstm_is_its_formula_everywhere() {
    lstms::<Fused>();
    lstms::<Separate>();
}

fn run_gru<C: FloatCpu>(cpu: C, p: &Recurrent, after: bool, lens: &[i32], parts: [&[f32]; 4]) -> (Vec<f32>, bool) {
    let [x, w, r, bias] = parts;
    let (mut scratch, mut h) = (vec![7.0; gru::scratch(p, after)], vec![7.0; p.batch * p.hidden]);
    let mut y = vec![9.0; (p.steps * p.batch).saturating_sub(1) * p.y_pitch + p.hidden];
    let results = Results { scratch: &mut scratch, h: &mut h, y: &mut y };
    let matrices = Matrices { w: Dense(w), r: Dense(r), bias };
    let good = if after {
        gru_after_lens(cpu, p, &Standard, matrices, Sequences { x, lens, h0: &[] }, results).is_ok()
    } else {
        gru(cpu, p, &Standard, matrices, Sequences { x, lens: &[], h0: &[] }, results);
        true
    };
    (y, good)
}

#[test]
fn grus_are_the_same_on_every_cpu_and_in_any_block() {
    let mut values = Values(6);
    for p in layers() {
        let (n, hidden) = (3 * p.hidden, p.hidden);
        let x = values.f32s(p.steps * p.batch * p.input);
        let (w, r, bias) = (values.f32s(p.input * n), values.f32s(hidden * n), values.f32s(4 * hidden));
        let w = packed(&w, matmul(p.input, n));
        let lens: Vec<i32> = (0..p.batch).map(|_| values.below(p.steps + 1) as i32).collect();
        for after in [false, true] {
            let ranges = if after { [[0, n], [n, 0]] } else { [[0, 2 * hidden], [2 * hidden, hidden]] };
            let r = packed(&r, ranges.into_iter().flat_map(|range| columns(hidden, n, range)));
            let one = Recurrent { block: 1, ..p };
            let portable = zant_runtime::arch::portable::Portable::<Fused>::portable();
            let (want, _) = run_gru(portable, &one, after, &lens, [&x, &w, &r, &bias]);
            each_cpu!(Fused, name, cpu => {
                let (y, good) = run_gru(cpu, &p, after, &lens, [&x, &w, &r, &bias]);
                assert!(good && bits(&y) == bits(&want), "{name} {p:?}");
            });
            let too_long = vec![p.steps as i32 + 1; p.batch];
            assert_eq!(run_gru(portable, &p, after, &too_long, [&x, &w, &r, &bias]).1, !after);
        }
    }
}
