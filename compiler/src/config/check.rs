//! Choices that contradict each other, and such as cost more than they seem to.

use super::Config;
use crate::diag::{Diagnostic, codes};
use crate::ir::Numerics;

impl Config {
    /// What was chosen makes sense together.
    pub(crate) fn check(&self) -> Result<(), Vec<Diagnostic>> {
        match self.board {
            Some(board) if board.target != self.target.name => {
                let message = format!("the board {} is a {}, not a {}", board.name, board.target, self.target.name);
                let help = "leave `--target` out, or name another board";
                Err(vec![Diagnostic::error(codes::BAD_OPTION, message).help(help)])
            }
            Some(_) | None if self.target.name == "wasm32" => self.check_sections(),
            Some(_) | None => Ok(()),
        }
    }

    /// In WebAssembly a section of its own is no memory that code could read.
    fn check_sections(&self) -> Result<(), Vec<Diagnostic>> {
        let sections = [("weights", &self.weights_section), ("arena", &self.arena_section)];
        let fault = |what: &str| {
            let message =
                format!("the {what} cannot have a section of their own in WebAssembly, where that is no memory");
            Diagnostic::error(codes::BAD_OPTION, message).help(format!("leave `--{what}-section` out"))
        };
        let faults: Vec<_> = sections.iter().filter(|(_, s)| s.is_some()).map(|(what, _)| fault(what)).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Fused products are promised to the bit everywhere, and cost dearly where no instruction computes them.
    pub(crate) fn warning(&self) -> Option<Diagnostic> {
        let slow = self.effective_numerics() == Numerics::Fused && self.target.numerics == Numerics::Separate;
        slow.then(|| {
            let message = format!("{} has no fused multiply-add; every product is software", self.target.name);
            Diagnostic::warning(codes::SOFTWARE_FMA, message)
                .help("`--numerics separate` is faster there, with other (equally sound) last bits")
        })
    }
}
