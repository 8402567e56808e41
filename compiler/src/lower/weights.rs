//! The constants of a program.

use std::collections::BTreeMap;

use crate::program::{Arg, Program, WeightId};

/// Drops the constants that no step reads: those of steps without elements.
pub(super) fn keep_read(program: &mut Program) {
    let weight = |arg: &Arg| if let Arg::Weight(w) = arg { Some((w.index(), *w)) } else { None };
    let args = program.steps.iter().flat_map(|s| &s.args);
    let mut kept: BTreeMap<usize, WeightId> = args.filter_map(weight).collect();
    let mut weights = Vec::new();
    for (new, (&old, id)) in kept.iter_mut().enumerate() {
        weights.push(program.weights[old].clone());
        *id = WeightId(new as u32);
    }
    for arg in program.steps.iter_mut().flat_map(|s| &mut s.args) {
        if let Arg::Weight(w) = arg {
            *w = kept[&w.index()];
        }
    }
    program.weights = weights;
}
