//! What the code of a linked file can do, found in its instructions: whether it can panic, allocate, call software floating
//! point, recurse, call what it does not name, or never come back; and how much stack it takes at most.
//!
//! Invariant: whatever cannot be followed (a jump to a register, a stack pointer that is computed) is a violation, never passed over.

mod body;
mod graph;
mod image;
mod registers;
mod thumb;

use std::fmt;

use crate::Error;
use graph::Graph;
use image::Image;

pub use image::Section;

/// A promise that code breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It can panic.
    Panic,
    /// It uses a heap.
    Allocation,
    /// It calls floating-point arithmetic in software.
    SoftFloat,
    /// It calls itself.
    Recursion,
    /// It calls or jumps to what a register holds.
    Indirect,
    /// It can go on for ever, or stop: what a panic becomes whose handler is an empty loop.
    Endless,
    /// It calls what is no function of the file.
    Unknown,
    /// Its stack cannot be followed.
    Stack,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 8] = [
        Kind::Panic,
        Kind::Allocation,
        Kind::SoftFloat,
        Kind::Recursion,
        Kind::Indirect,
        Kind::Endless,
        Kind::Unknown,
        Kind::Stack,
    ];

    /// Its name in a certificate.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Panic => "panic",
            Kind::Allocation => "allocation",
            Kind::SoftFloat => "soft_float",
            Kind::Recursion => "recursion",
            Kind::Indirect => "indirect_call",
            Kind::Endless => "endless_loop",
            Kind::Unknown => "unknown_code",
            Kind::Stack => "unknown_stack",
        }
    }
}

/// A promise that is broken, and how the code gets there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub kind: Kind,
    /// The function that breaks it.
    pub symbol: String,
    /// The calls from the root to that function, both included.
    pub path: Vec<String>,
    /// The address, where it is an instruction that breaks it.
    pub address: Option<u32>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.address.map_or(String::new(), |a| format!(" at {a:#x}"));
        write!(f, "{}: {}{at} ({})", self.kind.name(), self.symbol, self.path.join(" > "))
    }
}

/// A function that the root calls, or that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Bytes of code, constants between it included.
    pub bytes: u32,
    /// Bytes of stack that it takes by itself.
    pub frame: u32,
    /// Bytes of stack that it and all it calls take; `None` where that has no bound.
    pub stack: Option<u32>,
}

/// What is known of the code below a root.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The root, and all that it calls, in the order of addresses.
    pub functions: Vec<Function>,
    /// Broken promises, in the order of kinds.
    pub violations: Vec<Violation>,
    /// Bytes of stack that the root takes at most; `None` where that has no bound.
    pub stack_bytes: Option<u32>,
    /// The file's sections that take memory.
    pub sections: Vec<Section>,
}

/// Reads a linked file for Cortex-M with an FPU from the function whose name, or the last part of its path, is `root`.
///
/// # Errors
/// A file that is no ELF for Arm, or that has no such function.
pub fn audit(bytes: &[u8], root: &str) -> Result<Audit, Error> {
    let image = Image::read(bytes)?;
    let named = |name: &str| name == root || name.rsplit("::").next() == Some(root);
    let start = image.functions.iter().position(|f| named(&f.name));
    let start = start.ok_or_else(|| Error::Run(format!("the linked file has no function {root}")))?;
    let graph = Graph::new(&image, start);
    let stacks = graph.stacks();
    let functions = graph.reached().map(|(f, body)| Function {
        name: image.functions[f].name.clone(),
        bytes: image.functions[f].end - image.functions[f].start,
        frame: body.frame,
        stack: stacks.get(&f).copied().flatten(),
    });
    Ok(Audit {
        functions: functions.collect(),
        violations: graph.violations(),
        stack_bytes: stacks.get(&start).copied().flatten(),
        sections: image.sections.clone(),
    })
}
