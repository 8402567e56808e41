//! The passes over the core IR, in the order in which they run. Each is a name and a function from graph to graph.
//!
//! Passes do not know the target: what they change (an order of summation, say) they change for all targets alike.

mod affine;
mod cse;
mod dead;
mod dynamic;
mod epilogue;
mod fuse_maps;
mod known_gather;
mod matmul_weights;
mod norm;
mod pad;
mod powers;
mod quant;
mod rewrite;
mod scalars;
mod sink;
mod state_rows;
mod views;

use crate::ir::{Evaluate, Graph};

/// A named rewriting of the graph.
pub struct Pass {
    /// Shown by `--emit ir` and in tests.
    pub name: &'static str,
    /// Gives whether anything changed.
    pub run: fn(&mut Graph, &dyn Evaluate) -> bool,
}

/// All passes, in order.
pub const PASSES: &[Pass] = &[
    Pass { name: "fuse_dynamic", run: dynamic::run },
    Pass { name: "remove_dead", run: dead::run },
    Pass { name: "share_equal", run: cse::run },
    Pass { name: "inline_scalars", run: scalars::run },
    Pass { name: "slice_known_gathers", run: known_gather::run },
    Pass { name: "multiply_powers", run: powers::run },
    Pass { name: "fuse_norms", run: norm::run },
    Pass { name: "sink_transposes", run: sink::run },
    Pass { name: "merge_views", run: views::run },
    Pass { name: "sink_transposes", run: sink::run },
    Pass { name: "place_state_rows", run: state_rows::run },
    Pass { name: "fold_matmul_weights", run: matmul_weights::run },
    Pass { name: "fold_pad", run: pad::run },
    Pass { name: "fold_affine", run: affine::run },
    Pass { name: "fuse_epilogues", run: epilogue::run },
    Pass { name: "sink_dequantize", run: quant::sink::run },
    Pass { name: "fuse_quantized", run: quant::fuse },
    Pass { name: "fuse_maps", run: fuse_maps::run },
    Pass { name: "fuse_bytes", run: quant::bytes::run },
    Pass { name: "fuse_residuals", run: quant::residual::run },
    Pass { name: "share_equal", run: cse::run },
    Pass { name: "merge_views", run: views::run },
    Pass { name: "remove_dead", run: dead::run },
];

/// Runs all passes; `observe` sees the graph after each one.
pub fn run(graph: &mut Graph, evaluate: &dyn Evaluate, mut observe: impl FnMut(&Pass, &Graph)) {
    for pass in PASSES {
        (pass.run)(graph, evaluate);
        debug_assert_eq!(crate::ir::verify(graph), Ok(()), "after {}", pass.name);
        observe(pass, graph);
    }
}
