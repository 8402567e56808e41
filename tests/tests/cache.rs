//! Caches of bytes: where all rows are multiples of their scale a model computes with them what it computes with floats, bit for bit,
//! and else what it keeps is at most half a scale from the floats.

use zant_tests::cases;
use zantc::Cache;
use zantc::config::Config;
use zantc::exec::{Executor, Hygiene};
use zantc::ir::{DType, Tensor, Type, text};
use zantc::pipeline::{Compiled, compile, compile_graph};
use zantc::program::Port;
use zantc::project::read;
use zantc::verify::data::{folders, quantize_caches, read_set};

/// An attention over a cache whose row is placed by `Where`.
const PLACED: &str = r#"graph "placed"
  in %0 "row": f32[1,2,1,4]
  in %1 "position": i64[1]
  in %2 "past": f32[1,2,5,4]
  $3 = i64[1,1,1,5] 0 1 2 3 4
  %4 = map $3, %1 {Eq(x0, x1)} : bool[1,1,1,5]
  %5 = reshape %4 : bool[1,1,5,1]
  %6 = map %5, %0, %2 {Select(x0, x1, x2)} : f32[1,2,5,4]
  %7 = transpose %6 {perm 0 1 3 2} : f32[1,2,4,5]
  %8 = matmul %0, %7 : f32[1,2,1,5]
  out "scores" = %8
  out "present" = %6
"#;

/// The same with the row written by an index.
const SCATTERED: &str = r#"graph "scattered"
  in %0 "row": f32[1,1,4]
  in %1 "position": i64[1]
  in %2 "past": f32[5,2,4]
  %3 = reshape %1 : i64[1,1]
  %4 = expand %0 : f32[1,2,4]
  %5 = scatter_nd %2, %3, %4 {replace} : f32[5,2,4]
  %6 = reduce_sum %5 {axes 0} : f32[2,4]
  out "sum" = %6
  out "present" = %5
"#;

/// A cache that moves up by one row a run.
const SHIFTED: &str = r#"graph "shifted"
  in %0 "row": f32[1,2,1,4]
  in %1 "past": f32[1,2,5,4]
  %2 = concat %1, %0 {axis 2} : f32[1,2,6,4]
  %3 = slice %2 {start 0 0 1 0} : f32[1,2,5,4]
  %4 = reduce_sum %3 {axes 2} : f32[1,2,4]
  out "sum" = %4
  out "present" = %3
"#;

/// A ring along the dimension before the last.
const RING: &str = r#"graph "ring"
  in %0 "row": f32[1,2,1,4]
  in %1 "past": f32[1,2,5,4]
  %2 = map %0 {Neg(x0)} : f32[1,2,1,4]
  %3 = concat %1, %2 {axis 2} : f32[1,2,6,4]
  %4 = reduce_sum %3 {axes 2} : f32[1,2,4]
  out "sum" = %4
  out "present" = %2
"#;

/// A ring along the last dimension, as keys that are kept transposed.
const COLUMNS: &str = r#"graph "columns"
  in %0 "row": f32[1,4,1]
  in %1 "past": f32[1,4,6]
  %2 = map %0 {Neg(x0)} : f32[1,4,1]
  %3 = concat %1, %2 {axis 2} : f32[1,4,7]
  %4 = reduce_sum %3 {axes 2} : f32[1,4]
  out "sum" = %4
  out "present" = %2
"#;

/// Keys that are kept transposed, a column placed by `Where`.
const PLACED_COLUMN: &str = r#"graph "placed column"
  in %0 "row": f32[1,4,1]
  in %1 "position": i64[1]
  in %2 "past": f32[1,4,5]
  $3 = i64[1,1,5] 0 1 2 3 4
  %4 = map $3, %1, %0, %2 {t0 = Eq(x0, x1); Select(t0, x2, x3)} : f32[1,4,5]
  %5 = reduce_sum %4 {axes 2} : f32[1,4]
  out "sum" = %5
  out "present" = %4
"#;

const FORMS: [&str; 6] = [PLACED, PLACED_COLUMN, SCATTERED, SHIFTED, RING, COLUMNS];

fn kept(text: &str, cache: Cache) -> Compiled {
    let graph = text::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let config = Config::new().state("past", "present").cache(cache);
    let compiled = compile_graph(graph, &config).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
    zantc::program::verify(&compiled.program).unwrap_or_else(|faults| panic!("{faults:?}\n{}", compiled.program));
    compiled
}

/// The inputs of a run: the position counts, each row is `row(i)` for the element `i`.
fn inputs(compiled: &Compiled, run: usize, row: &dyn Fn(usize) -> f32) -> Vec<Tensor> {
    let of = |ty: &Type| match ty.dtype {
        DType::I64 => Tensor::from_elements(ty.shape.clone(), &[(run % 5) as i64]),
        _ => Tensor::from_elements(ty.shape.clone(), &(0..ty.elements()).map(row).collect::<Vec<f32>>()),
    };
    compiled.program.inputs.iter().map(|port| of(&port.ty)).collect()
}

/// The floats that a cache of bytes stands for.
fn floats(executor: &Executor) -> Vec<f32> {
    let (codes, scales) = (executor.state(0), executor.state(1));
    assert_eq!((codes.dtype(), scales.dtype()), (DType::I8, DType::F32));
    let along = codes.shape().iter().zip(scales.shape()).position(|(n, s)| n != s).expect("rows share a scale");
    let inner: usize = codes.shape()[along + 1..].iter().product();
    let (codes, scales, n) = (codes.to_vec::<i8>().unwrap(), scales.to_vec::<f32>().unwrap(), codes.shape()[along]);
    let scale_of = |i: usize| scales[i / (n * inner) * inner + i % inner];
    codes.iter().enumerate().map(|(i, code)| f32::from(*code) * scale_of(i)).collect()
}

#[test]
fn rows_of_multiples_of_a_scale_give_the_bits_of_floats() {
    for text in FORMS {
        let (bytes, plain) = (kept(text, Cache::Int8), kept(text, Cache::Float));
        assert!(bytes.warnings.is_empty(), "{:?}", bytes.warnings);
        let mut of_bytes = Executor::new(&bytes.program, Hygiene::Poison).unwrap();
        let mut of_floats = Executor::new(&plain.program, Hygiene::Poison).unwrap();
        for run in 0..12 {
            // Each row has 127 or -127 times a power of two, and the scale is that power.
            let step = [0.5, 0.0625, 8.0, 1.0][run % 4];
            let whole = [127, -31, 0, 64, 3, -127, 18, 90];
            let row = |i: usize| step * (whole[(i + run) % 4 + 4 * (i / 4 % 2)] as f32);
            let got = of_bytes.run(&inputs(&bytes, run, &row)).unwrap();
            assert_eq!(got, of_floats.run(&inputs(&plain, run, &row)).unwrap(), "run {run}\n{}", bytes.program);
            assert_eq!(floats(&of_bytes), of_floats.state(0).to_vec::<f32>().unwrap(), "run {run}\n{}", bytes.program);
        }
    }
}

#[test]
fn other_rows_are_at_most_half_a_scale_away_and_need_a_quarter_of_the_memory() {
    for text in FORMS {
        let (bytes, plain) = (kept(text, Cache::Int8), kept(text, Cache::Float));
        let mut of_bytes = Executor::new(&bytes.program, Hygiene::Poison).unwrap();
        let mut of_floats = Executor::new(&plain.program, Hygiene::Poison).unwrap();
        for run in 0..12 {
            let row = |i: usize| ((i * 37 + run * 101) % 97) as f32 * 0.031 - 1.37;
            of_bytes.run(&inputs(&bytes, run, &row)).unwrap();
            of_floats.run(&inputs(&plain, run, &row)).unwrap();
            let expected = of_floats.state(0).to_vec::<f32>().unwrap();
            for (i, (got, expected)) in floats(&of_bytes).iter().zip(&expected).enumerate() {
                // All numbers are at most 1.64; the rounding of quotient and product is far below.
                assert!((got - expected).abs() <= 1.64 / 254.0 * 1.0001, "run {run}, element {i}: {got} {expected}");
            }
        }
        let [codes, floats] = [&bytes, &plain].map(|c| c.program.states[0].ty.bytes());
        assert_eq!(4 * codes, floats);
    }
}

#[test]
fn zeros_stay_zeros_and_what_is_not_finite_is_nan() {
    let compiled = kept(PLACED, Cache::Int8);
    let mut executor = Executor::new(&compiled.program, Hygiene::Poison).unwrap();
    executor.run(&inputs(&compiled, 0, &|_| 0.0)).unwrap();
    assert!(floats(&executor).iter().all(|v| *v == 0.0));
    executor.run(&inputs(&compiled, 1, &|i| [1.0, f32::INFINITY, 0.5, 0.0][i % 4])).unwrap();
    assert!(floats(&executor)[4..8].iter().all(|v| v.is_nan()), "a row with an infinity");
    assert!(floats(&executor)[..4].iter().all(|v| *v == 0.0), "the row before");
    executor.run(&inputs(&compiled, 1, &|i| [1.0, f32::NAN, 0.5, 0.0][i % 4])).unwrap();
    assert!(floats(&executor)[4..8].iter().any(|v| v.is_nan()), "a row with a NaN");
}

#[test]
fn floats_that_are_given_for_a_cache_become_its_bytes() {
    for text in [PLACED, COLUMNS] {
        let program = kept(text, Cache::Int8).program;
        let types = |c: &Compiled| (c.program.model_inputs(), c.program.model_outputs());
        let (floats, bytes) = (types(&kept(text, Cache::Float)), [program.model_inputs(), program.model_outputs()]);
        let random = |ports: &[Port], n: usize| {
            ports.iter().map(|p| Some(text::random(&p.ty, 3))).chain([None]).take(n).collect::<Vec<Option<Tensor>>>()
        };
        let (mut inputs, mut outputs) = (random(&floats.0, bytes[0].len()), random(&floats.1, bytes[1].len()));
        quantize_caches(&program, &mut inputs, &mut outputs);
        for (given, ports) in [inputs, outputs].iter().zip(&bytes) {
            given.iter().zip(ports).for_each(|(given, port)| assert_eq!(*given.as_ref().unwrap().ty(), port.ty));
        }
    }
}

#[test]
fn states_that_are_no_caches_of_floats_are_named() {
    let text = r#"graph "moving average"
  in %0 "x": f32[4]
  in %1 "mean": f32[4]
  in %2 "row": f32[1,4]
  in %3 "past": f32[3,4]
  in %4 "past_scale": f32[4]
  %5 = map %1, %0 {t0 = Mul(x0, 0.5); t1 = Mul(x1, 0.5); Add(t0, t1)} : f32[4]
  %6 = reduce_sum %3 {axes 0} : f32[4]
  %7 = map %6, %4 {Mul(x0, x1)} : f32[4]
  %8 = map %2 {Neg(x0)} : f32[1,4]
  out "y" = %7
  out "next" = %5
  out "new" = %8
"#;
    let compile = |states: &[(&str, &str)]| {
        let config = states.iter().fold(Config::new().cache(Cache::Int8), |c, (i, o)| c.state(*i, *o));
        compile_graph(text::parse(text).unwrap(), &config)
    };
    let compiled = compile(&[("mean", "next"), ("past", "new")]).unwrap();
    assert_eq!(compiled.warnings.len(), 1);
    assert!(compiled.warnings[0].message.contains("\"mean\" is no cache of floats"), "{:?}", compiled.warnings);
    // A name that is taken is not taken twice.
    let names: Vec<&str> = compiled.program.states.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["mean", "past", "past_scale_"]);
    for states in [&[("mean", "next")][..], &[]] {
        let faults = compile(states).expect_err("nothing could be bytes");
        assert!(faults[0].message.contains("no cache of floats"), "{faults:?}");
    }
}

/// The number of ways from the new value to the old one doubles with each node.
#[test]
fn a_maze_before_a_cache_is_left_soon() {
    for levels in [3, 60] {
        let mut lines = String::from("graph \"maze\"\n  in %0 \"choice\": bool[1,1]\n  in %1 \"past\": f32[2,2]\n");
        for at in 1..=levels {
            lines += &format!("  %{} = map %0, %{at}, %{at} {{Select(x0, x1, x2)}} : f32[2,2]\n", at + 1);
        }
        lines += &format!("  %{} = reduce_sum %1 {{axes 0}} : f32[2]\n", levels + 2);
        lines += &format!("  out \"sum\" = %{}\n  out \"present\" = %{}\n", levels + 2, levels + 1);
        let config = Config::new().state("past", "present").cache(Cache::Int8);
        let compiled = compile_graph(text::parse(&lines).unwrap(), &config);
        assert_eq!(compiled.is_ok(), levels == 3, "{levels} levels {:?}", compiled.err());
    }
}

/// What bytes change in a decoder: the logits of a whole text.
#[test]
fn a_decoder_keeps_its_tokens() {
    let Some(models) = cases::shared().map(|s| s.join("models")) else {
        return println!("skipped 1 case: the model set is not there");
    };
    let prefill = models.join("gpt_small_prefill");
    let whole = compile(&read(&prefill.join("model.onnx")).unwrap(), &Config::new()).unwrap();
    let states = |config: Config| {
        ["k_0", "v_0", "k_1", "v_1"].iter().fold(config, |c, n| c.state(format!("past_{n}"), format!("present_{n}")))
    };
    let decode = read(&models.join("gpt_small_decode/model.onnx")).unwrap();
    let compiled = |cache| compile(&decode, &states(Config::new()).cache(cache)).unwrap();
    let (bytes, plain) = (compiled(Cache::Int8), compiled(Cache::Float));
    let [small, large] = [&bytes, &plain].map(|c| c.program.arena_bytes());
    assert!(small * 100 <= large * 55, "{small} bytes of {large}");
    let mut of_bytes = Executor::new(&bytes.program, Hygiene::Poison).unwrap();
    let mut of_floats = Executor::new(&plain.program, Hygiene::Poison).unwrap();
    let (mut positions, mut same, mut worst) = (0, 0, 0f32);
    for folder in folders(&prefill) {
        let tokens = read_set(&folder, &whole.program).unwrap().inputs[0].to_vec::<i64>().unwrap();
        of_bytes.reset();
        of_floats.reset();
        for (t, &token) in tokens.iter().enumerate() {
            let inputs = [Tensor::from_elements([1, 1], &[token]), Tensor::from_elements([1], &[t as i64])];
            let [got, expected] =
                [&mut of_bytes, &mut of_floats].map(|e| e.run(&inputs).unwrap()[0].to_vec::<f32>().unwrap());
            let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
            worst = got.iter().zip(&expected).fold(worst, |m, (a, b)| m.max((a - b).abs() / largest));
            let top = |v: &[f32]| (0..v.len()).max_by(|a, b| v[*a].total_cmp(&v[*b])).unwrap();
            (positions, same) = (positions + 1, same + usize::from(top(&got) == top(&expected)));
        }
    }
    println!(
        "{same} of {positions} positions have the same first token; logits differ by {worst:e} of the largest at most"
    );
    assert!(worst <= 0.02, "{worst}");
    assert!(same * 100 >= positions * 98, "{same} of {positions}");
}
