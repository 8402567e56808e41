//! Random models of every operator of the registry: see `zant_tests::random`.

use std::collections::BTreeSet;

use zant_tests::random::{OPERATORS, PATTERNS, Tally, listing, run_seed, sample};

/// Models that the test tries; `cargo xtask attack models` tries as many as one likes.
const MODELS: u64 = 600;

#[test]
fn every_operator_of_the_registry_has_a_generator() {
    let registry: BTreeSet<(&str, &str)> = zantc::import::registry::entries().map(|e| (e.domain, e.name)).collect();
    let generators: BTreeSet<(&str, &str)> = OPERATORS.iter().map(|e| (e.domain, e.name)).collect();
    assert_eq!(generators, registry);
}

#[test]
fn random_models_compute_what_the_reference_computes() {
    let mut tally = Tally::default();
    let faults: Vec<String> = (0..MODELS).flat_map(|seed| run_seed(seed, &mut tally)).collect();
    println!("{}", tally.line());
    assert!(faults.is_empty(), "{} faults in {MODELS} models:\n{}", faults.len(), faults.join("\n"));
    // An operator that the import never takes is one that nothing here tests.
    let rare = tally.rare(2);
    assert!(rare.is_empty(), "operators that hardly ran: {rare:?}\n{}", tally.table());
    let refused: usize = tally.refused.values().map(|(n, _)| n).sum();
    assert!(refused * 20 < tally.models, "too many models are refused:\n{}", tally.table());
}

#[test]
fn a_seed_always_gives_the_same_model() {
    let count = (OPERATORS.len() + PATTERNS.len()) as u64;
    for seed in (0..count).step_by(17) {
        let (a, b) = (sample(seed), sample(seed));
        assert_eq!(listing(&a), listing(&b));
        assert_eq!(a.model, b.model);
    }
}
