//! Real models, emitted as modules of one crate, built at three optimisation levels and run: the same bits as in this
//! process, the reference's values, memory as promised, no heap, everything static in `.bss`.

mod krate;
mod models;

use std::fs;
use std::path::Path;

use krate::Crate;
use models::Model;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use zant_tests::cases;
use zantc::config::{Alloc, Optimize};
use zantc::ir::Tensor;

/// How far an output may be from the reference, relative to the output's largest magnitude.
const TOLERANCE: f64 = 1e-4;
/// Programs of this many steps get the best order that there is.
const PROVED_STEPS: usize = 20;

#[test]
fn models_compute_the_same_bits_everywhere() {
    let (mut models, skipped) = models::all();
    println!("{} models, {skipped} skipped, whose files are missing", models.len());
    for m in &models {
        check_reference(m);
        check_memory(m);
    }
    check_built("zant-end-to-end", &models, &["0", "3", "z"]);
    for m in &mut models {
        m.config = m.config.clone().optimize(Optimize::Size);
    }
    check_built("zant-end-to-end-small", &models, &["z"]);
}

/// The models in a crate of their own, built at these levels.
fn check_built(folder: &str, models: &[Model], levels: &[&str]) {
    let krate = Crate::write(cases::workspace().join("target").join(folder), models);
    for level in levels {
        let program = krate.build(level);
        for body in ["detected", "portable"] {
            // The portable body without optimisation takes minutes and is the source that "z" and 3 compile as well.
            if (*level, body) == ("0", "portable") {
                continue;
            }
            let out = krate.run(&program, level, body);
            models.iter().for_each(|m| check_bits(m, level, &out));
        }
        check_statics(&program, models);
    }
}

/// What this process computes, against the vectors that came with the model.
fn check_reference(m: &Model) {
    for (n, v) in m.vectors.iter().enumerate() {
        let Some(reference) = &v.reference else { continue };
        assert_eq!(v.computed.ty(), reference.ty(), "{}", m.module);
        let values = |t: &Tensor| t.to_vec::<f32>().expect("outputs are f32");
        let (ours, theirs) = (values(&v.computed), values(reference));
        let largest = theirs.iter().fold(0.0, |m, &x| f64::max(m, f64::from(x.abs())));
        let error = ours.iter().zip(&theirs).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
        println!("{} vector {n}: error {:.1e} of the largest output", m.module, error / largest);
        assert!(error <= TOLERANCE * largest, "{} vector {n}: {error} of {largest}", m.module);
    }
}

fn check_memory(m: &Model) {
    let program = &m.compiled.program;
    let layout = program.layout.as_ref().expect("it is planned");
    println!(
        "{}: {} steps, arena {} bytes, lower bound {} bytes, best order {}, weights {} bytes, {} multiply-adds",
        m.module,
        program.steps.len(),
        layout.arena_bytes,
        layout.lower_bound_bytes,
        layout.optimal_order,
        program.weights_bytes(),
        program.macs(),
    );
    assert_eq!(zantc::program::verify(program), Ok(()), "{}", m.module);
    assert_eq!((&layout.gap, layout.arena_bytes), (&None, layout.lower_bound_bytes), "{}", m.module);
    // The order of steps in branches and bodies is that of their graphs.
    let free = program.regions.is_empty();
    assert!(
        layout.optimal_order || !free || program.steps.len() > PROVED_STEPS,
        "{}: the order is not proved",
        m.module
    );
    assert!(m.arena_limit.is_none_or(|limit| layout.arena_bytes <= limit), "{}: {:?}", m.module, m.arena_limit);
}

fn check_bits(m: &Model, level: &str, out: &Path) {
    for (n, v) in m.vectors.iter().enumerate().filter(|(n, _)| krate::runs(m, *n, level)) {
        let path = out.join(format!("{}_{n}.out", m.module));
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        assert!(bytes == v.computed.data()[..], "{path:?} differs from what this process computes");
    }
}

/// Statics take no room in the file: they lie in `.bss`.
fn check_statics(program: &Path, models: &[Model]) {
    let bytes = fs::read(program).expect("the program has been built");
    let file = object::File::parse(&*bytes).expect("it is an executable");
    let in_memory = models.iter().filter(|m| m.config.alloc != Alloc::Heap);
    for m in in_memory {
        let name = krate::symbol(m);
        let symbol = file.symbols().find(|s| s.name() == Ok(&name)).unwrap_or_else(|| panic!("no symbol {name}"));
        let section = file.section_by_index(symbol.section_index().expect("it lies in a section")).expect("it exists");
        assert_eq!(section.kind(), SectionKind::UninitializedData, "{name} lies in {:?}", section.name());
        let arena = m.compiled.program.arena_bytes();
        assert!(symbol.size() >= arena as u64 && section.size() >= symbol.size(), "{name}: {}", symbol.size());
    }
}
