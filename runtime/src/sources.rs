//! The text of every file that an emitted crate may need, and which other files each one uses.
//!
//! Invariants, tested: there is an entry for every file but the `mod.rs` (whoever copies files writes those, one
//! `pub mod` for each), and `needs` is what the file names. Files that are closed under `needs` build by themselves,
//! in a module of any name; so do the items of them that some code reaches, which is what emitted crates have.

/// A file of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path below `src`, with `/` between folders.
    pub path: &'static str,
    /// All of it.
    pub text: &'static str,
    /// The paths of the files that it uses itself, in ascending order.
    pub needs: &'static [&'static str],
}

/// The folders of instruction set families, each with the condition under which its files are compiled, which stands at the
/// folder alone.
pub const FAMILIES: [(&str, &str); 3] = [
    ("arch/arm", "all(target_arch = \"arm\", target_abi = \"eabihf\", target_os = \"none\")"),
    ("arch/neon", "all(target_arch = \"aarch64\", target_feature = \"neon\", not(miri))"),
    ("arch/x86", "all(target_arch = \"x86_64\", target_feature = \"sse2\")"),
];

macro_rules! source {
    ($path:literal, $needs:expr) => {
        Source { path: $path, text: include_str!($path), needs: &$needs }
    };
}

/// Every file, in ascending order of paths.
#[rustfmt::skip]
pub const SOURCES: &[Source] = &[
    source!("arch/arm/asm.rs", []),
    source!("arch/arm/byte_fives.rs", ["arch/arm/asm.rs", "terms/fives.rs"]),
    source!("arch/arm/bytes.rs", ["arch/arm/dsp.rs", "arch/bytes.rs", "arch/isa.rs", "arch/portable_bytes.rs", "terms/quads.rs", "terms/sizes.rs", "terms/taps.rs"]),
    source!("arch/arm/coded.rs", ["arch/arm/asm.rs", "arch/arm/dsp.rs", "arch/coded.rs", "arch/isa.rs", "terms/coding.rs"]),
    source!("arch/arm/copy.rs", []),
    source!("arch/arm/cpu.rs", []),
    source!("arch/arm/dsp.rs", ["arch/forward.rs", "arch/isa.rs", "arch/portable.rs", "terms/sizes.rs"]),
    source!("arch/arm/dual.rs", ["arch/arm/copy.rs", "arch/arm/dsp.rs", "arch/arm/lines.rs", "arch/arm/products.rs", "arch/arm/residual.rs", "arch/arm/spread.rs", "arch/arm/widen.rs", "arch/byte.rs", "arch/compact.rs", "arch/dual.rs", "arch/isa.rs", "terms/dual.rs", "terms/lines.rs", "terms/quant.rs"]),
    source!("arch/arm/dynamic.rs", ["arch/arm/asm.rs", "arch/arm/cpu.rs", "arch/arm/dsp.rs", "arch/arm/quad.rs", "arch/compact.rs", "arch/dynamic.rs", "arch/isa.rs", "terms/dual.rs", "terms/dynamic.rs"]),
    source!("arch/arm/finish.rs", ["arch/byte.rs", "terms/quant.rs"]),
    source!("arch/arm/fives.rs", ["arch/arm/asm.rs", "arch/arm/byte_fives.rs", "arch/arm/dsp.rs", "arch/fives.rs", "arch/isa.rs", "arch/portable.rs", "terms/fives.rs", "terms/ternary.rs"]),
    source!("arch/arm/floats.rs", ["arch/arm/dsp.rs", "arch/arm/scores.rs", "arch/arm/tiles.rs", "arch/floats.rs", "arch/isa.rs", "terms/panels.rs", "terms/scores.rs", "terms/tile.rs"]),
    source!("arch/arm/fpu.rs", []),
    source!("arch/arm/lines.rs", ["arch/arm/asm.rs", "arch/arm/cpu.rs", "arch/arm/finish.rs", "arch/byte.rs", "terms/lines.rs"]),
    source!("arch/arm/products.rs", ["arch/arm/asm.rs", "arch/arm/cpu.rs", "arch/arm/finish.rs", "arch/arm/quad.rs", "arch/byte.rs", "terms/dual.rs"]),
    source!("arch/arm/quad.rs", []),
    source!("arch/arm/residual.rs", ["arch/arm/asm.rs", "arch/arm/cpu.rs", "arch/arm/finish.rs", "arch/byte.rs", "terms/quant.rs"]),
    source!("arch/arm/scores.rs", ["arch/arm/asm.rs", "terms/scores.rs"]),
    source!("arch/arm/spread.rs", ["arch/arm/cpu.rs", "arch/arm/finish.rs", "arch/byte.rs"]),
    source!("arch/arm/tile_loops.rs", ["arch/arm/asm.rs"]),
    source!("arch/arm/tiles.rs", ["arch/arm/tile_loops.rs", "terms/epilogue.rs", "terms/panels.rs", "terms/tile.rs"]),
    source!("arch/arm/unpack.rs", ["arch/arm/asm.rs", "arch/arm/dsp.rs", "arch/isa.rs", "arch/unpack.rs", "terms/sparse.rs"]),
    source!("arch/arm/widen.rs", ["arch/arm/cpu.rs", "arch/arm/finish.rs", "arch/byte.rs", "terms/dual.rs"]),
    source!("arch/arm/words.rs", ["arch/arm/asm.rs", "arch/arm/cpu.rs", "arch/arm/dsp.rs", "arch/arm/quad.rs", "arch/compact.rs", "arch/isa.rs", "arch/words.rs", "terms/wide.rs"]),
    source!("arch/byte.rs", []),
    source!("arch/bytes.rs", ["arch/compact.rs", "arch/isa.rs", "arch/portable.rs", "arch/portable_bytes.rs", "terms/dots.rs", "terms/quads.rs", "terms/sizes.rs", "terms/taps.rs"]),
    source!("arch/coded.rs", ["arch/compact.rs", "arch/isa.rs", "arch/portable.rs", "terms/coding.rs", "terms/sizes.rs"]),
    source!("arch/codes.rs", ["arch/compact.rs", "arch/isa.rs", "arch/portable.rs", "terms/codes.rs", "terms/sizes.rs"]),
    source!("arch/compact.rs", ["arch/forward.rs", "arch/isa.rs", "arch/portable.rs", "terms/sizes.rs"]),
    source!("arch/dual.rs", ["arch/byte.rs", "arch/compact.rs", "arch/isa.rs", "arch/portable.rs", "terms/dual.rs", "terms/lines.rs", "terms/quant.rs"]),
    source!("arch/dynamic.rs", ["arch/compact.rs", "arch/dual.rs", "arch/isa.rs", "arch/portable.rs", "terms/dual.rs", "terms/dynamic.rs", "terms/quant.rs"]),
    source!("arch/fives.rs", ["arch/compact.rs", "arch/isa.rs", "arch/portable.rs", "terms/fives.rs", "terms/ternary.rs"]),
    source!("arch/floats.rs", ["arch/compact.rs", "arch/isa.rs", "arch/portable.rs", "terms/panels.rs", "terms/scores.rs", "terms/steps.rs", "terms/tile.rs"]),
    source!("arch/forward.rs", []),
    source!("arch/host.rs", ["arch/portable.rs", "arch/x86/host.rs"]),
    source!("arch/isa.rs", ["terms/sizes.rs"]),
    source!("arch/narrow.rs", ["arch/portable.rs", "arch/x86/host.rs"]),
    source!("arch/neon/fpu.rs", []),
    source!("arch/portable.rs", ["arch/isa.rs", "math/fma.rs", "math/minmax.rs", "terms/sizes.rs"]),
    source!("arch/portable_bytes.rs", ["terms/quads.rs", "terms/sizes.rs", "terms/taps.rs"]),
    source!("arch/room.rs", []),
    source!("arch/unpack.rs", ["arch/compact.rs", "arch/isa.rs", "arch/portable.rs", "terms/sparse.rs"]),
    source!("arch/words.rs", ["arch/compact.rs", "arch/isa.rs", "arch/portable.rs", "terms/wide.rs"]),
    source!("arch/x86/avx2.rs", ["arch/isa.rs", "terms/sizes.rs"]),
    source!("arch/x86/avx2_fives.rs", ["terms/fives.rs", "terms/sizes.rs"]),
    source!("arch/x86/avx2_quads.rs", ["terms/each_quad_row.rs", "terms/quads.rs", "terms/sizes.rs", "terms/taps.rs"]),
    source!("arch/x86/avx512.rs", ["terms/steps.rs"]),
    source!("arch/x86/avx512_windows.rs", ["arch/x86/avx512.rs", "terms/steps.rs"]),
    source!("arch/x86/bytes.rs", ["arch/bytes.rs", "arch/isa.rs", "arch/portable.rs", "arch/x86/avx2.rs", "arch/x86/avx2_quads.rs", "arch/x86/found.rs", "arch/x86/host.rs", "arch/x86/vnni.rs", "arch/x86/vnni_lanes.rs", "terms/dots.rs", "terms/quads.rs", "terms/sizes.rs", "terms/taps.rs"]),
    source!("arch/x86/coded.rs", ["arch/coded.rs", "arch/isa.rs", "arch/portable.rs", "arch/x86/avx2.rs", "arch/x86/found.rs", "arch/x86/host.rs", "terms/coding.rs", "terms/sizes.rs"]),
    source!("arch/x86/codes.rs", ["arch/codes.rs", "arch/isa.rs", "arch/portable.rs", "arch/x86/avx2.rs", "arch/x86/found.rs", "arch/x86/host.rs", "terms/codes.rs", "terms/sizes.rs"]),
    source!("arch/x86/fives.rs", ["arch/fives.rs", "arch/isa.rs", "arch/portable.rs", "arch/x86/avx2.rs", "arch/x86/avx2_fives.rs", "arch/x86/found.rs", "arch/x86/host.rs", "terms/fives.rs"]),
    source!("arch/x86/floats.rs", ["arch/floats.rs", "arch/isa.rs", "arch/portable.rs", "arch/x86/avx2.rs", "arch/x86/avx512.rs", "arch/x86/avx512_windows.rs", "arch/x86/found.rs", "arch/x86/host.rs", "terms/line.rs", "terms/steps.rs"]),
    source!("arch/x86/found.rs", []),
    source!("arch/x86/host.rs", ["arch/isa.rs", "arch/portable.rs", "arch/x86/avx2.rs", "arch/x86/found.rs"]),
    source!("arch/x86/unpack.rs", ["arch/isa.rs", "arch/unpack.rs", "arch/x86/host.rs"]),
    source!("arch/x86/vnni.rs", ["terms/dots.rs"]),
    source!("arch/x86/vnni_lanes.rs", ["arch/x86/vnni.rs", "terms/taps.rs"]),
    source!("arch/x86/words.rs", ["arch/compact.rs", "arch/isa.rs", "arch/words.rs", "arch/x86/host.rs", "terms/wide.rs"]),
    source!("arena.rs", []),
    source!("error.rs", []),
    source!("kernels/arg.rs", ["kernels/number.rs"]),
    source!("kernels/coded.rs", ["arch/coded.rs", "arch/floats.rs", "arch/isa.rs", "kernels/conv.rs", "kernels/matmul_packed.rs", "loops/finish.rs", "terms/coding.rs", "terms/conv2d.rs", "terms/sizes.rs"]),
    source!("kernels/compact.rs", ["arch/floats.rs", "loops/compact.rs", "terms/conv2d.rs", "terms/epilogue.rs", "terms/tile.rs"]),
    source!("kernels/conv.rs", ["arch/floats.rs", "kernels/compact.rs", "loops/products.rs", "loops/tile.rs", "terms/conv2d.rs", "terms/line.rs", "terms/regions.rs"]),
    source!("kernels/conv_int.rs", ["kernels/number.rs", "terms/conv2d.rs"]),
    source!("kernels/copy.rs", ["kernels/index.rs"]),
    source!("kernels/cumulative.rs", ["kernels/copy.rs", "kernels/number.rs"]),
    source!("kernels/depthwise.rs", ["arch/floats.rs", "kernels/compact.rs", "loops/channels.rs", "loops/finish.rs", "terms/conv2d.rs", "terms/epilogue.rs", "terms/line.rs", "terms/regions.rs", "terms/rows.rs", "terms/sizes.rs"]),
    source!("kernels/dynamic.rs", ["arch/bytes.rs", "loops/qsums.rs", "math/minmax.rs", "terms/dots.rs", "terms/dynamic.rs", "terms/line.rs", "terms/quant.rs", "terms/sizes.rs", "terms/window.rs"]),
    source!("kernels/dynamic_dual.rs", ["arch/dynamic.rs", "loops/dynamic.rs", "terms/dual.rs", "terms/dynamic.rs"]),
    source!("kernels/gates.rs", ["math/exp.rs", "math/minmax.rs", "math/sigmoid.rs", "math/softplus.rs", "math/tanh.rs", "terms/recurrent.rs"]),
    source!("kernels/gather.rs", ["error.rs", "kernels/copy.rs", "kernels/index.rs"]),
    source!("kernels/gru.rs", ["arch/isa.rs", "error.rs", "kernels/copy.rs", "kernels/gates.rs", "kernels/recurrent.rs", "terms/recurrent.rs"]),
    source!("kernels/index.rs", []),
    source!("kernels/integer.rs", ["error.rs"]),
    source!("kernels/level.rs", []),
    source!("kernels/lstm.rs", ["arch/isa.rs", "error.rs", "kernels/gates.rs", "kernels/recurrent.rs", "terms/recurrent.rs"]),
    source!("kernels/map.rs", ["arch/isa.rs", "error.rs", "kernels/index.rs"]),
    source!("kernels/matmul.rs", ["arch/floats.rs", "kernels/matmul_row.rs", "loops/compact.rs", "loops/finish.rs", "loops/products.rs", "loops/tile.rs", "terms/epilogue.rs", "terms/line.rs", "terms/matmul.rs", "terms/regions.rs", "terms/sizes.rs", "terms/tile.rs"]),
    source!("kernels/matmul_bytes.rs", ["arch/isa.rs"]),
    source!("kernels/matmul_int.rs", ["kernels/number.rs", "terms/matmul.rs"]),
    source!("kernels/matmul_packed.rs", ["arch/floats.rs", "kernels/compact.rs", "loops/panels.rs", "loops/products.rs", "loops/row.rs", "loops/tile.rs", "terms/conv2d.rs", "terms/epilogue.rs", "terms/line.rs", "terms/panels.rs", "terms/regions.rs", "terms/sizes.rs"]),
    source!("kernels/matmul_row.rs", ["arch/floats.rs", "kernels/compact.rs", "kernels/reduce_f32.rs", "loops/compact.rs", "loops/finish.rs", "loops/row.rs", "loops/scores.rs", "terms/epilogue.rs", "terms/matmul.rs", "terms/scores.rs", "terms/sizes.rs", "terms/tile.rs"]),
    source!("kernels/norm.rs", ["arch/isa.rs", "kernels/copy.rs", "kernels/reduce.rs", "kernels/reduce_f32.rs", "math/sqrt.rs", "terms/sizes.rs"]),
    source!("kernels/number.rs", ["math/minmax.rs"]),
    source!("kernels/packing.rs", ["terms/codes.rs", "terms/conv2d.rs", "terms/fives.rs", "terms/sizes.rs"]),
    source!("kernels/place_row.rs", ["kernels/copy.rs"]),
    source!("kernels/pool.rs", ["arch/isa.rs", "kernels/number.rs", "terms/pool2d.rs", "terms/sizes.rs"]),
    source!("kernels/pool_f64.rs", ["terms/pool2d.rs"]),
    source!("kernels/qconv.rs", ["arch/byte.rs", "arch/bytes.rs", "arch/room.rs", "loops/dots.rs", "loops/qcompact.rs", "loops/qgather.rs", "loops/qsums.rs", "loops/ready.rs", "terms/dots.rs", "terms/line.rs", "terms/qconv2d.rs", "terms/qmap.rs", "terms/sizes.rs", "terms/window.rs"]),
    source!("kernels/qdepthwise.rs", ["arch/byte.rs", "arch/bytes.rs", "arch/room.rs", "loops/qcompact.rs", "loops/ready.rs", "loops/taps.rs", "terms/conv2d.rs", "terms/qconv2d.rs", "terms/sizes.rs", "terms/taps.rs", "terms/window.rs"]),
    source!("kernels/qdepthwise_dual.rs", ["arch/byte.rs", "arch/dual.rs", "loops/lines.rs", "terms/conv2d.rs", "terms/lines.rs", "terms/qconv2d.rs", "terms/window.rs"]),
    source!("kernels/qdual.rs", ["arch/byte.rs", "arch/dual.rs", "loops/dual.rs", "terms/conv2d.rs", "terms/dual.rs", "terms/qconv2d.rs", "terms/window.rs"]),
    source!("kernels/qfloat.rs", ["arch/isa.rs", "kernels/level.rs", "kernels/reduce.rs", "kernels/softmax.rs", "math/exp.rs", "terms/pool2d.rs", "terms/quant.rs", "terms/sizes.rs"]),
    source!("kernels/qpacking.rs", ["kernels/qdepthwise_dual.rs", "kernels/qdual.rs", "terms/conv2d.rs", "terms/sizes.rs", "terms/wide.rs"]),
    source!("kernels/qsparse.rs", ["arch/byte.rs", "arch/bytes.rs", "arch/unpack.rs", "kernels/qconv.rs", "loops/unpack.rs", "terms/conv2d.rs", "terms/qconv2d.rs", "terms/sparse.rs"]),
    source!("kernels/qsparse_dual.rs", ["arch/byte.rs", "arch/dual.rs", "arch/unpack.rs", "kernels/qdual.rs", "loops/unpack.rs", "terms/conv2d.rs", "terms/qconv2d.rs", "terms/sparse.rs"]),
    source!("kernels/recurrent.rs", ["error.rs", "kernels/copy.rs", "terms/recurrent.rs"]),
    source!("kernels/recurrent_coded.rs", ["arch/coded.rs", "kernels/copy.rs", "kernels/recurrent.rs", "terms/coding.rs", "terms/sizes.rs"]),
    source!("kernels/recurrent_dense.rs", ["arch/floats.rs", "kernels/matmul_packed.rs", "kernels/recurrent.rs", "loops/panels.rs", "loops/products.rs", "loops/tile.rs", "terms/epilogue.rs", "terms/line.rs", "terms/panels.rs", "terms/regions.rs"]),
    source!("kernels/recurrent_dual.rs", ["arch/dynamic.rs", "kernels/dynamic_dual.rs", "kernels/recurrent.rs", "terms/dynamic.rs"]),
    source!("kernels/recurrent_dynamic.rs", ["arch/bytes.rs", "kernels/dynamic.rs", "kernels/recurrent.rs", "terms/dynamic.rs"]),
    source!("kernels/reduce.rs", ["kernels/number.rs", "terms/sizes.rs"]),
    source!("kernels/reduce_f32.rs", ["arch/isa.rs", "kernels/number.rs", "kernels/reduce.rs", "terms/sizes.rs"]),
    source!("kernels/rnn.rs", ["arch/isa.rs", "error.rs", "kernels/copy.rs", "kernels/gates.rs", "kernels/recurrent.rs", "terms/recurrent.rs"]),
    source!("kernels/scatter.rs", ["error.rs", "kernels/index.rs"]),
    source!("kernels/select_rows.rs", ["kernels/copy.rs", "kernels/index.rs", "kernels/map.rs"]),
    source!("kernels/separable.rs", ["arch/floats.rs", "kernels/conv.rs", "kernels/depthwise.rs", "terms/conv2d.rs"]),
    source!("kernels/softmax.rs", ["arch/isa.rs", "kernels/copy.rs", "kernels/reduce.rs", "kernels/reduce_f32.rs", "math/exp.rs", "math/log.rs", "terms/sizes.rs"]),
    source!("kernels/softmax_f64.rs", ["kernels/number.rs", "kernels/reduce.rs", "kernels/softmax.rs", "math/exp_f64.rs", "math/log_f64.rs", "terms/sizes.rs"]),
    source!("kernels/sparse.rs", ["arch/floats.rs", "arch/unpack.rs", "kernels/conv.rs", "kernels/matmul_packed.rs", "loops/unpack.rs", "terms/conv2d.rs", "terms/epilogue.rs", "terms/sizes.rs", "terms/sparse.rs"]),
    source!("kernels/table.rs", ["arch/byte.rs", "arch/isa.rs"]),
    source!("kernels/ternary.rs", ["arch/fives.rs", "loops/scale.rs", "loops/wide_scale.rs", "terms/epilogue.rs", "terms/fives.rs", "terms/sizes.rs", "terms/ternary.rs"]),
    source!("kernels/ternary_codes.rs", ["arch/codes.rs", "loops/wide_scale.rs", "terms/codes.rs", "terms/sizes.rs", "terms/ternary.rs"]),
    source!("kernels/topk.rs", ["kernels/number.rs"]),
    source!("kernels/trees.rs", ["kernels/number.rs"]),
    source!("kernels/wide.rs", ["arch/words.rs", "kernels/level.rs", "terms/wide.rs", "terms/window.rs"]),
    source!("kernels/wide_depthwise.rs", ["arch/isa.rs", "kernels/level.rs", "kernels/wide.rs", "terms/wide.rs", "terms/window.rs"]),
    source!("loops/channels.rs", ["arch/floats.rs", "loops/finish.rs", "terms/epilogue.rs", "terms/line.rs", "terms/rows.rs", "terms/sizes.rs", "terms/steps.rs"]),
    source!("loops/columns.rs", ["arch/floats.rs", "loops/finish.rs", "terms/line.rs", "terms/sizes.rs"]),
    source!("loops/compact.rs", ["arch/floats.rs", "loops/each_pixel.rs", "loops/finish.rs", "terms/epilogue.rs", "terms/sizes.rs", "terms/tile.rs"]),
    source!("loops/dots.rs", ["arch/bytes.rs", "terms/dots.rs", "terms/line.rs", "terms/quant.rs", "terms/rows.rs", "terms/sizes.rs"]),
    source!("loops/dual.rs", ["arch/byte.rs", "arch/dual.rs", "terms/dual.rs"]),
    source!("loops/dynamic.rs", ["arch/dynamic.rs", "terms/dual.rs", "terms/dynamic.rs"]),
    source!("loops/each_pixel.rs", []),
    source!("loops/finish.rs", ["arch/isa.rs", "terms/epilogue.rs", "terms/sizes.rs"]),
    source!("loops/lines.rs", ["arch/byte.rs", "arch/dual.rs", "terms/lines.rs"]),
    source!("loops/panels.rs", ["arch/floats.rs", "loops/compact.rs", "terms/panels.rs", "terms/tile.rs"]),
    source!("loops/products.rs", ["arch/floats.rs", "loops/columns.rs", "terms/epilogue.rs", "terms/line.rs", "terms/rows.rs", "terms/sizes.rs", "terms/steps.rs"]),
    source!("loops/qcompact.rs", ["arch/bytes.rs", "loops/ready.rs", "terms/dots.rs", "terms/each_quad_row.rs", "terms/line.rs", "terms/quads.rs", "terms/quant.rs", "terms/sizes.rs", "terms/taps.rs"]),
    source!("loops/qgather.rs", ["terms/qconv2d.rs", "terms/qmap.rs"]),
    source!("loops/qsums.rs", ["arch/bytes.rs", "loops/dots.rs", "terms/dots.rs", "terms/each_quad_row.rs", "terms/line.rs", "terms/quads.rs", "terms/sizes.rs"]),
    source!("loops/ready.rs", ["arch/bytes.rs", "terms/quant.rs", "terms/sizes.rs"]),
    source!("loops/row.rs", ["arch/floats.rs", "loops/compact.rs", "loops/each_pixel.rs", "loops/finish.rs", "terms/epilogue.rs", "terms/sizes.rs", "terms/tile.rs"]),
    source!("loops/scale.rs", ["arch/isa.rs", "terms/epilogue.rs", "terms/ternary.rs"]),
    source!("loops/scores.rs", ["arch/floats.rs", "terms/scores.rs", "terms/sizes.rs"]),
    source!("loops/taps.rs", ["arch/bytes.rs", "terms/dots.rs", "terms/quant.rs", "terms/sizes.rs", "terms/taps.rs"]),
    source!("loops/tile.rs", ["arch/floats.rs", "loops/columns.rs", "loops/finish.rs", "loops/products.rs", "terms/epilogue.rs", "terms/line.rs", "terms/regions.rs", "terms/rows.rs", "terms/sizes.rs"]),
    source!("loops/unpack.rs", ["arch/unpack.rs", "terms/sparse.rs"]),
    source!("loops/wide_scale.rs", ["arch/isa.rs", "loops/finish.rs", "terms/sizes.rs", "terms/ternary.rs"]),
    source!("math/acos.rs", ["math/asin.rs"]),
    source!("math/acos_f64.rs", ["math/atan_f64.rs", "math/sqrt_f64.rs"]),
    source!("math/acosh.rs", ["math/log1p.rs", "math/sqrt.rs"]),
    source!("math/acosh_f64.rs", ["math/log1p_f64.rs", "math/log_f64.rs", "math/sqrt_f64.rs"]),
    source!("math/argmax.rs", []),
    source!("math/asin.rs", ["math/sqrt.rs"]),
    source!("math/asin_f64.rs", ["math/atan_f64.rs", "math/sqrt_f64.rs"]),
    source!("math/asinh.rs", ["math/log1p.rs", "math/sqrt.rs"]),
    source!("math/asinh_f64.rs", ["math/log1p_f64.rs", "math/log_f64.rs", "math/sqrt_f64.rs"]),
    source!("math/atan.rs", []),
    source!("math/atan_f64.rs", []),
    source!("math/atanh.rs", ["math/log1p.rs"]),
    source!("math/atanh_f64.rs", ["math/log1p_f64.rs"]),
    source!("math/brain.rs", []),
    source!("math/ceil.rs", ["math/round_even.rs"]),
    source!("math/ceil_f64.rs", ["math/round_even_f64.rs"]),
    source!("math/cos.rs", ["math/trig.rs"]),
    source!("math/cos_f64.rs", ["math/trig_f64.rs"]),
    source!("math/cosh.rs", ["math/exp.rs"]),
    source!("math/cosh_f64.rs", ["math/exp_f64.rs"]),
    source!("math/double.rs", []),
    source!("math/double_f64.rs", []),
    source!("math/erf.rs", []),
    source!("math/erf_f64.rs", ["math/double_f64.rs", "math/exp_f64.rs"]),
    source!("math/exp.rs", []),
    source!("math/exp_f64.rs", []),
    source!("math/expm1.rs", []),
    source!("math/expm1_f64.rs", ["math/exp_f64.rs"]),
    source!("math/floor.rs", ["math/round_even.rs"]),
    source!("math/floor_f64.rs", ["math/round_even_f64.rs"]),
    source!("math/fma.rs", ["arch/arm/fpu.rs", "arch/neon/fpu.rs"]),
    source!("math/half.rs", ["arch/arm/fpu.rs"]),
    source!("math/log.rs", []),
    source!("math/log1p.rs", []),
    source!("math/log1p_f64.rs", ["math/log_f64.rs"]),
    source!("math/log_f64.rs", []),
    source!("math/minifloat.rs", []),
    source!("math/minmax.rs", []),
    source!("math/minmax_f64.rs", []),
    source!("math/pow.rs", ["math/double.rs", "math/round_even.rs"]),
    source!("math/pow_f64.rs", ["math/double_f64.rs", "math/round_even_f64.rs"]),
    source!("math/quantize.rs", []),
    source!("math/round_even.rs", []),
    source!("math/round_even_f64.rs", []),
    source!("math/sigmoid.rs", []),
    source!("math/sigmoid_f64.rs", ["math/exp_f64.rs"]),
    source!("math/sin.rs", ["math/trig.rs"]),
    source!("math/sin_f64.rs", ["math/trig_f64.rs"]),
    source!("math/sinh.rs", ["math/exp.rs"]),
    source!("math/sinh_f64.rs", ["math/exp_f64.rs", "math/expm1_f64.rs"]),
    source!("math/softplus.rs", ["math/exp.rs", "math/log1p.rs"]),
    source!("math/softplus_f64.rs", ["math/exp_f64.rs", "math/log1p_f64.rs"]),
    source!("math/sqrt.rs", ["arch/arm/fpu.rs", "arch/neon/fpu.rs"]),
    source!("math/sqrt_f64.rs", []),
    source!("math/tan.rs", ["math/trig.rs"]),
    source!("math/tan_f64.rs", ["math/trig_f64.rs"]),
    source!("math/tanh.rs", []),
    source!("math/tanh_f64.rs", ["math/exp_f64.rs"]),
    source!("math/trig.rs", []),
    source!("math/trig_f64.rs", ["math/double_f64.rs"]),
    source!("math/trunc.rs", ["math/round_even.rs"]),
    source!("math/trunc_f64.rs", ["math/round_even_f64.rs"]),
    source!("once.rs", []),
    source!("stepping.rs", []),
    source!("terms/codes.rs", ["terms/sizes.rs"]),
    source!("terms/coding.rs", ["terms/sizes.rs"]),
    source!("terms/conv2d.rs", ["terms/epilogue.rs", "terms/regions.rs", "terms/window.rs"]),
    source!("terms/dots.rs", ["terms/line.rs", "terms/sizes.rs"]),
    source!("terms/dual.rs", ["terms/quant.rs"]),
    source!("terms/dynamic.rs", ["terms/quant.rs", "terms/sizes.rs", "terms/window.rs"]),
    source!("terms/each_quad_row.rs", []),
    source!("terms/epilogue.rs", ["math/minmax.rs"]),
    source!("terms/fives.rs", []),
    source!("terms/line.rs", []),
    source!("terms/lines.rs", ["terms/quant.rs"]),
    source!("terms/matmul.rs", ["terms/epilogue.rs"]),
    source!("terms/panels.rs", ["terms/epilogue.rs"]),
    source!("terms/pool2d.rs", ["terms/window.rs"]),
    source!("terms/qconv2d.rs", ["terms/conv2d.rs", "terms/dots.rs", "terms/quant.rs"]),
    source!("terms/qmap.rs", ["terms/conv2d.rs"]),
    source!("terms/quads.rs", ["terms/sizes.rs"]),
    source!("terms/quant.rs", []),
    source!("terms/recurrent.rs", []),
    source!("terms/regions.rs", ["terms/line.rs", "terms/window.rs"]),
    source!("terms/rows.rs", []),
    source!("terms/scores.rs", []),
    source!("terms/sizes.rs", []),
    source!("terms/sparse.rs", []),
    source!("terms/steps.rs", ["terms/epilogue.rs", "terms/line.rs"]),
    source!("terms/taps.rs", ["terms/sizes.rs"]),
    source!("terms/ternary.rs", ["terms/epilogue.rs", "terms/fives.rs"]),
    source!("terms/tile.rs", ["terms/epilogue.rs", "terms/sizes.rs"]),
    source!("terms/wide.rs", ["terms/conv2d.rs", "terms/quant.rs", "terms/window.rs"]),
    source!("terms/window.rs", []),
];

// These read text and call no kernel: nothing for Miri.
#[cfg(all(test, not(miri)))]
mod tests {
    use super::{FAMILIES, SOURCES};
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::string::String;
    use std::vec::Vec;
    use std::{format, fs};

    /// Files below `folder` that are copied into emitted crates.
    fn files(folder: &Path, below: &str, paths: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let entry = entry.expect("the folder can be read");
            let name = entry.file_name().into_string().expect("names are UTF-8");
            if entry.path().is_dir() {
                files(&entry.path(), &format!("{below}{name}/"), paths);
            } else if !["mod.rs", "lib.rs", "sources.rs"].contains(&name.as_str()) {
                paths.insert(format!("{below}{name}"));
            }
        }
    }

    /// The files that the `super::` paths of a file's code lead to.
    fn needs(path: &str, text: &str, paths: &BTreeSet<String>) -> BTreeSet<String> {
        let mut needs = BTreeSet::new();
        for line in text.lines().map(|line| line.split("//").next().unwrap_or("")) {
            let mut rest = line;
            while let Some(at) = rest.find("super::") {
                rest = &rest[at..];
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
                let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
                rest = after;
                let mut folders: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
                let mut tail = name;
                while let Some(inner) = tail.strip_prefix("super::") {
                    assert!(folders.pop().is_some(), "{path}: `{name}` leaves the sources");
                    tail = inner;
                }
                let mut file = folders.iter().map(|folder| format!("{folder}/")).collect::<String>();
                let found = tail.split("::").any(|part| {
                    file.push_str(part);
                    let found = paths.contains(&format!("{file}.rs"));
                    if !found {
                        file.push('/');
                    }
                    found
                });
                assert!(found, "{path}: `{name}` is in no file (a `mod.rs` is not copied)");
                needs.insert(format!("{file}.rs"));
            }
        }
        needs
    }

    #[test]
    fn the_table_is_complete() {
        let mut paths = BTreeSet::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        files(&root, "", &mut paths);
        for path in &paths {
            let text = fs::read_to_string(root.join(path)).expect("the file can be read");
            let needs: Vec<String> = needs(path, &text, &paths).into_iter().collect();
            let entry = SOURCES.iter().find(|source| source.path == path);
            let known = entry.map(|source| source.needs);
            let is_right = entry.is_some_and(|source| source.needs == needs && source.text == text);
            assert!(is_right, "the table should say\n    source!({path:?}, {needs:?}),\nwhich has {known:?}");
        }
        assert!(SOURCES.is_sorted_by(|a, b| a.path < b.path), "the table is in ascending order");
        assert_eq!(SOURCES.len(), paths.len(), "the table has files that are not there");
    }

    #[test]
    fn families_are_compiled_under_their_conditions_alone() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let text = fs::read_to_string(root.join("arch/mod.rs")).expect("the file can be read");
        for (folder, condition) in FAMILIES {
            let name = folder.trim_start_matches("arch/");
            assert!(text.contains(&format!("#[cfg({condition})]\npub mod {name};\n")), "{folder}");
        }
        assert_eq!(text.matches("#[cfg(").count(), FAMILIES.len());
        for source in SOURCES {
            let in_family = FAMILIES.iter().any(|(folder, _)| source.path.starts_with(folder));
            assert!(!in_family || !source.text.contains("#![cfg("), "{} has a condition of its own", source.path);
        }
    }

    #[test]
    fn files_are_fit_to_be_copied() {
        for source in SOURCES {
            let (path, text) = (source.path, source.text);
            let first = text.lines().next();
            assert_eq!(first, Some("// SPDX-License-Identifier: 0BSD OR MIT OR Apache-2.0"), "{path}");
            assert!(!text.contains("crate::"), "{path} names its crate");
            assert!(!text.contains("zant_runtime"), "{path} names its crate");
            assert!(!text.contains("macro_export"), "{path} exports a macro from its crate");
        }
    }

    #[test]
    fn unsafe_code_is_where_it_may_be() {
        for source in SOURCES {
            let code = source.text.lines().map(|line| line.split("//").next().unwrap_or(""));
            let is_unsafe = code.into_iter().any(|line| line.contains("unsafe"));
            let may_be = ["arena.rs", "once.rs"].contains(&source.path)
                || ["arch/", "loops/"].iter().any(|f| source.path.starts_with(f));
            assert!(!is_unsafe || may_be, "{} has unsafe code", source.path);
        }
    }
}
