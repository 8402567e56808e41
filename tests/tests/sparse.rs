//! Models of whose weights seven in ten are zero: smaller without the zeros, with the same results to the bit.

use zant_tests::cases::workspace;
use zantc::LowBit;
use zantc::config::{Config, Optimize};
use zantc::exec::{Executor, Hygiene};
use zantc::ir::Tensor;
use zantc::onnx::{Limits, Model, load};
use zantc::pipeline::{Compiled, compile};
use zantc::program::{Arg, Program};
use zantc::targets;
use zantc::verify::seeded;

/// ONNX's numbers of float and int8.
const FLOAT: i32 = 1;
const INT8: i32 = 3;

/// A model of this repository whose matrices and kernels have zeros for seven in ten of their weights, the smallest ones.
fn pruned(name: &str) -> Model {
    let path = workspace().join(format!("models/{name}/{name}.onnx"));
    let mut model = load(&path, &Limits::default()).expect("it is a model");
    let graph = &mut model.proto.graph;
    for tensor in graph.initializer.iter_mut().filter(|t| t.dims.len() > 1) {
        let Some(mut raw) = tensor.raw_data.as_ref().map(|raw| raw.to_vec()) else { continue };
        let sizes: Vec<f32> = match tensor.data_type {
            FLOAT => raw.as_chunks().0.iter().map(|w| f32::from_le_bytes(*w).abs()).collect(),
            INT8 => raw.iter().map(|w| f32::from((*w as i8).unsigned_abs())).collect(),
            _ => continue,
        };
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by(|&a, &b| sizes[a].total_cmp(&sizes[b]));
        let size = raw.len() / sizes.len().max(1);
        for at in order.into_iter().take(sizes.len() * 7 / 10) {
            raw[at * size..][..size].fill(0);
        }
        tensor.raw_data = Some(raw.into());
    }
    model
}

fn compiled(model: &Model, target: &str, optimize: Optimize, low_bit: LowBit) -> Compiled {
    let config = Config::new().target(targets::find(target).expect("it is a target"));
    compile(model, &config.optimize(optimize).low_bit(low_bit)).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Weights of layers of more than `least`, and the bytes of their constants.
fn layers(program: &Program, least: usize) -> Vec<(usize, usize)> {
    let weights = program.steps.iter().filter_map(|step| {
        let weights =
            step.args.iter().filter_map(|a| if let Arg::Weight(w) = a { Some(program.weight(*w)) } else { None });
        weights.max_by_key(|w| w.values)
    });
    weights.filter(|w| w.values > least).map(|w| (w.values, w.bytes())).collect()
}

fn outputs(program: &Program) -> Vec<Tensor> {
    let inputs = seeded::inputs(program.inputs.iter().map(|p| &p.ty));
    Executor::new(program, Hygiene::Poison).expect("there is memory").run(&inputs).expect("it runs")
}

/// What a model's layers take for size, at most, in hundredths of their floats; and its results.
fn check(name: &str, hundredths: usize) {
    let model = pruned(name);
    for target in ["host", "cortex-m7", "cortex-m0"] {
        let of = |optimize, low_bit| compiled(&model, target, optimize, low_bit);
        let small = of(Optimize::Size, LowBit::Auto);
        let found = layers(&small.program, 256);
        assert!(found.len() >= 2, "{name}, {target}: {found:?}");
        for (weights, bytes) in found {
            assert!(bytes * 100 <= weights * 4 * hundredths, "{name}, {target}: {weights} weights in {bytes} bytes");
        }
        let dense = of(Optimize::Speed, LowBit::Off);
        assert!(dense.program.steps.iter().all(|step| step.note.is_none()), "{name}, {target}");
        let fast = of(Optimize::Speed, LowBit::Auto);
        assert!(fast.program.steps.iter().any(|step| step.note.is_some()), "{name}, {target}: nothing is said");
        let expected = outputs(&dense.program);
        for other in [&small, &fast, &of(Optimize::Size, LowBit::Off)] {
            assert_eq!(outputs(&other.program), expected, "{name}, {target}");
        }
    }
}

#[test]
fn floats_are_left_out() {
    check("digits", 40);
}

#[test]
fn bytes_are_left_out() {
    check("digits_int8", 14);
}
