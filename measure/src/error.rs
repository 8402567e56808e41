//! Why something could not be measured.

use std::fmt;

/// Lines of another program's output that are kept.
const KEPT_LINES: usize = 40;

/// Why something could not be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A program or a library is missing.
    Missing {
        /// What is missing.
        what: String,
        /// The command that installs it.
        install: String,
    },
    /// The file system refused something.
    Io(String),
    /// The crate does not build.
    Build {
        /// What was built.
        what: String,
        /// The first lines that the build printed.
        output: Vec<String>,
    },
    /// The firmware did not run to its end, or answered with something else than results.
    Run(String),
}

impl Error {
    /// A failed operation on files.
    pub(crate) fn io(what: &str) -> impl Fn(std::io::Error) -> Error + '_ {
        move |e| Error::Io(format!("cannot {what}: {e}"))
    }

    /// A failed build.
    pub(crate) fn build(what: impl Into<String>, stderr: &[u8]) -> Error {
        let text = String::from_utf8_lossy(stderr);
        let lines = text.lines().filter(|l| !l.trim().is_empty()).take(KEPT_LINES);
        Error::Build { what: what.into(), output: lines.map(str::to_string).collect() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Missing { what, install } => write!(f, "{what} is missing; `{install}` installs it"),
            Error::Io(why) | Error::Run(why) => f.write_str(why),
            Error::Build { what, output } => write!(f, "{what} does not build:\n{}", output.join("\n")),
        }
    }
}

impl std::error::Error for Error {}
