//! The loops for Cortex-M equal their twins to the bit: the same kernels, on the same operands, on this machine and as
//! firmware of emulated ones.

use std::path::Path;

use zant_measure::{Firmware, MACHINES, Model};

#[path = "checks/src/lib.rs"]
#[allow(unused_attributes, reason = "it is a crate of its own for firmware")]
mod checks;

/// Reads a seed, computes, writes the hash.
const INFERENCE: &str = "//! One seed.

/// Computes the hash that follows from a seed.
pub(crate) unsafe fn run(input: crate::File, output: crate::File) {
    let mut seed = 0u32;
    // SAFETY: four bytes.
    unsafe { crate::read(input, (&raw mut seed).cast(), 4) };
    let start = crate::begin();
    let hash = model::check(seed);
    crate::end(output, start);
    // SAFETY: eight bytes.
    unsafe { crate::write(output, (&raw const hash).cast(), 8) };
}
";

/// How many seeds are tried.
const SEEDS: u32 = 240;

#[test]
#[ignore = "needs an emulator and Rust's targets; `cargo xtask firmware` installs them and runs it"]
fn loops_equal_their_twins() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/arm_kernels/checks");
    let vectors: Vec<Vec<u8>> = (0..SEEDS).map(|seed| seed.to_le_bytes().to_vec()).collect();
    let expected: Vec<Vec<u8>> = (0..SEEDS).map(|seed| checks::check(seed).to_le_bytes().to_vec()).collect();
    for machine in MACHINES.iter().filter(|m| m.has_arm_loops()) {
        let scratch = tempfile::tempdir().expect("there is room");
        let model = Model {
            folder: &folder,
            name: "arm-kernel-checks",
            inference: INFERENCE,
            weights_bytes: 0,
            weights_section: None,
            arena_bytes: 0,
        };
        let firmware = Firmware::write(scratch.path(), &model, machine).expect("the harness can be written");
        for (level, cpu) in [("3", false), ("z", true)] {
            let built = firmware.build(level, cpu).unwrap_or_else(|e| panic!("{}: {e:?}", machine.cpu));
            let runs = built.run(machine, &vectors, 8).unwrap_or_else(|e| panic!("{}: {e:?}", machine.cpu));
            for (seed, (run, expected)) in runs.iter().zip(&expected).enumerate() {
                assert_eq!(&run.outputs, expected, "{} at {level}, seed {seed}", machine.cpu);
            }
        }
    }
}
