//! What must hold of a model: the import takes it or says why not; the graph before all passes, the one after them and the
//! planned program compute the same.

use prost::Message as _;
use zantc::exec::{Executor, Hygiene};
use zantc::import::{Options, import};
use zantc::ir::{DType, Graph, Numerics, Reference, Scalar, Tensor, eval_graph};
use zantc::onnx::{Limits, load_bytes};
use zantc::program::Program;
use zantc::{lower, passes, plan, program, targets};

use super::noise::Sensitivity;
use super::{Sample, caught};

/// Bytes that buffers are aligned to, as for the host.
const ALIGN: usize = 64;

/// What became of a model in which nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Refused with a code and a message.
    Refused(&'static str, String),
    /// Its data make it fail, the reference and the program alike.
    FailsAlike,
    /// It ran, and all agree.
    Ran {
        /// The graph before the passes was compared as well.
        compared: bool,
    },
}

/// Checks a model.
///
/// # Errors
/// What does not hold.
pub fn check(sample: &Sample) -> Result<Outcome, String> {
    let numerics = if sample.seed.is_multiple_of(3) { Numerics::Separate } else { Numerics::Fused };
    let reference = Reference { numerics };
    let before = match imported(sample, numerics) {
        Ok(graph) => graph,
        Err((code, message)) => return Ok(Outcome::Refused(code, message)),
    };
    zantc::ir::verify(&before).map_err(|f| format!("the import's graph is bad: {f:?}"))?;
    let expected = eval_graph(&before, &sample.inputs, &reference);
    let mut graph = before.clone();
    let mut broken = Vec::new();
    passes::run(&mut graph, &reference, |pass, graph| {
        broken.extend(zantc::ir::verify(graph).err().map(|faults| format!("after {}: {faults:?}", pass.name)));
    });
    if let Some(first) = broken.first() {
        return Err(first.clone());
    }
    let after = eval_graph(&graph, &sample.inputs, &reference);
    let target =
        targets::find(if sample.seed.is_multiple_of(5) { "cortex-m7" } else { "host" }).expect("it is a target");
    let zeros = if sample.seed.is_multiple_of(4) { lower::Zeros::Cheap } else { lower::Zeros::Small };
    let mut program = match lower::lower_with_places(&graph, numerics, target, zeros) {
        Ok((program, _)) => program,
        Err(d) => return Ok(Outcome::Refused(d[0].code, d[0].message.clone())),
    };
    plan::program::place(&mut program, ALIGN).map_err(|e| format!("no plan: {e}"))?;
    program::verify(&program).map_err(|faults| format!("the plan is wrong: {faults:?}\n{program}"))?;
    let ran =
        caught(|| executed(&program, &sample.inputs)).map_err(|why| format!("{why}\n{before}\n{graph}\n{program}"))?;
    let after = match (after, ran) {
        (Ok(after), Ok(ran)) => {
            for (i, (expected, got)) in after.iter().zip(&ran).enumerate() {
                same_bits(expected, got).map_err(|why| format!("output {i}: {why}\n{graph}\n{program}"))?;
            }
            after
        }
        (Err(_), Err(Ran::Fails(_))) if expected.is_err() => return Ok(Outcome::FailsAlike),
        (Err(why), Err(Ran::Fails(_))) => return Err(format!("fails only after the passes: {why}\n{before}\n{graph}")),
        (_, Err(Ran::Differs(why))) => return Err(why),
        (Err(why), Ok(_)) => {
            return Err(format!("the program runs where the reference fails: {why}\n{graph}\n{program}"));
        }
        (Ok(_), Err(Ran::Fails(why))) => {
            return Err(format!("the program fails where the reference runs: {why}\n{graph}\n{program}"));
        }
    };
    let Ok(expected) = expected else { return Ok(Outcome::Ran { compared: false }) };
    let compared = !sample.wild;
    if compared {
        agree(&before, &sample.inputs, &reference, &expected, &after)
            .map_err(|why| format!("before passes against after: {why}\n{before}\n{graph}"))?;
    }
    Ok(Outcome::Ran { compared })
}

/// The graph of a model, by way of its bytes.
pub(super) fn imported(sample: &Sample, numerics: Numerics) -> Result<Graph, (&'static str, String)> {
    let bytes = sample.model.encode_to_vec();
    let model = load_bytes(bytes.into(), None, &Limits::default()).map_err(|e| (e.code(), e.to_string()))?;
    let options = Options { numerics, ..Options::default() };
    import(&model.proto, &options).map(|i| i.graph).map_err(|d| (d[0].code, d[0].message.clone()))
}

/// What zantc computes of a sample.
///
/// # Errors
/// Why it does not run.
pub(super) fn outputs(sample: &Sample) -> Result<Vec<Tensor>, String> {
    let numerics = Numerics::default();
    let mut graph = imported(sample, numerics).map_err(|(code, why)| format!("{code} {why}"))?;
    passes::run(&mut graph, &Reference { numerics }, |_, _| {});
    let mut program = lower::lower(&graph, numerics).map_err(|d| d[0].message.clone())?;
    plan::program::place(&mut program, ALIGN).map_err(|e| e.to_string())?;
    executed(&program, &sample.inputs).map_err(|e| match e {
        Ran::Fails(why) | Ran::Differs(why) => why,
    })
}

enum Ran {
    Fails(String),
    Differs(String),
}

/// The outputs of the planned program, twice; dead bytes are garbage.
fn executed(program: &Program, inputs: &[Tensor]) -> Result<Vec<Tensor>, Ran> {
    let mut executor = Executor::new(program, Hygiene::Poison).map_err(|e| Ran::Fails(e.to_string()))?;
    let first = executor.run(inputs).map_err(|e| Ran::Fails(e.to_string()))?;
    // The second run finds what the first left behind.
    let second = executor.run(inputs).map_err(|e| Ran::Differs(format!("second run: {e}")))?;
    for (a, b) in first.iter().zip(&second) {
        same_bits(a, b).map_err(|why| Ran::Differs(format!("the second run differs: {why}\n{program}")))?;
    }
    Ok(first)
}

/// The bits of a value; all NaN are one.
fn bits(v: Scalar) -> u64 {
    let nan = v.dtype().is_float() && v.to_f64().is_nan();
    if nan { u64::MAX } else { v.bits() }
}

/// Whether two tensors are the same.
///
/// # Errors
/// Where they differ.
pub(super) fn same_bits(expected: &Tensor, got: &Tensor) -> Result<(), String> {
    if expected.ty() != got.ty() {
        return Err(format!("{} instead of {}", got.ty(), expected.ty()));
    }
    let differing = expected.scalars().zip(got.scalars()).enumerate().find(|(_, (a, b))| bits(*a) != bits(*b));
    match differing {
        Some((i, (a, b))) => Err(format!("element {i} of {} is {b}, should be {a}", expected.ty())),
        None => Ok(()),
    }
}

/// Outputs that may differ by what rounding does, and by what that makes of what follows: the graph is run again with
/// floats that move a little, and no output may leave the range of those runs by much.
///
/// # Errors
/// Where one does.
pub(super) fn agree(
    graph: &Graph,
    inputs: &[Tensor],
    reference: &Reference,
    expected: &[Tensor],
    got: &[Tensor],
) -> Result<(), String> {
    if expected.iter().zip(got).all(|(a, b)| same_bits(a, b).is_ok()) {
        return Ok(());
    }
    let noise = Sensitivity::of(graph, inputs, reference);
    for (output, (a, b)) in expected.iter().zip(got).enumerate() {
        if a.ty() != b.ty() {
            return Err(format!("output {output} is {} instead of {}", b.ty(), a.ty()));
        }
        let finite = a.scalars().map(|v| v.to_f64().abs()).filter(|v| v.is_finite());
        let largest = finite.fold(0.0, f64::max);
        for (i, (x, y)) in a.scalars().zip(b.scalars()).enumerate() {
            if bits(x) == bits(y) {
                continue;
            }
            let Some((lo, hi)) = noise.range(output, i, x) else { continue };
            let slack = 8.0 * (hi - lo) + own_rounding(a.dtype()) * largest;
            let v = y.to_f64();
            if !(lo - slack..=hi + slack).contains(&v) {
                return Err(format!(
                    "element {i} of output {output} ({}) is {y}, should be {x} ({lo} to {hi})",
                    a.ty()
                ));
            }
        }
    }
    Ok(())
}

/// Relative to the largest element, what an output may be off besides.
fn own_rounding(dtype: DType) -> f64 {
    match dtype {
        DType::F32 => 1e-6,
        DType::F64 => 1e-12,
        DType::F16 => 2e-3,
        DType::BF16 => 2e-2,
        _ => 0.0,
    }
}
