//! Whole emitted crates with outputs of unusual form, built and tested by cargo: `cargo test` runs their documentation's example
//! and their golden test.

use std::process::Command;

use zant_tests::cases;
use zantc::config::Config;
use zantc::emit::{Source, Vector, emit_crate};
use zantc::exec::{Executor, Hygiene};
use zantc::install::{Force, install_crate};
use zantc::ir::{Tensor, text};
use zantc::pipeline::compile_graph;

/// Emits a graph with a vector, whose outputs `doctor` may change, and lets cargo test it in the given ways.
fn check(name: &str, graph: &str, inputs: &[Tensor], doctor: impl Fn(&mut Vec<Tensor>), ways: &[&[&str]]) {
    let graph = text::parse(graph).unwrap_or_else(|why| panic!("{why}\n{graph}"));
    let config = Config::new();
    let program = compile_graph(graph, &config).unwrap_or_else(|faults| panic!("{faults:?}")).program;
    let mut outputs = Executor::new(&program, Hygiene::AsEmitted).unwrap().run(inputs).unwrap();
    doctor(&mut outputs);
    let vectors = [Vector { inputs: inputs.to_vec(), outputs, data_set: None }];
    let source = Source { program: &program, config: &config, name, file: "", model_sha256: "", vectors: &vectors };
    let all = cases::workspace().join("target/zant-emitted-crates");
    install_crate(&emit_crate(&source), &all.join(name), Force::Yes).unwrap_or_else(|e| panic!("{:?}", e.diagnostic()));
    for way in ways {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["test", "--offline", "--quiet"]).args(*way).current_dir(all.join(name));
        for variable in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WRAPPER"] {
            cargo.env_remove(variable);
        }
        cargo.env("RUSTFLAGS", "-Dwarnings").env("CARGO_TARGET_DIR", all.join("target"));
        let output = cargo.output().expect("cargo runs");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{name} {way:?}:\n{}", String::from_utf8_lossy(&said));
    }
}

fn floats(values: &[f32]) -> Tensor {
    Tensor::from_elements([values.len()], values)
}

#[test]
fn truth_values_share_their_memory_with_other_outputs() {
    let x = floats(&[1.0, -2.0, 3.0, 0.5]);
    let z = floats(&[2.0, -3.0, 3.0, 1.0]);
    check(
        "two-truths",
        "in %0 \"x\": f32[4]\nin %1 \"z\": f32[4]\n%2 = map %0, %1 {Lt(x0, x1)} : bool[4]\n\
         %3 = reshape %2 : bool[2,2]\nout \"a\" = %2\nout \"b\" = %3",
        &[x.clone(), z.clone()],
        |_| {},
        &[&[]],
    );
    // Fallible, and more outputs than one tuple of views holds.
    let many: String = (0..13).map(|i| format!("%{} = map %0 {{Mul(x0, {i}.5)}} : f32[4]\n", i + 20)).collect();
    let outputs: String = (0..13).map(|i| format!("out \"o{i}\" = %{}\n", i + 20)).collect();
    check(
        "many-truths",
        &format!(
            "in %0 \"x\": f32[4]\nin %1 \"z\": f32[4]\nin %2 \"i\": i64[2]\n$3 = bool[3] true false true\n\
             %4 = map %0, %1 {{Lt(x0, x1)}} : bool[4]\n%5 = reshape %4 : bool[2,2]\n\
             %6 = slice %4 {{start 0}} : bool[2]\n%7 = slice %4 {{start 1}} : bool[3]\n\
             %8 = map %0 {{Exp(x0)}} : f32[4]\n%9 = reshape %8 : f32[2,2]\n%10 = gather %0, %2 {{axis 0}} : f32[2]\n{many}\
             out \"a\" = %4\nout \"again\" = %4\nout \"b\" = %5\nout \"c\" = %6\nout \"d\" = %7\nout \"e\" = %8\n\
             out \"f\" = %9\nout \"g\" = %10\nout \"k\" = $3\n{outputs}"
        ),
        &[x, z, Tensor::from_elements([2], &[3i64, -1])],
        |_| {},
        &[&[]],
    );
}

#[test]
fn examples_may_be_refused_and_any_nan_is_any_other() {
    let signs = |outputs: &mut Vec<Tensor>| {
        // Another sign and another payload.
        let bits: Vec<u32> = outputs[0].to_vec::<f32>().unwrap().iter().map(|v| v.to_bits()).collect();
        assert!(f32::from_bits(bits[0]).is_nan() && !f32::from_bits(bits[1]).is_nan());
        outputs[0] = floats(&[f32::from_bits(bits[0] ^ 0x8000_0123), f32::from_bits(bits[1])]);
    };
    check(
        "no-numbers",
        "in %0 \"x\": f32[2]\nin %1 \"n\": i64[2]\nin %2 \"d\": i64[2]\n%3 = map %0 {Sqrt(x0)} : f32[2]\n\
         %4 = map %1, %2 {Div(x0, x1)} : i64[2]\nout \"root\" = %3\nout \"quotient\" = %4",
        &[floats(&[-1.0, 4.0]), Tensor::from_elements([2], &[7i64, -7]), Tensor::from_elements([2], &[2i64, 2])],
        signs,
        &[&[], &["--release"]],
    );
}
