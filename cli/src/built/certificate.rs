//! What is certified of a linked firmware, as JSON and as a page.
//!
//! Invariant: the text depends on the model, the options and the tools alone; there are no times and no paths of the machine.

use std::fmt::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zant_measure::audit::{Audit, Kind, Violation};
use zant_measure::{Machine, Sizes};
use zantc::diag::{Diagnostic, codes};
use zantc::emit::Package;

use super::device::{Measured, hash};

/// What is certified.
#[derive(Debug)]
pub struct Certificate<'a> {
    /// The crate's name.
    pub name: &'a str,
    /// SHA-256 of the model, in hex.
    pub model_sha256: &'a str,
    /// The emitted crate.
    pub package: &'a Package,
    /// Bytes of the arena.
    pub arena_bytes: usize,
    /// The machine that the firmware ran on.
    pub machine: &'a Machine,
    /// Lines of the tools' versions.
    pub tools: Vec<String>,
    /// One for each level of optimisation.
    pub builds: Vec<Build>,
}

/// The firmware at one level of optimisation.
#[derive(Debug)]
pub struct Build {
    /// The level.
    pub level: String,
    /// SHA-256 of the linked file.
    pub elf_sha256: String,
    /// What its instructions say.
    pub audit: Audit,
    /// What it took and gave.
    pub measured: Measured,
}

/// A hash in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A hash of a package: of each file's path, length and bytes.
fn package_sha256(package: &Package) -> String {
    let mut all = Sha256::new();
    for (path, bytes) in &package.files {
        all.update(format!("{path}\0{}\0", bytes.len()));
        all.update(bytes);
    }
    all.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

impl Build {
    /// Bytes of stack that were written exceed those that the calls add up to.
    fn exceeds_stack(&self) -> bool {
        self.audit.stack_bytes.zip(self.measured.stack_bytes).is_some_and(|(bound, used)| used > bound)
    }

    /// The promises that it breaks.
    pub fn faults(&self) -> Vec<Diagnostic> {
        let level = &self.level;
        let fault = |v: &Violation| {
            let at = v.address.map_or(String::new(), |a| format!(" at {a:#x}"));
            let message = format!("{} at opt-level {level}: `{}`{at}", v.kind.name().replace('_', " "), v.symbol);
            Diagnostic::error(codes::BROKEN_PROMISE, message).help(format!("called by {}", v.path.join(" > ")))
        };
        let mut faults: Vec<Diagnostic> = self.audit.violations.iter().map(fault).collect();
        if self.exceeds_stack() {
            let (used, bound) = (self.measured.stack_bytes.unwrap_or(0), self.audit.stack_bytes.unwrap_or(0));
            let message = format!("the stack took {used} bytes at opt-level {level}, more than the bound of {bound}");
            faults.push(Diagnostic::error(codes::BROKEN_PROMISE, message));
        }
        faults
    }

    fn json(&self) -> Value {
        let Sizes { text, code, weights, statics: _ } = self.measured.built.sizes;
        let broken = |kind: Kind| {
            let of_kind = self.audit.violations.iter().filter(|v| v.kind == kind);
            of_kind.map(|v| json!({ "symbol": v.symbol, "path": v.path, "address": v.address })).collect::<Vec<_>>()
        };
        let promises: serde_json::Map<String, Value> =
            Kind::ALL.iter().map(|&k| (k.name().to_string(), broken(k).into())).collect();
        json!({
            "opt_level": self.level,
            "elf_sha256": self.elf_sha256,
            "kept": self.faults().is_empty(),
            "broken": promises,
            "stack_bound_bytes": self.audit.stack_bytes,
            "stack_painted_bytes": self.measured.stack_bytes,
            "instructions_per_inference": self.measured.most_instructions(),
            "output_hash": hash(&self.measured.outputs),
            "text_bytes": text,
            "code_bytes": code,
            "weights_bytes": weights,
            "sections": self.audit.sections.iter()
                .map(|s| json!({ "name": s.name, "address": s.address, "bytes": s.bytes })).collect::<Vec<_>>(),
            "functions": self.audit.functions.iter()
                .map(|f| json!({ "name": f.name, "bytes": f.bytes, "frame_bytes": f.frame, "stack_bytes": f.stack }))
                .collect::<Vec<_>>(),
        })
    }

    fn markdown(&self) -> String {
        let bound = self.audit.stack_bytes.map_or("none".to_string(), |b| b.to_string());
        let sizes = self.measured.built.sizes;
        let mut text = format!("\n## opt-level {}\n\n| | |\n| --- | --- |\n", self.level);
        let counts = Kind::ALL.map(|kind| {
            let count = self.audit.violations.iter().filter(|v| v.kind == kind).count();
            (kind.name().replace('_', " "), if count == 0 { "none".to_string() } else { format!("**{count}**") })
        });
        let figures = [
            ("stack, bound from the calls", format!("{bound} bytes")),
            ("stack, painted", self.measured.stack_bytes.map_or("not measured".into(), |b| format!("{b} bytes"))),
            ("machine code", format!("{} bytes", sizes.text)),
            ("machine code and constants beside the weights", format!("{} bytes", sizes.code)),
            (
                "instructions per inference",
                self.measured.most_instructions().map_or("not counted".into(), |n| n.to_string()),
            ),
            ("output hash", format!("`{}`", hash(&self.measured.outputs))),
            ("SHA-256 of the linked file", format!("`{}`", self.elf_sha256)),
        ];
        let figures = figures.map(|(what, figure)| (what.to_string(), figure));
        for (what, figure) in counts.into_iter().chain(figures) {
            let _ = writeln!(text, "| {what} | {figure} |");
        }
        for v in &self.audit.violations {
            let _ = writeln!(
                text,
                "\n- {}: `{}`, called by `{}`",
                v.kind.name().replace('_', " "),
                v.symbol,
                v.path.join(" > ")
            );
        }
        text += "\n| section | address | bytes |\n| --- | ---: | ---: |\n";
        for s in &self.audit.sections {
            let _ = writeln!(text, "| `{}` | {:#x} | {} |", s.name, s.address, s.bytes);
        }
        text += "\n| function | bytes | frame | stack |\n| --- | ---: | ---: | ---: |\n";
        for f in &self.audit.functions {
            let stack = f.stack.map_or("none".to_string(), |s| s.to_string());
            let _ = writeln!(text, "| `{}` | {} | {} | {stack} |", f.name.replace('|', "\\|"), f.bytes, f.frame);
        }
        text
    }
}

impl Certificate<'_> {
    /// `certificate.json`.
    pub fn json(&self) -> Value {
        json!({
            "name": self.name,
            "target": self.machine.cpu,
            "machine": self.machine.name,
            "tools": self.tools,
            "model_sha256": self.model_sha256,
            "crate_sha256": package_sha256(self.package),
            "arena_bytes": self.arena_bytes,
            "builds": self.builds.iter().map(Build::json).collect::<Vec<_>>(),
        })
    }

    /// The page for people.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {} on {}\n\n", self.name, self.machine.cpu);
        text += "What the linked firmware can do, found in its instructions from the call of `run` downwards; and what it took on\n";
        text += &format!("an emulated {}.\n\n| | |\n| --- | --- |\n", self.machine.name);
        let _ = writeln!(text, "| arena | {} bytes |", self.arena_bytes);
        let _ = writeln!(text, "| SHA-256 of the model | `{}` |", self.model_sha256);
        let _ = writeln!(text, "| SHA-256 of the crate | `{}` |", package_sha256(self.package));
        for tool in &self.tools {
            let _ = writeln!(text, "| tool | {} |", tool.replace('|', "\\|"));
        }
        text + &self.builds.iter().map(Build::markdown).collect::<String>()
    }
}
