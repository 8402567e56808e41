use super::{Sharer, caches, compile_graphs};
use crate::config::Config;
use crate::diag::Diagnostic;
use crate::exec::{Executor, Hygiene};
use crate::ir::{DType, Graph, Tensor, text};
use crate::onnx::Model;
use crate::pipeline::Compiled;

/// A ring of eight entries that a Concat reads.
const RING: &str = r#"graph "decode"
  in %0 "x": f32[1,2,1,4]
  in %1 "past_k": f32[1,2,8,4]
  %2 = concat %1, %0 {axis 2} : f32[1,2,9,4]
  %3 = softmax %2 {axis 3} : f32[1,2,9,4]
  %4 = map %0 {Neg(x0)} : f32[1,2,1,4]
  out "y" = %3
  out "present_k" = %4
"#;

/// Three entries at once.
const THREE: &str = r#"graph "prefill"
  in %0 "x": f32[1,2,3,4]
  %1 = map %0 {Neg(x0)} : f32[1,2,3,4]
  %2 = softmax %0 {axis 3} : f32[1,2,3,4]
  out "y" = %2
  out "present_k" = %1
"#;

fn model() -> Model {
    Model { proto: Default::default(), file: Vec::new().into(), external_files: Vec::new() }
}

fn compiled(graphs: &[&str], config: &Config) -> Result<Vec<Compiled>, Vec<Diagnostic>> {
    let model = model();
    let graphs: Vec<Graph> = graphs.iter().map(|graph| text::parse(graph).unwrap()).collect();
    let names: Vec<String> = graphs.iter().map(|graph| graph.name.clone()).collect();
    let sharers: Vec<Sharer<'_>> = names.iter().map(|name| Sharer { name, model: &model, config }).collect();
    compile_graphs(&sharers, graphs, &mut |_| {})
}

fn numbers(shape: &[usize], from: usize) -> Tensor {
    let n: usize = shape.iter().product();
    Tensor::from_elements(shape, &(0..n).map(|i| ((i + from) * 37 % 101) as f32 / 8.0 - 5.0).collect::<Vec<_>>())
}

/// Entry `at` of a prompt of three, as a decoder gets it.
fn entry(of: &Tensor, at: usize) -> Tensor {
    let all = of.to_vec::<f32>().unwrap();
    Tensor::from_elements([1, 2, 1, 4], &[&all[at * 4..][..4], &all[12 + at * 4..][..4]].concat())
}

#[test]
fn a_ring_that_is_begun_at_once_is_the_ring_that_was_filled_one_by_one() {
    for hygiene in [Hygiene::AsEmitted, Hygiene::Poison] {
        let both = compiled(&[THREE, RING], &Config::new()).unwrap();
        let [prefill, decode] = both.as_slice() else { panic!("two models") };
        assert_eq!(prefill.program.arena_bytes(), decode.program.arena_bytes());
        assert_eq!((prefill.program.inputs.len(), prefill.program.outputs.len()), (1, 1));
        let mut alone = Executor::new(&decode.program, hygiene).unwrap();
        let mut reader = Executor::new(&prefill.program, hygiene).unwrap();
        let mut goes_on = Executor::new(&decode.program, hygiene).unwrap();
        // A second prompt begins the ring anew, wherever it stood.
        for round in 0..2 {
            let prompt = numbers(&[1, 2, 3, 4], round);
            alone.reset();
            (0..3).for_each(|at| drop(alone.run(&[entry(&prompt, at)]).unwrap()));
            if round > 0 {
                reader.go_on_from(&goes_on).unwrap();
            }
            reader.run(&[prompt]).unwrap();
            goes_on.go_on_from(&reader).unwrap();
            if round > 0 {
                // What the last round left behind the prompt is still there: only an empty ring has zeros there.
                let (old, new) = (goes_on.state(0), alone.state(0));
                let three = |t: &Tensor| [0, 32].map(|at| t.to_vec::<f32>().unwrap()[at..at + 12].to_vec());
                assert_eq!(three(&old), three(&new));
                continue;
            }
            for step in 0..7 {
                let x = numbers(&[1, 2, 1, 4], 50 + step);
                assert_eq!(goes_on.run(std::slice::from_ref(&x)).unwrap(), alone.run(&[x]).unwrap(), "step {step}");
                assert_eq!(goes_on.state(0), alone.state(0));
            }
        }
    }
}

#[test]
fn a_whole_cache_is_begun_and_kept_in_bytes_too() {
    let decode = r#"graph "decode"
  in %0 "x": f32[1,2,1,4]
  in %1 "position": i64[1]
  in %2 "past_k": f32[1,2,8,4]
  $3 = i64[1,1,8,1] 0 1 2 3 4 5 6 7
  %4 = map $3, %1, %0, %2 {t0 = Eq(x0, x1); Select(t0, x2, x3)} : f32[1,2,8,4]
  %5 = softmax %4 {axis 3} : f32[1,2,8,4]
  out "y" = %5
  out "present_k" = %4
"#;
    for config in [Config::new(), Config::new().cache(crate::ir::Cache::Int8)] {
        let both = compiled(&[&THREE.replace("Neg(x0)", "Mul(x0, 1.0)"), decode], &config).unwrap();
        let [prefill, decode] = both.as_slice() else { panic!("two models") };
        let mut alone = Executor::new(&decode.program, Hygiene::Poison).unwrap();
        let mut reader = Executor::new(&prefill.program, Hygiene::Poison).unwrap();
        let mut goes_on = Executor::new(&decode.program, Hygiene::Poison).unwrap();
        let prompt = numbers(&[1, 2, 3, 4], 9);
        let position = |at: i64| Tensor::from_elements([1], &[at]);
        for at in 0..3 {
            alone.run(&[entry(&prompt, at), position(at as i64)]).unwrap();
        }
        reader.reset();
        alone.state(0);
        reader.run(&[prompt]).unwrap();
        goes_on.go_on_from(&reader).unwrap();
        for at in 3..8 {
            let x = [numbers(&[1, 2, 1, 4], at), position(at as i64)];
            assert_eq!(goes_on.run(&x).unwrap(), alone.run(&x).unwrap(), "{at}");
        }
        let kind = goes_on.state(0).dtype();
        assert_eq!(kind, if config.cache == crate::ir::Cache::Int8 { DType::I8 } else { DType::F32 });
    }
}

#[test]
fn two_readers_of_one_state_have_it_in_one_place() {
    let other = RING.replace("\"decode\"", "\"other\"");
    let both = compiled(&[RING, &other], &Config::new()).unwrap();
    let [a, b] = both.as_slice() else { panic!("two models") };
    let place = |c: &Compiled| c.program.arena_range(c.program.whole(c.program.states[0].buffer));
    assert!(place(a) == place(b) && a.program.states[0].memory == [1, 2, 8, 4]);
    let mut first = Executor::new(&a.program, Hygiene::AsEmitted).unwrap();
    let mut second = Executor::new(&b.program, Hygiene::AsEmitted).unwrap();
    let alone = compiled(&[RING, THREE], &Config::new()).unwrap();
    let mut one = Executor::new(&alone[0].program, Hygiene::AsEmitted).unwrap();
    for step in 0..6 {
        let x = numbers(&[1, 2, 1, 4], step);
        let (here, there) = if step % 2 == 0 { (&mut first, &mut second) } else { (&mut second, &mut first) };
        assert_eq!(here.run(std::slice::from_ref(&x)).unwrap(), one.run(&[x]).unwrap());
        there.go_on_from(here).unwrap();
    }
}

#[test]
fn what_cannot_be_shared_is_refused() {
    let refused = |graphs: &[&str]| compiled(graphs, &Config::new()).unwrap_err()[0].message.clone();
    assert!(refused(&[THREE, THREE]).contains("no model has a state"));
    let lost = THREE.replace("present_k", "keys");
    assert!(refused(&[&lost, RING]).contains("`prefill` has no output that begins state `past_k`"));
    let long = THREE.replace("f32[1,2,3,4]", "f32[1,2,9,4]");
    assert!(refused(&[&long, RING]).contains("is no beginning of state `past_k`"), "{}", refused(&[&long, RING]));
    let other = RING.replace("past_k", "past_v").replace("present_k", "present_v");
    assert!(refused(&[&other, RING]).contains("no state is of more than one"), "{}", refused(&[&other, RING]));
    // A ring that one model adds to in other parts than the other.
    let wide = RING.replace("f32[1,2,1,4]", "f32[1,2,2,4]").replace("f32[1,2,9,4]", "f32[1,2,10,4]");
    assert!(refused(&[&wide, RING]).contains("parts that differ"), "{}", refused(&[&wide, RING]));
}

#[test]
fn caches_are_known_by_their_names() {
    let inputs = ["past_k_0", "past_key_values.0", "mask", "cache"];
    let pairs = caches(&inputs, &["logits", "new_k_0", "present.0", "cache_out"]);
    let named = |a: &str, b: &str| (a.to_string(), b.to_string());
    assert_eq!(
        pairs,
        [named("past_k_0", "new_k_0"), named("past_key_values.0", "present.0"), named("cache", "cache_out")]
    );
}
