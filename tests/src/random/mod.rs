//! Random ONNX models that learn every operator of the registry, and what must hold of each of them.
//!
//! A model is grown node by node: a generator proposes a node, the real import reads it alone and says whether it is one
//! and what its results are, and what is refused is counted and left out. So no shape is inferred here, and nothing is
//! claimed of an operator that the import never took. Equal seeds give equal models everywhere.

mod check;
mod draft;
mod fill;
mod grow;
mod noise;
mod numbers;
mod ops;
mod shrink;
mod tally;
mod text;
mod twin;

pub use check::{Outcome, check};
pub use draft::Draft;
pub use fill::Fill;
pub use grow::{Grower, Sample, info, model, sample};
pub use numbers::Random;
pub use ops::{Entry, OPERATORS, PATTERNS};
pub use shrink::shrink;
pub use tally::{Event, Tally};
pub use text::{dump, listing};
pub use twin::twin;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Everything that is checked of the model of one seed; faults say the seed and list the (smallest) model.
pub fn run_seed(seed: u64, tally: &mut Tally) -> Vec<String> {
    let sample = match caught(|| sample(seed)) {
        Ok(sample) => sample,
        Err(why) => return vec![format!("seed {seed}: growing the model: {why}")],
    };
    let mut faults: Vec<String> = sample.faults.iter().map(|f| format!("seed {seed}: {f}")).collect();
    tally.grown(&sample);
    faults.extend(verdict(&sample, tally));
    if seed % 4 == 1
        && let Ok(Some(twin)) = caught(|| twin(&sample))
    {
        faults.extend(verdict(&twin.sample, tally).map(|f| format!("with constants given at run time: {f}")));
        tally.twins += 1;
        if let Err(why) = caught(|| twin.agrees(&sample)).and_then(|r| r) {
            faults.push(format!(
                "seed {seed}: constants folded and given at run time differ: {why}\n{}",
                listing(&sample)
            ));
        }
    }
    faults
}

/// Writes the model of a seed with its inputs and zantc's outputs into a folder, where it runs.
///
/// # Errors
/// Where the folder cannot be written.
pub fn dumped(seed: u64, folder: &std::path::Path) -> Result<(), String> {
    let Ok(sample) = caught(|| sample(seed)) else { return Ok(()) };
    let Ok(Ok(outputs)) = caught(|| check::outputs(&sample)) else { return Ok(()) };
    dump(&sample, &outputs, folder).map_err(|e| format!("{}: {e}", folder.display()))
}

fn verdict(sample: &Sample, tally: &mut Tally) -> Option<String> {
    match caught(|| check(sample)).and_then(|r| r) {
        Ok(outcome) => {
            tally.ran(sample, &outcome);
            None
        }
        Err(why) => {
            let small = shrink(sample, &|s| caught(|| check(s)).and_then(|r| r).is_err());
            let less = caught(|| check(&small)).and_then(|r| r).err().unwrap_or_default();
            Some(format!("seed {}: {why}\nsmallest: {less}\n{}", sample.seed, listing(&small)))
        }
    }
}

/// Runs something that must not panic; a panic is its message.
pub fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_string()));
        format!("panic: {}", text.unwrap_or_default())
    })
}
