//! The text of every file that an emitted crate may need, and which other files each one uses.
//!
//! Invariants, tested: there is an entry for every file but the `mod.rs` (whoever copies files writes those, one
//! `pub mod` for each), and `needs` is what the file names. Files that are closed under `needs` build by themselves,
//! in a module of any name.

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

macro_rules! source {
    ($path:literal, $needs:expr) => {
        Source { path: $path, text: include_str!($path), needs: &$needs }
    };
}

/// Every file, in ascending order of paths.
#[rustfmt::skip]
pub const SOURCES: &[Source] = &[
    source!("arch/arm_bytes.rs", ["kernels/quant.rs"]),
    source!("arch/arm_dual.rs", ["arch/arm_bytes.rs", "arch/dual.rs", "kernels/quant.rs"]),
    source!("arch/arm_lines.rs", ["arch/arm_bytes.rs", "arch/lines.rs", "kernels/quant.rs"]),
    source!("arch/arm_tiles.rs", ["arch/quad.rs", "kernels/epilogue.rs"]),
    source!("arch/avx512.rs", ["arch/wide.rs"]),
    source!("arch/avx512_channels.rs", ["arch/avx512.rs", "arch/wide.rs"]),
    source!("arch/channels.rs", ["arch/columns.rs", "arch/isa.rs", "arch/wide.rs", "kernels/epilogue.rs", "kernels/line.rs", "kernels/rows.rs"]),
    source!("arch/columns.rs", ["arch/isa.rs", "kernels/epilogue.rs", "kernels/line.rs"]),
    source!("arch/compact.rs", ["arch/dots.rs", "arch/host.rs", "arch/isa.rs", "arch/portable.rs", "arch/quads.rs", "arch/taps.rs"]),
    source!("arch/dots.rs", ["arch/isa.rs", "kernels/line.rs", "kernels/rows.rs"]),
    source!("arch/dual.rs", ["arch/arm_bytes.rs", "arch/arm_dual.rs", "kernels/quant.rs"]),
    source!("arch/fpu.rs", []),
    source!("arch/host.rs", ["arch/portable.rs", "arch/x86_64.rs"]),
    source!("arch/isa.rs", ["arch/dots.rs", "arch/quads.rs", "arch/taps.rs", "arch/wide.rs"]),
    source!("arch/lines.rs", ["arch/arm_bytes.rs", "arch/arm_lines.rs", "kernels/quant.rs"]),
    source!("arch/portable.rs", ["arch/dots.rs", "arch/isa.rs", "arch/quads.rs", "arch/taps.rs", "math/fma.rs", "math/minmax.rs"]),
    source!("arch/products.rs", ["arch/columns.rs", "arch/isa.rs", "arch/wide.rs", "kernels/epilogue.rs", "kernels/line.rs", "kernels/rows.rs"]),
    source!("arch/quad.rs", ["arch/arm_tiles.rs", "arch/isa.rs", "kernels/epilogue.rs"]),
    source!("arch/quads.rs", ["arch/dots.rs", "arch/isa.rs", "arch/taps.rs"]),
    source!("arch/quads_avx2.rs", ["arch/dots.rs", "arch/quads.rs", "arch/taps.rs"]),
    source!("arch/room.rs", []),
    source!("arch/taps.rs", ["arch/dots.rs", "arch/isa.rs"]),
    source!("arch/taps_vnni.rs", ["arch/taps.rs", "arch/vnni.rs"]),
    source!("arch/vnni.rs", ["arch/dots.rs"]),
    source!("arch/wide.rs", ["kernels/epilogue.rs", "kernels/line.rs"]),
    source!("arch/x86_64.rs", ["arch/avx512.rs", "arch/avx512_channels.rs", "arch/dots.rs", "arch/isa.rs", "arch/portable.rs", "arch/quads.rs", "arch/quads_avx2.rs", "arch/taps.rs", "arch/taps_vnni.rs", "arch/vnni.rs", "arch/wide.rs", "kernels/line.rs"]),
    source!("arena.rs", []),
    source!("error.rs", []),
    source!("kernels/arg.rs", ["kernels/number.rs"]),
    source!("kernels/compact.rs", ["arch/isa.rs", "arch/quad.rs", "kernels/conv2d.rs"]),
    source!("kernels/conv.rs", ["arch/isa.rs", "arch/products.rs", "kernels/compact.rs", "kernels/conv2d.rs", "kernels/line.rs", "kernels/regions.rs", "kernels/tile.rs"]),
    source!("kernels/conv2d.rs", ["kernels/epilogue.rs", "kernels/regions.rs", "kernels/window.rs"]),
    source!("kernels/conv_int.rs", ["kernels/conv2d.rs", "kernels/number.rs"]),
    source!("kernels/copy.rs", ["kernels/index.rs"]),
    source!("kernels/cumulative.rs", ["kernels/copy.rs", "kernels/number.rs"]),
    source!("kernels/depthwise.rs", ["arch/channels.rs", "arch/isa.rs", "kernels/compact.rs", "kernels/conv2d.rs", "kernels/epilogue.rs", "kernels/line.rs", "kernels/regions.rs", "kernels/rows.rs"]),
    source!("kernels/dynamic.rs", ["arch/dots.rs", "arch/isa.rs", "kernels/line.rs", "kernels/qconv.rs", "kernels/window.rs", "math/minmax.rs"]),
    source!("kernels/epilogue.rs", ["arch/isa.rs", "math/minmax.rs"]),
    source!("kernels/gather.rs", ["error.rs", "kernels/copy.rs", "kernels/index.rs"]),
    source!("kernels/index.rs", []),
    source!("kernels/integer.rs", ["error.rs"]),
    source!("kernels/line.rs", []),
    source!("kernels/map.rs", ["arch/isa.rs", "error.rs", "kernels/index.rs"]),
    source!("kernels/matmul.rs", ["arch/columns.rs", "arch/isa.rs", "arch/products.rs", "arch/quad.rs", "kernels/epilogue.rs", "kernels/line.rs", "kernels/matmul_row.rs", "kernels/regions.rs", "kernels/tile.rs"]),
    source!("kernels/matmul_bytes.rs", ["arch/isa.rs"]),
    source!("kernels/matmul_int.rs", ["kernels/matmul.rs", "kernels/number.rs"]),
    source!("kernels/matmul_packed.rs", ["arch/isa.rs", "arch/products.rs", "kernels/compact.rs", "kernels/conv2d.rs", "kernels/epilogue.rs", "kernels/line.rs", "kernels/regions.rs", "kernels/tile.rs"]),
    source!("kernels/matmul_row.rs", ["arch/isa.rs", "arch/quad.rs", "kernels/epilogue.rs", "kernels/matmul.rs", "kernels/reduce_f32.rs"]),
    source!("kernels/norm.rs", ["arch/isa.rs", "kernels/copy.rs", "kernels/reduce.rs", "kernels/reduce_f32.rs", "math/sqrt.rs"]),
    source!("kernels/number.rs", ["math/minmax.rs"]),
    source!("kernels/place_row.rs", ["kernels/copy.rs"]),
    source!("kernels/pool.rs", ["arch/isa.rs", "kernels/number.rs", "kernels/pool2d.rs"]),
    source!("kernels/pool2d.rs", ["kernels/window.rs"]),
    source!("kernels/qcompact.rs", ["arch/dots.rs", "arch/isa.rs", "arch/quads.rs", "arch/taps.rs", "kernels/line.rs", "kernels/quant.rs"]),
    source!("kernels/qconv.rs", ["arch/dots.rs", "arch/isa.rs", "arch/quads.rs", "arch/room.rs", "kernels/conv2d.rs", "kernels/line.rs", "kernels/qcompact.rs", "kernels/qmap.rs", "kernels/quant.rs", "kernels/window.rs"]),
    source!("kernels/qdepthwise.rs", ["arch/dots.rs", "arch/isa.rs", "arch/room.rs", "arch/taps.rs", "kernels/conv2d.rs", "kernels/qcompact.rs", "kernels/qconv.rs", "kernels/quant.rs", "kernels/window.rs"]),
    source!("kernels/qdepthwise_dual.rs", ["arch/lines.rs", "kernels/conv2d.rs", "kernels/qconv.rs", "kernels/quant.rs", "kernels/window.rs"]),
    source!("kernels/qdual.rs", ["arch/dual.rs", "kernels/conv2d.rs", "kernels/qconv.rs", "kernels/quant.rs"]),
    source!("kernels/qfloat.rs", ["arch/isa.rs", "kernels/pool2d.rs", "kernels/quant.rs", "kernels/reduce.rs", "kernels/softmax.rs", "math/exp.rs"]),
    source!("kernels/qmap.rs", ["kernels/conv2d.rs"]),
    source!("kernels/quant.rs", ["arch/dots.rs", "arch/isa.rs"]),
    source!("kernels/reduce.rs", ["arch/isa.rs", "kernels/number.rs"]),
    source!("kernels/reduce_f32.rs", ["arch/isa.rs", "kernels/number.rs", "kernels/reduce.rs"]),
    source!("kernels/regions.rs", ["kernels/line.rs", "kernels/window.rs"]),
    source!("kernels/resize.rs", ["arch/isa.rs", "kernels/reduce_f32.rs"]),
    source!("kernels/rows.rs", []),
    source!("kernels/scatter.rs", ["error.rs", "kernels/index.rs"]),
    source!("kernels/select_rows.rs", ["kernels/copy.rs", "kernels/index.rs", "kernels/map.rs"]),
    source!("kernels/separable.rs", ["arch/isa.rs", "kernels/conv.rs", "kernels/conv2d.rs", "kernels/depthwise.rs"]),
    source!("kernels/softmax.rs", ["arch/isa.rs", "kernels/copy.rs", "kernels/reduce.rs", "kernels/reduce_f32.rs", "math/exp.rs", "math/log.rs"]),
    source!("kernels/table.rs", ["arch/isa.rs", "kernels/quant.rs"]),
    source!("kernels/tile.rs", ["arch/columns.rs", "arch/isa.rs", "arch/products.rs", "kernels/epilogue.rs", "kernels/line.rs", "kernels/regions.rs", "kernels/rows.rs"]),
    source!("kernels/topk.rs", ["kernels/number.rs"]),
    source!("kernels/window.rs", []),
    source!("math/acos.rs", ["math/asin.rs"]),
    source!("math/acosh.rs", ["math/log1p.rs", "math/sqrt.rs"]),
    source!("math/asin.rs", ["math/sqrt.rs"]),
    source!("math/asinh.rs", ["math/log1p.rs", "math/sqrt.rs"]),
    source!("math/atan.rs", []),
    source!("math/atanh.rs", ["math/log1p.rs"]),
    source!("math/ceil.rs", ["math/round_even.rs"]),
    source!("math/ceil_f64.rs", ["math/round_even_f64.rs"]),
    source!("math/cos.rs", ["math/trig.rs"]),
    source!("math/cosh.rs", ["math/exp.rs"]),
    source!("math/double.rs", []),
    source!("math/double_f64.rs", []),
    source!("math/erf.rs", []),
    source!("math/exp.rs", []),
    source!("math/exp_f64.rs", []),
    source!("math/expm1.rs", []),
    source!("math/floor.rs", ["math/round_even.rs"]),
    source!("math/floor_f64.rs", ["math/round_even_f64.rs"]),
    source!("math/fma.rs", ["arch/fpu.rs"]),
    source!("math/log.rs", []),
    source!("math/log1p.rs", []),
    source!("math/log_f64.rs", []),
    source!("math/minmax.rs", []),
    source!("math/minmax_f64.rs", []),
    source!("math/pow.rs", ["math/double.rs", "math/round_even.rs"]),
    source!("math/pow_f64.rs", ["math/double_f64.rs", "math/round_even_f64.rs"]),
    source!("math/quantize.rs", []),
    source!("math/round_even.rs", []),
    source!("math/round_even_f64.rs", []),
    source!("math/sigmoid.rs", []),
    source!("math/sin.rs", ["math/trig.rs"]),
    source!("math/sinh.rs", ["math/exp.rs"]),
    source!("math/softplus.rs", ["math/exp.rs", "math/log1p.rs"]),
    source!("math/sqrt.rs", ["arch/fpu.rs"]),
    source!("math/sqrt_f64.rs", []),
    source!("math/tan.rs", ["math/trig.rs"]),
    source!("math/tanh.rs", []),
    source!("math/tanh_f64.rs", ["math/exp_f64.rs"]),
    source!("math/trig.rs", []),
    source!("math/trunc.rs", ["math/round_even.rs"]),
    source!("math/trunc_f64.rs", ["math/round_even_f64.rs"]),
];

// These read text and call no kernel: nothing for Miri.
#[cfg(all(test, not(miri)))]
mod tests {
    use super::SOURCES;
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
            let may_be = source.path == "arena.rs" || source.path.starts_with("arch/");
            assert!(!is_unsafe || may_be, "{} has unsafe code", source.path);
        }
    }
}
