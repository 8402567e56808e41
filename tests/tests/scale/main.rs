//! Models of twice the size take about twice the memory, and twice the work as far as allocations tell: from the bytes of
//! the model to those of the crate. `cargo xtask scale` compiles the full sizes with a release build, by the clock.

use zant_tests::meter::{Meter, metered};
use zant_tests::scale::{SCALED, Scaled};
use zantc::emit::{Source, emit_crate};
use zantc::ir::Reference;
use zantc::ir::text::parse;
use zantc::onnx::{Limits, load_bytes};
use zantc::verify::data::golden_vectors;
use zantc::{Config, compile, passes};

#[global_allocator]
static METER: Meter = Meter;

/// What the larger model may take for each byte of the smaller one. Tables that double when they are full, and searches that
/// are bounded for all sizes alike, make some noise.
const MOST: f64 = 2.6;

/// Compiles a model of some size; the peak of live bytes, and all bytes that were allocated.
fn cost(model: &Scaled, n: usize) -> [usize; 2] {
    let bytes = model.bytes(n);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.onnx");
    let work = || {
        let model = load_bytes(bytes.into(), None, &Limits::default()).expect("a model");
        let config = Config::new();
        let compiled = compile(&model, &config).unwrap_or_else(|e| panic!("{e:?}"));
        let vectors = golden_vectors(&path, &compiled, &mut |_| {}, &mut |_| {}).unwrap_or_else(|e| panic!("{e:?}"));
        let source = Source {
            program: &compiled.program,
            config: &config,
            name: "m",
            file: "",
            model_sha256: "",
            vectors: &vectors,
        };
        emit_crate(&source).files.len()
    };
    let (files, cost) = metered(work);
    assert!(files > 10, "{}: {files} files", model.name);
    cost
}

fn grows_with_the_model(name: &str, n: usize) {
    let model = SCALED.iter().find(|m| m.name == name).expect("a model of that name");
    let [small, large] = [cost(model, n), cost(model, 2 * n)];
    for (what, small, large) in [("peak", small[0], large[0]), ("allocated", small[1], large[1])] {
        let ratio = large as f64 / small as f64;
        assert!(ratio < MOST, "{name}: {what} {small} bytes of {n}, {large} of {}: {ratio:.2}", 2 * n);
    }
}

/// Passes keep nothing for each pair of nodes: a bit would be 112 MB here.
#[test]
fn passes_over_a_chain() {
    let peak = |n: usize| {
        let mut text = String::from("graph \"\"\n  in %0 \"x\": f32[1,4]\n");
        (0..n).for_each(|i| text += &format!("  %{} = softmax %{i} {{axis 1}} : f32[1,4]\n", i + 1));
        text += &format!("  out \"y\" = %{n}\n");
        let mut graph = parse(&text).expect("a graph");
        let ((), [peak, _]) = metered(|| passes::run(&mut graph, &Reference::default(), |_, _| {}));
        assert_eq!(graph.nodes.len(), n);
        peak
    };
    let (small, large) = (peak(15_000), peak(30_000));
    assert!((large as f64) < MOST * small as f64, "{small} bytes, of twice the nodes {large}");
}

#[test]
fn relus() {
    grows_with_the_model("chain_of_relus", 6000);
}

#[test]
fn matmuls_and_softmaxes() {
    grows_with_the_model("matmuls_and_softmaxes", 1500);
}

#[test]
fn operands_of_one_concat() {
    grows_with_the_model("concat_of_one_value", 1500);
}

#[test]
fn parts_of_one_concat() {
    grows_with_the_model("concat_of_parts", 1500);
}

#[test]
fn outputs() {
    grows_with_the_model("outputs", 1500);
}

#[test]
fn outputs_with_weights() {
    grows_with_the_model("outputs_with_weights", 1500);
}
