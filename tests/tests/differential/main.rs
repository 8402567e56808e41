//! Random well-typed graphs: the planned program, freed bytes poisoned, against the naive reference to the bit; the graph
//! after all passes against the one before them.

mod builder;
mod expression;
mod operators;

use std::panic::{AssertUnwindSafe, catch_unwind};

use builder::{Builder, Sample};
use zant_tests::random;
use zantc::exec::{Executor, Hygiene};
use zantc::ir::{DType, Graph, Numerics, Reference, Scalar, Tensor, eval_graph};
use zantc::program::Program;
use zantc::{lower, passes, plan, program};

/// Bytes that buffers are aligned to, as for the host.
const ALIGN: usize = 64;
/// How far passes may move a float, relative to the largest of its output (or to one, where all are smaller).
const TOLERANCE: f64 = 1e-4;

#[test]
fn random_graphs_compute_what_the_reference_computes() {
    check_seeds(0..300);
}

#[test]
#[ignore = "takes minutes"]
fn many_random_graphs_compute_what_the_reference_computes() {
    check_seeds(300..20_000);
}

fn check_seeds(seeds: std::ops::Range<u64>) {
    let count = seeds.end - seeds.start;
    let mut faults = Vec::new();
    for seed in seeds {
        for numerics in [Numerics::Fused, Numerics::Separate] {
            let checked = catch_unwind(AssertUnwindSafe(|| check(&Builder::sample(seed), numerics)));
            let fault = match checked {
                Ok(Ok(())) => continue,
                Ok(Err(why)) => why,
                Err(panic) => panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()))
                    .unwrap_or_else(|| "a panic".into()),
            };
            faults.push(format!("seed {seed}, {numerics:?}: {fault}"));
        }
    }
    assert!(faults.is_empty(), "{} faults in {count} graphs:\n{}", faults.len(), faults.join("\n"));
}

/// All that must hold of one graph.
fn check(sample: &Sample, numerics: Numerics) -> Result<(), String> {
    let reference = Reference { numerics };
    zantc::ir::verify(&sample.graph).map_err(|f| format!("the sample itself is bad: {f:?}"))?;
    let before = eval_graph(&sample.graph, &sample.inputs, &reference).map_err(|e| format!("before passes: {e}"))?;
    let mut graph = sample.graph.clone();
    let mut broken = Vec::new();
    passes::run(&mut graph, &reference, |pass, graph| {
        broken.extend(zantc::ir::verify(graph).err().map(|faults| format!("after {}: {faults:?}", pass.name)));
    });
    if let Some(first) = broken.first() {
        return Err(first.clone());
    }
    let after = eval_graph(&graph, &sample.inputs, &reference).map_err(|e| format!("after passes: {e}\n{graph}"))?;
    let (ran, program) = planned(&graph, &sample.inputs, numerics).map_err(|why| format!("{why}\n{graph}"))?;
    for (i, (expected, got)) in after.iter().zip(&ran).enumerate() {
        same_bits(expected, got).map_err(|why| format!("output {i}: {why}\n{graph}\n{program}"))?;
    }
    if sample.tame {
        for (i, (a, b)) in before.iter().zip(&after).enumerate() {
            close(a, b)
                .map_err(|why| format!("output {i}, before passes against after: {why}\n{}\n{graph}", sample.graph))?;
        }
    }
    Ok(())
}

/// The outputs of the planned program; dead bytes are garbage.
fn planned(graph: &Graph, inputs: &[Tensor], numerics: Numerics) -> Result<(Vec<Tensor>, Program), String> {
    let mut program = lower::lower(graph, numerics).map_err(|faults| format!("no program: {faults:?}"))?;
    plan::program::place(&mut program, ALIGN).map_err(|e| format!("no plan: {e}"))?;
    program::verify(&program).map_err(|faults| format!("the plan is wrong: {faults:?}\n{program}"))?;
    let mut executor = Executor::new(&program, Hygiene::Poison).map_err(|e| e.to_string())?;
    let first = executor.run(inputs).map_err(|e| format!("{e}\n{program}"))?;
    // The second run finds what the first left behind.
    let second = executor.run(inputs).map_err(|e| format!("second run: {e}"))?;
    for (a, b) in first.iter().zip(&second) {
        same_bits(a, b).map_err(|why| format!("the second run differs: {why}\n{program}"))?;
    }
    Ok((first, program))
}

/// The bits of a value; all NaN are one.
fn bits(v: Scalar) -> u64 {
    let nan = match v {
        Scalar::F32(v) => v.is_nan(),
        Scalar::F64(v) => v.is_nan(),
        _ => false,
    };
    if nan { u64::MAX } else { v.bits() }
}

fn same_bits(expected: &Tensor, got: &Tensor) -> Result<(), String> {
    if expected.ty() != got.ty() {
        return Err(format!("{} instead of {}", got.ty(), expected.ty()));
    }
    let differing = expected.scalars().zip(got.scalars()).enumerate().find(|(_, (a, b))| bits(*a) != bits(*b));
    match differing {
        Some((i, (a, b))) => Err(format!("element {i} of {} is {b}, should be {a}", expected.ty())),
        None => Ok(()),
    }
}

/// Floats within the tolerance where they are finite, all else equal.
fn close(a: &Tensor, b: &Tensor) -> Result<(), String> {
    if !matches!(a.dtype(), DType::F32 | DType::F64) {
        return same_bits(a, b);
    }
    let largest = a.scalars().map(|v| v.to_f64().abs()).filter(|v| v.is_finite()).fold(1.0, f64::max);
    for (i, (x, y)) in a.scalars().zip(b.scalars()).enumerate() {
        let (x, y) = (x.to_f64(), y.to_f64());
        if x.is_finite() != y.is_finite() || (x - y).abs() > TOLERANCE * largest {
            return Err(format!("element {i} of {}: {x} before, {y} after", a.ty()));
        }
    }
    Ok(())
}
