//! What a model takes of a device's memories: what is planned, and, for targets that firmware is built for, estimates of the stack
//! and the code, which only a linked firmware has.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::program::Program;
use crate::targets::Target;

/// Bytes that a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// The arena: every buffer, the outputs, the states, and all working memory of a run.
    pub arena: usize,
    /// The inputs that the caller lends; those in the arena are part of it.
    pub inputs: usize,
    /// An estimate of the stack below the call of a run; `None` where the target has memory enough not to ask.
    pub stack: Option<usize>,
    /// The constants.
    pub weights: usize,
    /// An estimate of the machine code and its own constants; `None` as for the stack.
    pub code: Option<usize>,
}

/// What is assumed of a target, in bytes: what was seen in firmware of the models that `cargo xtask boards` links, and a reserve. That
/// task fails where a model takes more than is estimated here.
struct Costs {
    /// The deepest stack.
    stack: usize,
    /// Code that every model has.
    base: usize,
    /// Code for each kernel that it uses, however often.
    kernel: usize,
    /// Code that kernels of quantized numbers share.
    quantized: usize,
    /// Code that recurrent layers share.
    recurrent: usize,
    /// Code of each function of real numbers, which is in every loop that calls it: `tanh`.
    function: usize,
    /// Code for each step.
    step: usize,
}

/// Firmware of Cortex-M with their own loops.
const ARM_LOOPS: Costs =
    Costs { stack: 1536, base: 5632, kernel: 2048, quantized: 1536, recurrent: 4608, function: 768, step: 128 };
/// Firmware of Armv6-M, in plain Rust: floating point in software is most of the base.
const ARMV6M: Costs =
    Costs { stack: 4608, base: 20 << 10, kernel: 2048, quantized: 14 << 10, recurrent: 4608, function: 768, step: 128 };
/// The same of RISC-V.
const RISCV: Costs =
    Costs { stack: 4608, base: 12 << 10, kernel: 4 << 10, quantized: 32 << 10, recurrent: 0, function: 0, step: 256 };

/// The costs on a target, where there are estimates.
fn costs(target: &Target) -> Option<&'static Costs> {
    match target.name {
        _ if target.loops.family == Some("arch/arm") => Some(&ARM_LOOPS),
        "cortex-m0" => Some(&ARMV6M),
        "riscv32imc" => Some(&RISCV),
        _ => None,
    }
}

/// Whether a kernel computes with quantized numbers.
fn is_quantized(kernel: &str) -> bool {
    kernel.starts_with('q') || kernel.starts_with("sparse_q") || kernel.contains("dynamic") || kernel.contains("wide")
}

/// Whether a kernel is a recurrent layer.
fn is_recurrent(kernel: &str) -> bool {
    ["lstm", "gru", "rnn"].iter().any(|cell| kernel.starts_with(cell))
}

/// Bytes of the emitted arena: a multiple of its alignment.
pub fn arena_bytes(program: &Program) -> usize {
    program.arena_bytes().next_multiple_of(64)
}

impl Footprint {
    /// That of a placed program.
    pub fn of(program: &Program, config: &Config) -> Footprint {
        let kernels: BTreeSet<&str> = program.steps.iter().map(|s| s.call.name()).collect();
        let uses: BTreeSet<&str> = program.steps.iter().flat_map(|s| s.call.uses()).collect();
        let functions = uses.iter().filter(|path| path.starts_with("math::")).count();
        let costs = costs(config.target);
        let has = |is_such: fn(&str) -> bool| usize::from(kernels.iter().any(|k| is_such(k)));
        let (quantized, recurrent) = (has(is_quantized), has(is_recurrent));
        let code = |c: &Costs| {
            let shared = c.quantized * quantized + c.recurrent * recurrent;
            let own = c.kernel * kernels.len() + c.function * functions + c.step * program.steps.len();
            c.base + shared + own
        };
        Footprint {
            arena: arena_bytes(program),
            // Each in a static of its own.
            inputs: match program.has_own_inputs() {
                true => 0,
                false => program.inputs.iter().map(|p| p.ty.bytes().next_multiple_of(4)).sum(),
            },
            stack: costs.map(|c| c.stack),
            weights: program.weights_bytes(),
            code: costs.map(code),
        }
    }

    /// Bytes of RAM, as far as they are known.
    pub fn ram(&self) -> usize {
        self.arena + self.inputs + self.stack.unwrap_or(0)
    }

    /// Bytes of flash, as far as they are known.
    pub fn flash(&self) -> usize {
        self.weights + self.code.unwrap_or(0)
    }

    /// The sum of RAM and what it is made of.
    pub fn ram_text(&self) -> String {
        let stack = self.stack.map_or(String::new(), |s| format!(" + {s} stack, estimated"));
        let inputs = if self.inputs == 0 { String::new() } else { format!(" + {} inputs", self.inputs) };
        format!("{} bytes of RAM ({} arena{inputs}{stack})", self.ram(), self.arena)
    }

    /// The sum of flash and what it is made of.
    pub fn flash_text(&self) -> String {
        let Some(code) = self.code else { return format!("{} bytes of weights", self.weights) };
        format!("{} bytes of flash ({} weights + {code} code, estimated)", self.flash(), self.weights)
    }

    /// The same for programs.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "ram_bytes": self.ram(),
            "arena_bytes": self.arena,
            "inputs_bytes": self.inputs,
            "stack_estimate_bytes": self.stack,
            "flash_bytes": self.flash(),
            "weights_bytes": self.weights,
            "code_estimate_bytes": self.code,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Footprint;
    use crate::targets::{BOARDS, find, find_board};
    use crate::{Config, compile, read};

    fn footprint(model: &str, config: &Config) -> Footprint {
        let model = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(model)).unwrap();
        Footprint::of(&compile(&model, config).unwrap().program, config)
    }

    #[test]
    fn what_is_said_adds_up() {
        for target in ["host", "cortex-m7", "cortex-m0", "riscv32imc", "wasm32"] {
            let f = footprint("digits_int8/digits_int8.onnx", &Config::new().target(find(target).unwrap()));
            let is_firmware = target.starts_with("cortex") || target.starts_with("riscv");
            assert_eq!(f.inputs, if is_firmware { 0 } else { 64 * 4 }, "firmware has its inputs in the arena");
            for text in [f.ram_text(), f.flash_text()] {
                let numbers: Vec<usize> =
                    text.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
                assert!(numbers.len() == 1 || numbers[0] == numbers[1..].iter().sum::<usize>(), "{text}");
            }
            let json = f.json();
            let number = |key: &str| json[key].as_u64().unwrap_or(0);
            assert_eq!(
                number("ram_bytes"),
                number("arena_bytes") + number("inputs_bytes") + number("stack_estimate_bytes")
            );
            assert_eq!(number("flash_bytes"), number("weights_bytes") + number("code_estimate_bytes"));
            assert_eq!(f.stack.is_some(), target != "host" && target != "wasm32");
        }
    }

    #[test]
    fn every_board_has_estimates() {
        for board in BOARDS {
            assert!(super::costs(board.target()).is_some(), "{}", board.name);
        }
    }

    #[test]
    fn inputs_and_stack_count_against_a_budget() {
        let model = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits/digits.onnx")).unwrap();
        let board = find_board("nrf52832").unwrap();
        let f = footprint("digits/digits.onnx", &Config::new().board(board));
        for (bytes, fits) in [(f.ram(), true), (f.ram() - 1, false), (f.arena, false)] {
            assert_eq!(compile(&model, &Config::new().board(board).max_ram(bytes)).is_ok(), fits, "{bytes} {f:?}");
        }
        for (bytes, fits) in [(f.flash(), true), (f.flash() - 1, false), (f.weights, false)] {
            assert_eq!(compile(&model, &Config::new().board(board).max_flash(bytes)).is_ok(), fits, "{bytes} {f:?}");
        }
    }
}
