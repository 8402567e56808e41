//! A ladder of methods: each compresses one model, and what comes out is evaluated and measured beside the original.
//!
//! Invariants: a row depends on nothing but its inputs, so that rows may be made by any processes on any machines, in any order; a row is
//! a file of its own, written last and at once, and made again where an input is another; the table follows from the rows' files alone.

mod collect;
mod file;
mod inputs;
mod plan;
mod row;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use zant_compress::Metric;
use zant_compress::method::{Step, named};
use zant_measure::overview::ORIGINAL;
use zantc::config::Options;
use zantc::diag::{Diagnostic, codes};
use zantc::targets::Target;

pub use collect::{Sort, collect, write};
pub use file::{RowFile, read_all, stored};
pub use inputs::{Source, fingerprint, sha256_of};
pub use plan::{command, planned};
pub use row::{Opened, finish, open};

/// The methods that are tried where none is named, after the original.
pub const METHODS: [&str; 12] = [
    "int8-dynamic",
    "int8",
    "unstructured-30",
    "unstructured-50",
    "unstructured-70",
    "structured-30",
    "structured-50",
    "structured-70",
    "structured-50+int8",
    "unstructured-70+int8",
    "ternary",
    "weights-int4",
];

/// Characters of the longest name of a row.
const LONGEST: usize = 100;

/// What all rows are made from.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// The model that is compressed.
    pub model: PathBuf,
    /// Validation data, and their labels where they have none of their own.
    pub data: PathBuf,
    /// The labels.
    pub labels: Option<PathBuf>,
    /// Data to calibrate by; the validation data where there are none.
    pub calibrate: Option<PathBuf>,
    /// What is measured of the answers; the usual where nothing is said.
    pub metric: Option<Metric>,
    /// The compiler's options.
    pub options: Options,
    /// Targets beside the host, which QEMU has a machine of.
    pub targets: Vec<&'static Target>,
    /// Samples of the time.
    pub runs: usize,
    /// Whether nothing is built.
    pub quick: bool,
    /// Models that would take more instructions are not emulated.
    pub emulate: u64,
    /// Threads, where not all cores; they change no number.
    pub threads: Option<NonZeroUsize>,
    /// Where everything is written.
    pub folder: PathBuf,
}

/// A row that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Rung {
    /// Its name.
    pub name: String,
    /// Where its model comes from.
    pub origin: Origin,
    /// Whether the user named it: then its failure is one of the command.
    pub asked: bool,
}

/// Where a row's model comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// The model as it is.
    Original,
    /// It is compressed.
    Method(Vec<Step>),
    /// Somebody else made it.
    Added(PathBuf),
}

/// Hears what is being done.
pub trait Hear: Send {
    /// Something began: a verb and its object.
    fn status(&mut self, verb: &str, what: &str);
    /// How far it is.
    fn progress(&mut self, what: &str);
}

/// The rows that are asked for: the original, methods (the usual ones where none is named), then models that others made.
///
/// # Errors
/// Names that are none, or twice there; models that are not there.
pub fn rungs(methods: &[String], added: &[(String, PathBuf)]) -> Result<Vec<Rung>, Vec<Diagnostic>> {
    let mut rungs = vec![Rung { name: ORIGINAL.into(), origin: Origin::Original, asked: true }];
    let asked = !methods.is_empty();
    let usual: Vec<String> = METHODS.iter().map(|m| (*m).into()).collect();
    let mut faults = Vec::new();
    for name in if asked { methods } else { &usual } {
        match method(name) {
            // It is there in any case.
            Ok(Rung { origin: Origin::Original, .. }) => {}
            Ok(rung) if rungs.iter().any(|r| r.name == rung.name) => faults.push(twice(name)),
            Ok(rung) => rungs.push(Rung { asked, ..rung }),
            Err(why) => faults.extend(why),
        }
    }
    for (name, path) in added {
        if rungs.iter().any(|r| r.name == *name) {
            faults.push(twice(name));
        }
        if !path.is_file() {
            faults.push(option(format!("the model of row `{name}` is not there: {path:?}")));
        }
        rungs.push(Rung { name: name.clone(), origin: Origin::Added(path.clone()), asked: true });
    }
    if faults.is_empty() { Ok(rungs) } else { Err(faults) }
}

/// The row of a method, which the user named.
///
/// # Errors
/// A name that stands for nothing.
pub fn method(name: &str) -> Result<Rung, Vec<Diagnostic>> {
    if name == ORIGINAL {
        return Ok(Rung { name: name.into(), origin: Origin::Original, asked: true });
    }
    let steps = named(name)?;
    // One name for one method: no spaces.
    let name = steps.iter().map(|step| zant_compress::method::name(*step)).collect::<Vec<_>>().join("+");
    if name.len() > LONGEST {
        return Err(vec![option(format!("a method of more than {LONGEST} characters"))]);
    }
    Ok(Rung { name, origin: Origin::Method(steps), asked: true })
}

/// A model that somebody else made: `qat=model.onnx`.
///
/// # Errors
/// What is wrong with it, in a few words.
pub fn addition(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = text.split_once('=').ok_or("expected NAME=MODEL")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if name.is_empty() || name.len() > LONGEST || !name.chars().all(plain) || !name.starts_with(char::is_alphanumeric) {
        return Err("a name has letters, digits, `-`, `_`, `.` and `+`, and begins with one of the first two".into());
    }
    if path.is_empty() {
        return Err("expected NAME=MODEL".into());
    }
    Ok((name.into(), path.into()))
}

fn twice(name: &str) -> Diagnostic {
    option(format!("there are two rows `{}`", name.escape_debug()))
}

/// A fault of an option.
fn option(message: String) -> Diagnostic {
    Diagnostic::error(codes::BAD_OPTION, message)
}

/// The first of what is wrong, in one line.
fn reason(diagnostics: &[Diagnostic]) -> String {
    diagnostics.first().map_or_else(|| "unknown".into(), |d| d.message.clone())
}

#[cfg(test)]
mod tests {
    use super::{METHODS, addition, method, rungs};

    #[test]
    fn the_usual_methods_have_names_that_they_keep() {
        for name in METHODS {
            assert_eq!(method(name).unwrap().name, name);
        }
        assert_eq!(rungs(&[], &[]).unwrap().len(), METHODS.len() + 1);
        assert_eq!(method("structured-30 + int8").unwrap().name, "structured-30+int8");
    }

    #[test]
    fn wrong_names_are_all_said_at_once() {
        let methods = ["int8", "int9", "int8", "unstructured-0"].map(String::from);
        let faults = rungs(&methods, &[("int8".into(), "missing.onnx".into())]).unwrap_err();
        let text: Vec<&str> = faults.iter().map(|d| d.message.as_str()).collect();
        for says in ["`int9`", "two rows `int8`", "`unstructured-0`", "missing.onnx"] {
            assert!(text.iter().any(|t| t.contains(says)), "{text:?}");
        }
    }

    #[test]
    fn names_of_additions_are_names_of_files() {
        assert_eq!(addition("qat=a=b.onnx"), Ok(("qat".into(), "a=b.onnx".into())));
        for wrong in ["qat", "=m", "qat=", "../x=m", ".x=m", "a/b=m", "a b=m", "a\n=m"] {
            assert!(addition(wrong).is_err(), "{wrong}");
        }
    }
}
