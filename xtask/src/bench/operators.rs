//! Single operators, in turns with the limits of the core.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::report::Times;
use super::served::Served;
use super::{Contender, ours};

/// What is measured: the operator and its size.
const OPERATORS: [(&str, usize); 11] = [
    ("matmul", 64),
    ("matmul", 128),
    ("matmul", 256),
    ("matmul", 512),
    ("gelu", 1_000),
    ("gelu", 10_000),
    ("gelu", 100_000),
    ("gelu", 1_000_000),
    ("softmax", 512),
    ("softmax", 1024),
    ("softmax", 2048),
];

/// One operator, in nanoseconds of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Operator {
    pub(crate) name: String,
    /// Rows and columns of square matrices, else elements.
    pub(crate) size: usize,
    pub(crate) best: Times,
    /// Without vectors wider than those of AVX2.
    pub(crate) avx2: Times,
    /// Nanoseconds of one operation at the peak of 256-bit fused multiply-adds, measured in the same turns.
    pub(crate) flop: f64,
}

/// Measures all of them.
pub(crate) fn measure(limits: &Path, rounds: usize) -> Result<Vec<Operator>, String> {
    let start = |args: &[&str]| Served::start(limits, &args.iter().map(ToString::to_string).collect::<Vec<_>>());
    let mut operators = Vec::new();
    for (name, size) in OPERATORS {
        let n = size.to_string();
        let mut contenders = [
            Contender::new("best", start(&[name, &n])?),
            Contender::new("avx2", start(&[name, &n, "avx2"])?),
            Contender::new("fma", start(&["fma"])?),
        ];
        for c in &mut contenders {
            c.calibrate()?;
        }
        for _ in 0..rounds {
            for c in &mut contenders {
                c.sample()?;
            }
        }
        let [best, avx2, fma] = contenders.map(|c| Times::of(&c.samples));
        operators.push(Operator { name: name.to_string(), size, best, avx2, flop: fma.min / ours::FMA_FLOPS });
    }
    Ok(operators)
}
