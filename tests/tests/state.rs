//! States: a program that keeps a pair of input and output computes, run after run, what it computes when its caller carries
//! the value from output to input.

use zant_tests::cases;
use zantc::config::Config;
use zantc::exec::{Executor, Hygiene};
use zantc::ir::{DType, Tensor, Type, text};
use zantc::pipeline::{Compiled, compile, compile_graph};
use zantc::program::Program;
use zantc::project::read;
use zantc::verify::data::{folders, read_set};

fn with_states(states: &[(&str, &str)]) -> Config {
    states.iter().fold(Config::new(), |config, (input, output)| config.state(*input, *output))
}

fn small(text: &str, states: &[(&str, &str)]) -> Compiled {
    let graph = text::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    compile_graph(graph, &with_states(states)).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
}

/// The caller's part: what becomes of the kept values after a run, as the model's documentation has it.
fn carried(program: &Program, kept: &mut [Tensor], outputs: &[Tensor], run: usize) {
    for (state, kept) in program.states.iter().zip(kept) {
        let new = &outputs[state.positions[1]];
        let Some(ring) = &state.ring else {
            *kept = new.clone();
            continue;
        };
        let (shape, part) = (state.ty.shape.clone(), ring.output.shape[ring.axis]);
        let parts = shape[ring.axis] / part;
        let inner: usize = shape[ring.axis + 1..].iter().product();
        let size = state.ty.dtype.size();
        let mut data = kept.data().to_vec();
        let new = new.data();
        let (slab, row) = (shape[ring.axis] * inner * size, part * inner * size);
        for (o, from) in new.chunks_exact(row).enumerate() {
            data[o * slab + run % parts * row..][..row].copy_from_slice(from);
        }
        *kept = Tensor::from_bytes(state.ty.clone(), data.into()).unwrap();
    }
}

/// Runs the model with and without states on pseudo-random inputs, several times, and compares all outputs and states.
fn check(text: &str, states: &[(&str, &str)]) -> Compiled {
    let (stateful, plain) = (small(text, states), small(text, &[]));
    let program = &stateful.program;
    zantc::program::verify(program).unwrap_or_else(|faults| panic!("{faults:?}\n{program}"));
    assert_eq!(program.states.len(), states.len());
    let mut kept: Vec<Tensor> = program
        .states
        .iter()
        .map(|s| Tensor::from_scalars(s.ty.clone(), vec![zero(s.ty.dtype); s.ty.elements()]))
        .collect();
    let mut executor = Executor::new(program, Hygiene::Poison).unwrap();
    let mut by_hand = Executor::new(&plain.program, Hygiene::Poison).unwrap();
    for run in 0..7 {
        let mut inputs: Vec<Tensor> = program.model_inputs().iter().map(|p| input(&p.ty, run)).collect();
        let outputs = executor.run(&program.split_inputs(&inputs).0).unwrap();
        for (state, kept) in program.states.iter().zip(&kept) {
            inputs[state.positions[0]] = kept.clone();
        }
        let expected = by_hand.run(&inputs).unwrap();
        carried(program, &mut kept, &expected, run as usize);
        let lent = program.outputs.iter().map(|o| plain.program.outputs.iter().position(|p| p.name == o.name).unwrap());
        for (at, output) in lent.zip(&outputs) {
            assert_eq!(*output, expected[at], "run {run}, output {at}\n{program}");
        }
        for (i, kept) in kept.iter().enumerate() {
            assert_eq!(executor.state(i), *kept, "run {run}, state {i}\n{program}");
        }
    }
    executor.reset();
    (0..states.len()).for_each(|i| assert!(executor.state(i).data().iter().all(|&b| b == 0)));
    stateful
}

fn zero(dtype: DType) -> zantc::ir::Scalar {
    zantc::ir::Scalar::zero(dtype)
}

/// Random elements; positions count the runs.
fn input(ty: &Type, run: u64) -> Tensor {
    if ty.dtype == DType::I64 { Tensor::from_elements(ty.shape.clone(), &[run as i64]) } else { text::random(ty, run) }
}

fn kernels(compiled: &Compiled) -> Vec<&'static str> {
    compiled.program.steps.iter().map(|s| s.call.name()).collect()
}

#[test]
fn a_cache_written_at_a_position_costs_one_row() {
    // The fifth run is the first beyond the cache.
    let compiled = check(
        r#"graph "cache"
  in %0 "row": f32[1,2,1,3]
  in %1 "position": i64[1]
  in %2 "past": f32[1,2,5,3]
  $3 = i64[1,1,1,5] 0 1 2 3 4
  %4 = map $3, %1 {Eq(x0, x1)} : bool[1,1,1,5]
  %5 = reshape %4 : bool[1,1,5,1]
  %6 = map %5, %0, %2 {Select(x0, x1, x2)} : f32[1,2,5,3]
  %7 = reduce_sum %6 {axes 2} : f32[1,2,3]
  out "sum" = %7
  out "present" = %6
"#,
        &[("past", "present")],
    );
    assert_eq!(kernels(&compiled), ["place_row", "reduce_sum"]);
}

#[test]
fn a_ring_that_a_concat_reads_costs_two_rows() {
    let compiled = check(
        r#"graph "ring"
  in %0 "row": f32[1,2,1,3]
  in %1 "past": f32[1,2,4,3]
  %2 = concat %1, %0 {axis 2} : f32[1,2,5,3]
  %3 = transpose %2 {perm 0 1 3 2} : f32[1,2,3,5]
  %4 = matmul %0, %3 : f32[1,2,1,5]
  %5 = map %0 {Add(x0, 1.0)} : f32[1,2,1,3]
  out "scores" = %4
  out "new" = %5
"#,
        &[("past", "new")],
    );
    let mut kernels = kernels(&compiled);
    kernels.sort_unstable();
    assert_eq!(kernels, ["map", "map_in_place", "matmul", "place_row", "strided_copy"], "{}", compiled.program);
}

#[test]
fn rings_that_are_read_otherwise_and_in_parts() {
    check(
        r#"graph "ring"
  in %0 "rows": f32[2,3]
  in %1 "past": f32[6,3]
  in %2 "other": f32[6]
  %3 = reduce_sum %1 {axes 0} : f32[3]
  %4 = map %0, %3 {Add(x0, x1)} : f32[2,3]
  %5 = reduce_max %2 {axes 0} : f32[]
  %6 = map %5, %3 {Add(x0, x1)} : f32[3]
  %7 = slice %3 {start 1} : f32[1]
  out "sum" = %6
  out "new" = %4
  out "newest" = %7
"#,
        &[("past", "new"), ("other", "newest")],
    );
}

#[test]
fn what_is_computed_elementwise_or_scattered_stays_in_place() {
    let compiled = check(
        r#"graph "moving average"
  in %0 "x": f32[4]
  in %1 "mean": f32[4]
  %2 = map %1, %0 {t0 = Mul(x0, 0.5); t1 = Mul(x1, 0.5); Add(t0, t1)} : f32[4]
  %3 = map %2 {Neg(x0)} : f32[4]
  out "y" = %3
  out "next" = %2
"#,
        &[("mean", "next")],
    );
    assert_eq!(kernels(&compiled), ["map_in_place", "map"]);
    let compiled = check(
        r#"graph "scatter"
  in %0 "x": f32[1,3]
  in %1 "past": f32[4,3]
  $2 = i64[1,1] 2
  %3 = reduce_sum %1 {axes 0} : f32[3]
  %4 = scatter_nd %1, $2, %0 {add} : f32[4,3]
  out "y" = %3
  out "next" = %4
"#,
        &[("past", "next")],
    );
    let mut kernels = kernels(&compiled);
    kernels.sort_unstable();
    assert_eq!(kernels, ["reduce_sum", "scatter_nd"]);
}

#[test]
fn what_others_still_read_is_copied_at_the_end() {
    check(
        r#"graph "late readers"
  in %0 "x": f32[4]
  in %1 "state": f32[4]
  in %2 "a": f32[4]
  in %3 "b": f32[4]
  in %4 "same": f32[4]
  in %5 "slid": f32[4]
  %6 = map %1, %0 {Add(x0, x1)} : f32[4]
  %7 = map %6, %1 {Mul(x0, x1)} : f32[4]
  %8 = reshape %2 : f32[2,2]
  %9 = map %8 {Neg(x0)} : f32[2,2]
  %10 = slice %5 {start 1} : f32[3]
  %11 = slice %0 {start 0} : f32[1]
  %12 = concat %10, %11 {axis 0} : f32[4]
  out "y" = %7
  out "state next" = %6
  out "old a" = %8
  out "z" = %9
  out "to a" = %3
  out "to b" = %2
  out "same next" = %4
  out "slid next" = %12
"#,
        &[("state", "state next"), ("a", "to a"), ("b", "to b"), ("same", "same next"), ("slid", "slid next")],
    );
}

#[test]
fn impossible_pairs_are_refused() {
    let text = "in %0 \"x\": f32[4]\nin %1 \"n\": i64[4]\n%2 = map %0 {Neg(x0)} : f32[4]\n%3 = slice %0 {start 0} : f32[3]\nout \"y\" = %2\nout \"z\" = %3\n";
    let refused = |states: &[(&str, &str)]| {
        let graph = text::parse(text).unwrap();
        let faults = compile_graph(graph, &with_states(states)).expect_err("it is refused");
        faults.iter().map(|d| format!("{} {}", d.code, d.message)).collect::<Vec<_>>().join("; ")
    };
    assert!(refused(&[("x", "w")]).contains("ZA0401"));
    assert!(refused(&[("w", "y")]).contains("no input \"w\""));
    assert!(refused(&[("n", "y")]).contains("i64[4] and f32[4]"));
    assert!(refused(&[("x", "z")]).contains("neither of one type nor a ring"));
    assert!(refused(&[("x", "y"), ("x", "z")]).contains("another state's"));
}

/// The logits of each position from one run over all tokens, and from one run for each token.
#[test]
fn decoding_token_by_token_gives_the_logits_of_the_whole() {
    let Some(models) = cases::shared().map(|s| s.join("models")) else {
        return println!("skipped: the model set is not there");
    };
    let prefill = models.join("gpt_small_prefill");
    let whole = compile(&read(&prefill.join("model.onnx")).unwrap(), &Config::new()).unwrap();
    let names = ["k_0", "v_0", "k_1", "v_1"].map(|n| (format!("past_{n}"), format!("present_{n}")));
    let states: Vec<(&str, &str)> = names.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let decode = compile(&read(&models.join("gpt_small_decode/model.onnx")).unwrap(), &with_states(&states)).unwrap();
    assert!(!kernels(&decode).iter().any(|k| k.contains("copy")), "nothing is copied:\n{}", decode.program);
    assert_eq!(kernels(&decode).iter().filter(|k| **k == "place_row").count(), 4);
    let mut decoder = Executor::new(&decode.program, Hygiene::Poison).unwrap();
    for folder in folders(&prefill) {
        let set = read_set(&folder, &whole.program).unwrap();
        let reference = set.outputs[0].as_ref().unwrap().to_vec::<f32>().unwrap();
        let logits = Executor::new(&whole.program, Hygiene::Poison).unwrap().run(&set.inputs).unwrap();
        let logits = logits[0].to_vec::<f32>().unwrap();
        let tokens = set.inputs[0].to_vec::<i64>().unwrap();
        let vocabulary = logits.len() / tokens.len();
        decoder.reset();
        for (t, &token) in tokens.iter().enumerate() {
            let (token, position) = (Tensor::from_elements([1, 1], &[token]), Tensor::from_elements([1], &[t as i64]));
            let row = decoder.run(&[token, position]).unwrap()[0].to_vec::<f32>().unwrap();
            let place = t * vocabulary..(t + 1) * vocabulary;
            for other in [&logits[place.clone()], &reference[place]] {
                let largest = other.iter().fold(0f32, |m, v| m.max(v.abs()));
                let distance = row.iter().zip(other).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
                assert!(distance <= 1e-5 * largest, "token {t}: {distance} of {largest}");
            }
        }
    }
}

#[test]
fn states_of_recurrent_layers_are_computed_in_their_places() {
    let lstm = check(
        r#"graph "stream"
  in %0 "x": f32[1,1,3]
  in %1 "h": f32[1,1,5]
  in %2 "c": f32[1,1,5]
  $3 = f32[3,20] random 1
  $4 = f32[5,20] random 2
  $5 = f32[20] random 3
  %6, %7, %8 = lstm %0, $3, $4, $5, %1, %2 {initial} : f32[1,1,5], f32[1,1,5], f32[1,1,5]
  out "y" = %6
  out "h next" = %7
  out "c next" = %8
"#,
        &[("h", "h next"), ("c", "c next")],
    );
    assert_eq!(kernels(&lstm), ["lstm"]);
    let gru = check(
        r#"graph "stream"
  in %0 "x": f32[2,1,3]
  in %1 "h": f32[1,1,5]
  $2 = f32[3,15] random 1
  $3 = f32[5,15] random 2
  $4 = f32[20] random 3
  %5, %6 = gru %0, $2, $3, $4, %1 {reset_after, reverse, initial} : f32[2,1,5], f32[1,1,5]
  out "h next" = %6
  out "twice" = %5
"#,
        &[("h", "h next")],
    );
    assert_eq!(kernels(&gru), ["gru_after"]);
}
