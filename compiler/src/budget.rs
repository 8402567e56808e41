//! What a model may need of RAM and flash, by the user's limits or the board's memories: refuses models that need more, and says
//! what to cut.

use crate::Config;
use crate::diag::{Diagnostic, codes, escape};
use crate::footprint::Footprint;
use crate::ir::DType;
use crate::plan::program::Planned;
use crate::program::{BufferId, Program};
use crate::targets::Board;

/// Live buffers and constants that a message names: the largest.
const SHOWN: usize = 5;
/// Characters of a name that are shown.
const NAME_CHARS: usize = 40;

/// The end of a name, which tells more than its beginning: exporters prefix the path of the layer.
fn short(name: &str) -> String {
    let cut = name.char_indices().rev().nth(NAME_CHARS).map(|(at, c)| at + c.len_utf8());
    cut.map_or(escape(name), |at| format!("..{}", escape(&name[at..])))
}

/// Bytes that may be used, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most bytes.
    pub bytes: usize,
    /// Who allows no more, as in "more than the 1024 allowed".
    pub whose: String,
}

/// The limits of RAM and flash that a footprint exceeds: the user's, else those of the board's largest memories.
pub fn exceeded(config: &Config, footprint: &Footprint) -> [Option<Limit>; 2] {
    let limit = |bytes: usize, chosen: Option<usize>, of: fn(&Board) -> usize| {
        let board = config.board.map(|b| Limit { bytes: of(b), whose: format!("that {} has in one piece", b.name) });
        let limit = chosen.map(|bytes| Limit { bytes, whose: "allowed".into() }).or(board);
        limit.filter(|l| bytes > l.bytes)
    };
    [
        limit(footprint.ram(), config.max_ram, Board::max_ram),
        limit(footprint.flash(), config.max_flash, Board::max_flash),
    ]
}

/// Checks RAM (arena, inputs, stack) and flash (constants, code).
///
/// # Errors
/// Each budget that is exceeded.
pub(crate) fn check(program: &Program, planned: &Planned, config: &Config) -> Result<(), Vec<Diagnostic>> {
    let layout = program.layout.as_ref().expect("the program has been placed");
    let footprint = Footprint::of(program, config);
    // No budget of a user and no board makes memory that a target cannot have.
    let (bytes, why) = config.target.largest_arena();
    if layout.arena_bytes >= bytes {
        let limit = Limit { bytes, whose: format!("that {why}") };
        return Err(vec![over_ram(program, planned, &footprint, &limit)]);
    }
    let [ram, flash] = exceeded(config, &footprint);
    let ram = ram.map(|l| over_ram(program, planned, &footprint, &l));
    let faults: Vec<Diagnostic> = ram.into_iter().chain(flash.map(|l| over_flash(program, &footprint, &l))).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn over_ram(program: &Program, planned: &Planned, footprint: &Footprint, limit: &Limit) -> Diagnostic {
    let layout = program.layout.as_ref().expect("the program has been placed");
    let message = format!("the model needs {}, more than the {} {}", footprint.ram_text(), limit.bytes, limit.whose);
    let step = program.steps.get(layout.peak_step);
    let at = step.and_then(|s| s.origin.last()).map(|o| short(&o.name)).unwrap_or_default();
    let mut live = live(planned, layout.peak_step);
    live.sort_by_key(|&b| std::cmp::Reverse(program.buffer(b).bytes()));
    let shown: Vec<String> = live
        .iter()
        .take(SHOWN)
        .map(|&b| format!("`{}` {}", short(&program.buffer(b).name), program.buffer(b).bytes()))
        .collect();
    let rest = live.len().saturating_sub(SHOWN);
    let more = if rest > 0 { format!(" and {rest} smaller") } else { String::new() };
    // What is left for the arena.
    let left = limit.bytes.saturating_sub(footprint.ram() - footprint.arena);
    let times = (footprint.arena as f64 / left.max(1) as f64 * 10.0).ceil() / 10.0;
    let floats = live.iter().any(|&b| program.buffer(b).dtype == DType::F32);
    let help = match floats && times <= 4.0 {
        true => "quantized to 8 bits it would need about a quarter; so would an input of half the height and width",
        false => {
            "make the input smaller (half its height and width is a quarter of the memory), or the maps at the peak thinner"
        }
    };
    Diagnostic::error(codes::OVER_BUDGET, message)
        .help(format!(
            "the peak is at step {} (`{at}`), with {} bytes live",
            layout.peak_step, layout.lower_bound_bytes
        ))
        .help(format!("live there, in bytes: {}{more}", shown.join(", ")))
        .help(match left {
            0 => format!("nothing of that is left for the arena: {help}"),
            _ => format!("the arena must shrink {times:.1}-fold: {help}"),
        })
        .help("`zantc inspect --svg` draws the arena")
}

/// The buffers that are live at a step.
fn live(planned: &Planned, step: usize) -> Vec<BufferId> {
    let ranges = planned.placement.ranges.iter().zip(&planned.buffers);
    ranges.filter(|(r, _)| r.is_some_and(|r| (r.first..=r.last).contains(&step))).map(|(_, &b)| b).collect()
}

fn over_flash(program: &Program, footprint: &Footprint, limit: &Limit) -> Diagnostic {
    let message = format!("the model needs {}, more than the {} {}", footprint.flash_text(), limit.bytes, limit.whose);
    let mut largest: Vec<_> = program.weights.iter().collect();
    largest.sort_by_key(|w| std::cmp::Reverse(w.data.data().len()));
    let shown: Vec<String> =
        largest.iter().take(SHOWN).map(|w| format!("`{}` {}", short(&w.name), w.data.data().len())).collect();
    let floats = largest.first().is_some_and(|w| w.data.dtype() == DType::F32);
    let help = match floats {
        true => "quantized to 8 bits they would need about a quarter",
        false => "prune the largest layers, or give them fewer channels",
    };
    Diagnostic::error(codes::OVER_BUDGET, message)
        .help(format!("the largest, in bytes: {}", shown.join(", ")))
        .help(help)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::targets::find_board;
    use crate::{Config, compile, read};

    /// All that is said when the digit classifier is compiled.
    fn said(config: &Config) -> String {
        let model = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx")).unwrap();
        let faults = compile(&model, config).err().unwrap_or_default();
        faults.iter().map(|d| format!("{}: {}\n{}\n", d.code, d.message, d.help.join("\n"))).collect()
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = said(&Config::new().max_ram(1 << 10).max_flash(4 << 10));
        for part in
            ["more than the 1024 allowed", "the peak is at step 0 (`relu1`)", "live there, in bytes: `", "2.7-fold"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        for part in ["more than the 4096 allowed", "the largest, in bytes: `conv2` 4608", "about a quarter"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(super::short("conv1"), "conv1");
        assert_eq!(super::short(&"é".repeat(40)), "é".repeat(40));
        assert_eq!(super::short(&format!("x{}", "y".repeat(40))), format!("..{}", "y".repeat(40)));
    }

    #[test]
    fn what_no_memory_of_the_target_holds_is_refused_before_it_is_computed() {
        let text = "graph \"\"\n  in %0 \"x\": f32[1,1]\n  %1 = expand %0 : f32[30000,30000]\n  %2 = softmax %1 {axis 1} : f32[30000,30000]\n  out \"y\" = %2\n";
        let graph = crate::ir::text::parse(text).unwrap();
        let compiled = |target: &str| {
            let config = Config::new().target(crate::targets::find(target).unwrap());
            crate::compile_graph(graph.clone(), &config).map(|c| c.program.layout.unwrap().arena_bytes)
        };
        assert!(compiled("host").is_ok_and(|bytes| bytes >= 30000 * 30000 * 4));
        for (target, why) in [
            ("cortex-m7", "Cortex-M addresses"),
            ("cortex-m0", "Cortex-M addresses"),
            ("riscv32imc", "32 bits"),
            ("wasm32", "32 bits"),
        ] {
            let faults = compiled(target).unwrap_err();
            assert!(faults[0].code == "ZA0301" && faults[0].message.contains(why), "{target}: {faults:?}");
        }
    }

    #[test]
    fn a_module_of_webassembly_has_no_sections() {
        let wasm = || Config::new().target(crate::targets::find("wasm32").unwrap());
        assert_eq!(said(&wasm()), "");
        for config in [wasm().weights_section(".psram"), wasm().arena_section(".axi")] {
            assert!(said(&config).contains("where that is no memory"));
        }
    }

    #[test]
    fn a_board_has_one_target() {
        let board = find_board("nrf52840").unwrap();
        assert_eq!(said(&Config::new().board(board)), "");
        let other = Config::new().board(board).target(crate::targets::HOST);
        assert!(said(&other).contains("the board nrf52840 is a cortex-m4, not a host"));
    }
}
