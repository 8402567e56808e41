//! Diagnostics: what is wrong with a model or a request, where, and what to do.
//!
//! Codes are stable: `docs/errors.md` and `zantc explain` are made from [`codes::CODES`].

pub mod codes;
mod nearest;
mod render;

pub use nearest::nearest;
pub use render::{Style, escape, render, render_all};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something that is good to know.
    Note,
    /// The work goes on.
    Warning,
    /// Nothing is written.
    Error,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// Stable code, e.g. `ZA0204`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The ONNX node it is about.
    pub node: Option<Box<NodePlace>>,
    /// The line of a text file it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Box<FilePlace>>,
    /// What to do, a sentence each.
    pub help: Vec<String>,
}

/// A node of the model, as a reader finds it again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NodePlace {
    /// Position in the model's node list.
    pub index: usize,
    /// The node's name, or its first output's where it has none; untrusted text.
    pub name: String,
    /// The operator with its domain where it is not ONNX's own; untrusted text.
    pub op_type: String,
    /// The node printed in the style of the IR, on one line.
    pub line: String,
    /// The part of `line` that is at fault (byte offset and length), for the caret.
    pub span: Option<(usize, usize)>,
    /// Where it is in the program that was exported, innermost first: modules, lines, functions; untrusted text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<String>,
}

/// A place in a text file that the user wrote.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FilePlace {
    /// The file.
    pub path: std::path::PathBuf,
    /// Number of the line, from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// The part of `text` that is at fault (byte offset and length), for the caret.
    pub span: (usize, usize),
}

impl From<Diagnostic> for Vec<Diagnostic> {
    fn from(diagnostic: Diagnostic) -> Vec<Diagnostic> {
        vec![diagnostic]
    }
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            node: None,
            file: None,
            help: Vec::new(),
        }
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message) }
    }

    /// What is good to know.
    pub fn note(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Note, ..Diagnostic::error(code, message) }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// Says which node it is about.
    #[must_use]
    pub fn at(mut self, node: NodePlace) -> Diagnostic {
        self.node = Some(Box::new(node));
        self
    }

    /// Says which line of a file it is about.
    #[must_use]
    pub fn in_file(mut self, place: FilePlace) -> Diagnostic {
        self.file = Some(Box::new(place));
        self
    }
}
