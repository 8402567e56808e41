//! Damaged models through import, passes, lowering and planning: never a panic, never long.
//!
//! Small real models are cut off and have bits flipped; what still loads is compiled as far as it goes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use zant_tests::cases;
use zantc::Config;
use zantc::onnx::{Limits, load_bytes};
use zantc::pipeline::compile;

/// A damaged model takes hundredths of a second; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(10);
/// Damaged copies of each model.
const COPIES: u64 = 400;

/// The models that are there.
fn models() -> Vec<PathBuf> {
    let own = cases::workspace().join("models/digits/digits.onnx");
    let shared = cases::shared().map(|s| s.join("models"));
    let others = ["mnist-8", "hello_world_f32", "hello_world_f32_dyn", "ecg_cnn1d_dyn"];
    let others: Vec<PathBuf> = others
        .iter()
        .filter_map(|n| Some(shared.as_ref()?.join(n).join("model.onnx")))
        .filter(|p| p.is_file())
        .collect();
    println!("{} of 4 models of the model set are missing", 4 - others.len());
    std::iter::once(own).chain(others).collect()
}

/// splitmix64 (Steele, Lea, Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Bytes that are no large weights: there damage reaches the structure.
fn structure(bytes: &[u8]) -> Vec<usize> {
    // Weights are long runs of bytes without text; what lies within 64 bytes of some text is structure.
    let text = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let words: Vec<usize> = (3..bytes.len()).filter(|&i| bytes[i - 3..=i].iter().all(|&b| text(b))).collect();
    let mut near = vec![false; bytes.len()];
    for w in words {
        let end = (w + 32).min(bytes.len());
        near[w.saturating_sub(32)..end].fill(true);
    }
    (0..bytes.len()).filter(|&i| near[i]).collect()
}

fn damaged(bytes: &[u8], structure: &[usize], seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut copy = bytes.to_vec();
    if seed.is_multiple_of(8) {
        copy.truncate(next(&mut state) as usize % bytes.len());
        return copy;
    }
    for _ in 0..=next(&mut state) % 3 {
        let at = structure[next(&mut state) as usize % structure.len()];
        copy[at] = match next(&mut state) % 3 {
            0 => copy[at] ^ (1 << (next(&mut state) % 8)),
            1 => copy[at].wrapping_add(1),
            _ => next(&mut state) as u8,
        };
    }
    copy
}

#[test]
fn damaged_models_give_diagnostics() {
    let limits = Limits::default();
    let config = Config::new().dim("unk__23", 1).dim("batch", 1);
    let mut faults = Vec::new();
    let (mut loaded, mut compiled) = (0, 0);
    for path in models() {
        let bytes = std::fs::read(&path).expect("the model is readable");
        let structure = structure(&bytes);
        for seed in 0..COPIES {
            let start = Instant::now();
            let copy = damaged(&bytes, &structure, seed);
            let result = catch_unwind(AssertUnwindSafe(|| {
                let model = load_bytes(copy.into(), None, &limits).ok()?;
                Some(compile(&model, &config).is_ok())
            }));
            match result {
                Err(_) => faults.push(format!("{path:?}, seed {seed}: panics")),
                Ok(None) => {}
                Ok(Some(good)) => {
                    loaded += 1;
                    compiled += usize::from(good);
                }
            }
            if start.elapsed() > PATIENCE {
                faults.push(format!("{path:?}, seed {seed}: takes {:?}", start.elapsed()));
            }
        }
    }
    println!("{loaded} damaged models load, {compiled} of them compile");
    assert!(loaded > 100, "damage that no loader lets through tests no importer");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
