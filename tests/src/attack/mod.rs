//! Attacks on the compiler: inputs that somebody made to make it fail. Each case has a number, and equal numbers give equal
//! cases; what runs them bounds their time and memory (`cargo xtask attack`).

pub mod bombs;
pub mod mutations;
pub mod names;

use zantc::emit::{Source, emit_crate};
use zantc::onnx::{Limits, load_bytes};
use zantc::{Compiled, Config, pipeline};

/// What became of a case that ended as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ended {
    /// The file was no model.
    Unloaded,
    /// A model that is refused by diagnostics.
    Refused,
    /// A model that is compiled.
    Compiled,
}

impl Ended {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Ended::Unloaded => "not loaded",
            Ended::Refused => "refused",
            Ended::Compiled => "compiled",
        }
    }
}

/// Loads and compiles bytes.
///
/// # Errors
/// A refusal without a reason.
pub fn compiled(bytes: Vec<u8>) -> Result<(Ended, Option<Compiled>), String> {
    let model = match load_bytes(bytes.into(), None, &Limits::default()) {
        Ok(model) => model,
        Err(e) if e.code().starts_with("ZA") && !e.to_string().is_empty() => return Ok((Ended::Unloaded, None)),
        Err(e) => return Err(format!("an error without a code: {e}")),
    };
    match pipeline::compile(&model, &Config::new().dim("N", 1).dim("batch", 1)) {
        Ok(compiled) => Ok((Ended::Compiled, Some(compiled))),
        Err(d) if d.is_empty() => Err("a refusal without a diagnostic".into()),
        Err(_) => Ok((Ended::Refused, None)),
    }
}

/// The files of the crate of a compiled model.
pub fn package(compiled: &Compiled) -> zantc::emit::Package {
    let config = Config::new();
    let source = Source {
        program: &compiled.program,
        config: &config,
        name: "attacked",
        file: "",
        model_sha256: "",
        vectors: &[],
    };
    emit_crate(&source)
}
