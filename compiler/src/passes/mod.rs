//! The passes over the core IR, in the order in which they run. Each is a name and a function from graph to graph.
//!
//! Passes do not know the target: what they change (an order of summation, say) they change for all targets alike.

mod affine;
mod cse;
mod dead;
mod dead_channels;
mod dynamic;
mod epilogue;
mod fuse_maps;
mod gather_codes;
mod known_gather;
mod matmul_weights;
mod norm;
mod pad;
mod powers;
mod quant;
mod regions;
mod rewrite;
mod scalars;
mod sink;
mod state_rows;
mod ternary;
mod ternary_bytes;
mod views;

use crate::ir::{Evaluate, Graph, LowBit};

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
    Pass { name: "gather_codes", run: gather_codes::run },
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
    Pass { name: "remove_dead_channels", run: dead_channels::run },
    Pass { name: "code_weights", run: ternary::run },
    Pass { name: "sum_bytes", run: ternary_bytes::run },
    Pass { name: "share_equal", run: cse::run },
    Pass { name: "merge_views", run: views::run },
    Pass { name: "remove_dead", run: dead::run },
];

/// The passes that [`LowBit::Off`] leaves out.
const LOW_BIT: [&str; 2] = ["code_weights", "gather_codes"];

/// Runs all passes, on the graphs within nodes first; `observe` sees the graph after each one.
pub fn run(graph: &mut Graph, evaluate: &dyn Evaluate, observe: impl FnMut(&Pass, &Graph)) {
    run_with(graph, evaluate, LowBit::Auto, observe);
}

/// The same, with a choice.
pub fn run_with(graph: &mut Graph, evaluate: &dyn Evaluate, low_bit: LowBit, mut observe: impl FnMut(&Pass, &Graph)) {
    regions::optimize(graph, evaluate, low_bit);
    for pass in PASSES.iter().filter(|pass| low_bit == LowBit::Auto || !LOW_BIT.contains(&pass.name)) {
        (pass.run)(graph, evaluate);
        debug_assert_eq!(crate::ir::verify(graph), Ok(()), "after {}", pass.name);
        observe(pass, graph);
    }
    regions::bind(graph);
    if low_bit == LowBit::Off {
        graph.stored.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Reference, eval_graph, text::parse, verify};

    /// All passes on a graph; it then computes what it did.
    fn after_passes(text: &str) -> Graph {
        let before = parse(text).unwrap();
        let mut after = before.clone();
        run(&mut after, &Reference::default(), |_, _| {});
        assert_eq!(verify(&after), Ok(()));
        let inputs = crate::verify::seeded::inputs(before.inputs.iter().map(|&v| before.ty(v)));
        let reference = Reference::default();
        assert_eq!(eval_graph(&after, &inputs, &reference), eval_graph(&before, &inputs, &reference));
        after
    }

    fn relu_of(constant: &str, expr: &str) -> String {
        format!(
            "graph \"\"\n  in %0 \"x\": f32[3]\n  $1 = {constant}\n  %2 = map %0, $1 {{Add(x0, x1)}} : f32[1,3]\n  %3 = map %2 {{{expr}}} : f32[1,3]\n  out \"y\" = %3\n"
        )
    }

    /// The constant alone gives the result its rank: it must stay an operand, and what is fused must go.
    #[test]
    fn maps_whose_shape_is_that_of_a_uniform_constant_are_fused_and_end() {
        for constant in ["f32[1,3] splat 1.0", "f32[1,3] splat 0.0", "f32[1,1] splat 1.0", "f32[1,3] 1.0 2.0 3.0"] {
            let graph = after_passes(&relu_of(constant, "Max(x0, 0.0)"));
            assert!(graph.nodes.len() <= 2, "{constant}: {graph}");
        }
        let graph = after_passes(&relu_of("f32[1,3] splat 1.0", "Max(x0, 0.0)"));
        assert_eq!(graph.nodes.len(), 1, "{graph}");
    }

    /// The mean of nothing is no number; a kernel of bytes has none of those.
    #[test]
    fn means_of_nothing_stay_means_of_floats() {
        let pool = "average_pool %1 {kernel 1x2, pad 1 1 0 0} : f32[2,1,7,2]";
        let sum = "reduce_sum %1 {axes 1} : f32[2,7,2]";
        for computed in [pool, sum] {
            let (_, ty) = computed.split_once("f32").unwrap();
            let text = format!(
                "graph \"\"\n  in %0 \"x\": u8[2,0,7,2]\n  $2 = f32[] 0.03208577\n  $3 = u8[] 17\n  $4 = f32[] 0.01642166\n  \
                 $5 = i8[] 7\n  %1 = map %0, $2, $3 {{Mul(f32(Sub(i32(x0), i32(x2))), x1)}} : f32[2,0,7,2]\n  \
                 %6 = {computed}\n  \
                 %7 = map %6, $4, $5 {{i8(Min(Max(Add(Round(Div(x0, x1)), f32(x2)), -128.0), 127.0))}} : i8{ty}\n  \
                 out \"y\" = %7\n"
            );
            let graph = after_passes(&text);
            assert!(!graph.nodes.iter().any(|n| n.op.float().is_some()), "{graph}");
        }
    }

    #[test]
    fn borders_add_to_the_padding_that_is_there() {
        let text = "graph \"\"\n  in %0 \"x\": f32[1,4,5,1]\n  in %1 \"w\": f32[1,3,3,1]\n  \
                    %2 = pad %0 {before 0 1 2 0, after 0 3 4 0, value 0} : f32[1,8,11,1]\n  \
                    %3 = conv %2, %1 {kernel 3x3, pad 5 6 7 8} : f32[1,18,23,1]\n  out \"y\" = %3\n";
        let printed = after_passes(text).to_string();
        assert!(printed.contains("pad 6 8 10 12") && !printed.contains("= pad"), "{printed}");
    }

    #[test]
    fn equal_nodes_become_one() {
        let node = |number: usize, axis: usize| format!("  %{number} = softmax %0 {{axis {axis}}} : f32[2,3]\n");
        let text = format!(
            "graph \"\"\n  in %0 \"x\": f32[2,3]\n{}{}{}  out \"a\" = %1\n  out \"b\" = %2\n  out \"c\" = %3\n",
            node(1, 1),
            node(2, 1),
            node(3, 0)
        );
        assert_eq!(
            after_passes(&text).nodes.iter().filter(|n| matches!(n.op, crate::ir::Op::Softmax { .. })).count(),
            2
        );
    }

    /// Of a chain only the Maps that are left are kept, not one of every length.
    #[test]
    fn long_chains_of_maps_become_few() {
        let mut text = String::from("graph \"\"\n  in %0 \"x\": f32[3]\n");
        for i in 0..300 {
            text += &format!("  %{} = map %{i} {{Max(x0, 0.0)}} : f32[3]\n", i + 1);
        }
        text += "  out \"y\" = %300\n";
        let graph = after_passes(&text);
        assert!(graph.nodes.len() < 20, "{graph}");
    }
}
